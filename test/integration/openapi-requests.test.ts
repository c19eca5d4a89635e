/**
 * Requests made from our own OpenAPI document, right and wrong ones, against a real process: every answer has a status and a content
 * type that the document describes, and none is a mistake of ours.
 */
import { type IncomingHttpHeaders, request } from 'node:http';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openApiDocument } from '../../core/gateway/http/openapi.ts';
import { RealCluster } from '../support/cluster.ts';

interface Schema {
  readonly enum?: readonly string[];
  readonly const?: string;
  readonly type?: string;
  readonly minimum?: number;
  readonly maximum?: number;
}
interface Parameter {
  readonly name: string;
  readonly in: 'path' | 'query' | 'header';
  readonly schema: Schema;
}
interface Described {
  readonly headers?: object;
  readonly content?: Readonly<Record<string, unknown>>;
}
interface Operation {
  readonly parameters?: readonly Parameter[];
  readonly responses: Readonly<Record<string, Described>>;
}
type PathItem = Readonly<Record<string, Operation>> & { readonly parameters?: readonly Parameter[] };
interface OpenApi {
  readonly paths: Readonly<Record<string, PathItem>>;
  readonly components: { readonly schemas: Readonly<Record<string, { readonly required: string[] }>> };
}

const { paths, components } = openApiDocument('0') as OpenApi;
const described = ['get', 'head', 'put', 'delete', 'options'];
const others = ['POST', 'PATCH', 'TRACE', 'PROPFIND', 'QUERY', 'NONSENSE'];

interface Asked {
  readonly method: string;
  readonly target: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}
interface Answered {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

const cluster = new RealCluster();
beforeAll(() => cluster.start('--nodes', '1'));
afterAll(() => cluster.dispose());

/** Of the last answer that had one; it stands where requests say so. */
let lastContext = '';
const ofLast = '{last}';
const withLast = (text: string) => text.replaceAll(ofLast, lastContext);

/** What may go over the wire as a header, and means nothing. */
const odd = fc
  .array(
    fc.integer({ min: 0x20, max: 0xff }).filter((code) => code !== 0x7f),
    { maxLength: 20 },
  )
  .map((codes) => String.fromCharCode(...codes).trim());

const fitting: Readonly<Record<string, readonly string[]>> = {
  'X-Coterie-Context': ['', ofLast],
  'If-Match': ['*', `"${ofLast}"`, '"none"'],
  'If-None-Match': ['*', `"${ofLast}"`, `W/"${ofLast}", "none"`],
  'If-Range': [`"${ofLast}"`, '"none"'],
  Range: ['bytes=0-1', 'bytes=-1', 'bytes=1-', 'bytes=0-0,2-3', 'bytes=900-'],
};

function fittingValue({ name, schema }: Parameter): fc.Arbitrary<string> {
  if (schema.const !== undefined) return fc.constant(schema.const);
  if (schema.enum !== undefined) return fc.constantFrom(...schema.enum);
  if (schema.type === 'integer') return fc.integer({ min: schema.minimum, max: schema.maximum }).map(String);
  return fc.constantFrom(...fitting[name]);
}

/** Name and value, or nothing. */
function parameterOf(parameter: Parameter): fc.Arbitrary<[string, string][]> {
  const named = (value: fc.Arbitrary<string>) =>
    value.map((text): [string, string][] => [[parameter.name, text]]);
  return fc.oneof(
    { weight: 24, arbitrary: fc.constant<[string, string][]>([]) },
    { weight: 8, arbitrary: named(fittingValue(parameter)) },
    { weight: 1, arbitrary: named(odd) },
  );
}

function parametersOf(parameters: readonly Parameter[], place: Parameter['in']) {
  const those = parameters.filter((parameter) => parameter.in === place);
  return fc.tuple(...those.map(parameterOf)).map((found) => found.flat());
}

const encoded = (text: string) => encodeURIComponent(text).replaceAll('.', '%2e');
const keyspaces = fc.oneof(
  { weight: 8, arbitrary: fc.constant('default') },
  { weight: 1, arbitrary: fc.constantFrom('nowhere', '', '%zz', '%00', '..') },
);
const keys = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom('a', 'b', 'c') },
  { weight: 2, arbitrary: fc.constantFrom('..', 'a/../b', '/', '', '%ff%00', '%', '%4', '?', '#') },
  { weight: 1, arbitrary: fc.string({ unit: 'grapheme' }).map(encoded) },
);

function askedOf(path: string): fc.Arbitrary<Asked> {
  const item = paths[path];
  const methods = fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom(...described.filter((method) => item[method] !== undefined)) },
    { weight: 1, arbitrary: fc.constantFrom(...described, ...others) },
  );
  return methods.chain((method) => {
    const parameters = [...(item.parameters ?? []), ...(item[method]?.parameters ?? [])];
    const accepted = Object.values(item.get.responses).flatMap(({ content }) => Object.keys(content ?? {}));
    return fc
      .record({
        keyspace: keyspaces,
        key: keys,
        query: parametersOf(parameters, 'query'),
        headers: parametersOf(parameters, 'header'),
        accept: fc.constantFrom('*/*', ...new Set(accepted)),
        body: method === 'put' ? fc.uint8Array({ maxLength: 64 }) : fc.constant(new Uint8Array(0)),
        stranger: fc.oneof(
          { weight: 20, arbitrary: fc.constant<Record<string, string>>({}) },
          {
            weight: 1,
            arbitrary: fc.constantFrom<Record<string, string>>(
              { Origin: 'http://a.example' },
              { Host: 'a.example' },
            ),
          },
        ),
      })
      .map(({ keyspace, key, query, headers, accept, body, stranger }) => {
        const words = query.map((pair) => pair.map(encodeURIComponent).join('='));
        const target = path.replace('{keyspace}', () => keyspace).replace('{key}', () => key);
        return {
          method: method.toUpperCase(),
          target: words.length === 0 ? target : `${target}?${words.join('&')}`,
          headers: { ...Object.fromEntries(headers), Accept: accept, ...stranger },
          body,
        };
      });
  });
}

const anyRequest = fc
  .oneof(
    { weight: 20, arbitrary: fc.constant('/kv/{keyspace}/{key}') },
    { weight: 1, arbitrary: fc.constantFrom(...Object.keys(paths)) },
  )
  .chain((path) => askedOf(path).map((asked) => ({ path, asked })));

function ask({ method, target, headers, body }: Asked): Promise<Answered> {
  const { hostname, port } = new URL(cluster.uiUrl);
  const sent = Object.entries(headers).map(([name, value]) => [name, withLast(value)]);
  if (body.length > 0) sent.push(['Content-Length', String(body.length)]);
  return new Promise((resolve, reject) => {
    const outgoing = request(
      { hostname, port, method, path: target, headers: Object.fromEntries(sent), agent: false },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () =>
          resolve({ status: response.statusCode!, headers: response.headers, body: Buffer.concat(chunks) }),
        );
      },
    );
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

/** Throws where the document does not describe the answer. */
function check(path: string, method: string, { status, headers, body }: Answered): void {
  expect(status).not.toBe(500);
  const item = paths[path];
  // Another method is answered by what holds for every request there.
  const { responses } = item[method.toLowerCase()] ?? item.get;
  const known = responses[status];
  expect(known, `${status} of ${method} ${path} is described`).toBeDefined();
  const type = headers['content-type']?.split(';')[0];
  if (known.content === undefined) expect([type, body.length]).toEqual([undefined, 0]);
  // A value has whatever type it was written with.
  else if (known.content['*/*'] === undefined) expect(Object.keys(known.content)).toContain(type);
  if (status === 405) expect(headers.allow).toMatch(/GET, HEAD/);
  for (const name of ['etag', 'x-coterie-context']) {
    const names = Object.keys(known.headers ?? {}).map((header) => header.toLowerCase());
    if (headers[name] !== undefined) expect(names).toContain(name);
  }
  if (type === 'application/problem+json' && method !== 'HEAD') {
    const told = JSON.parse(body.toString()) as { status: number };
    expect(Object.keys(told)).toEqual(expect.arrayContaining(components.schemas.Problem.required));
    expect(told.status).toBe(status);
  }
}

test('every answer to a request made from the document is described in it', async () => {
  const seen = new Set<number>();
  await fc.assert(
    fc.asyncProperty(anyRequest, async ({ path, asked }) => {
      const answer = await ask(asked);
      seen.add(answer.status);
      lastContext = answer.headers['x-coterie-context']?.toString() ?? lastContext;
      check(path, asked.method, answer);
    }),
    { numRuns: 1_000 },
  );
  // Otherwise little was looked at.
  for (const status of [200, 204, 400, 404, 405, 412]) expect([...seen]).toContain(status);
  expect(cluster.log).not.toMatch(/mistake of Coterie/);
});
