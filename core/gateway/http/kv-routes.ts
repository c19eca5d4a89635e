/**
 * Keys over HTTP: GET, PUT and DELETE of /kv/{keyspace}/{key}, as Riak does it: the causal context travels in a header,
 * siblings come as 300 Multiple Choices. A body is the value, byte for byte.
 */
import { type Context, Hono } from 'hono';
import { CoterieError } from '../../base/errors.ts';
import { type ConsistencyLevel, consistencyLevels, parseConsistencyLevel } from '../../base/levels.ts';
import type { Log } from '../../ports/log.ts';
import type { Random } from '../../ports/random.ts';
import type { RemoteStore } from '../../ports/remote-store.ts';
import { type BodyComponents, type BodyLimits, withBody } from './body.ts';
import { failure, failureOf } from './failures.ts';
import { type KeyTarget, keyTargetOf, pathOfTarget } from './key-target.ts';
import { type KvEnvironment, kvRights } from './kv-rights.ts';
import type { ReadGate } from './read-gate.ts';

export const contextHeader = 'X-Coterie-Context';

const valueLimits: BodyLimits = {
  bytesMax: 50 * 1024 * 1024,
  tooLargeWords: 'A value has at most 50 MiB.',
};
const noBody: BodyLimits = { bytesMax: 64 * 1024, tooLargeWords: 'A DELETE has no body.' };

type KvContext = Context<KvEnvironment>;

function levelOf(c: KvContext): ConsistencyLevel | undefined {
  const text = c.req.query('consistency');
  if (text === undefined) return undefined;
  const level = parseConsistencyLevel(text);
  if (level === undefined) {
    throw new CoterieError(
      'bad-input',
      `"${text}" is no consistency level. Use one of ${consistencyLevels.join(', ')}.`,
    );
  }
  return level;
}

function expiryOf(c: KvContext): number | undefined {
  const text = c.req.query('ttl');
  if (text === undefined) return undefined;
  if (!/^[1-9][0-9]{0,9}$/.test(text)) {
    throw new CoterieError('bad-input', 'ttl is a whole number of seconds, 1 or more.');
  }
  return Number(text);
}

function targetOf(c: KvContext): KeyTarget {
  return keyTargetOf(pathOfTarget(c.env.incoming.url ?? ''));
}

const exchangeOf = ({ env }: KvContext) => ({ request: env.incoming, response: env.outgoing });

/** Siblings go out as base64 within JSON, or joined: beside the values themselves. */
function heldBytesOf(values: readonly Buffer[]): number {
  const bytes = values.reduce((sum, value) => sum + value.length, 0);
  return values.length > 1 ? 3 * bytes : bytes;
}

/** As the body of a Response, without another copy. */
function bytesOf(value: Buffer): Uint8Array<ArrayBuffer> {
  return value as Buffer<ArrayBuffer>;
}

/** A line that is in none of the values: what follows it would be taken for another part. */
function boundaryFor(values: readonly Buffer[], random: Random): string {
  for (;;) {
    const boundary = `coterie-${Buffer.from(random.bytes(16)).toString('hex')}`;
    if (!values.some((value) => value.includes(boundary))) return boundary;
  }
}

function siblingsResponse(
  c: KvContext,
  values: readonly Buffer[],
  context: string,
  random: Random,
): Response {
  const headers: Record<string, string> = { [contextHeader]: context, Vary: 'Accept' };
  if (c.req.header('accept')?.includes('multipart/mixed')) {
    const boundary = boundaryFor(values, random);
    const parts = values.flatMap((value) => [
      Buffer.from(`--${boundary}\r\nContent-Type: application/octet-stream\r\n\r\n`),
      value,
      Buffer.from('\r\n'),
    ]);
    const body = Buffer.concat([...parts, Buffer.from(`--${boundary}--\r\n`)]);
    headers['Content-Type'] = `multipart/mixed; boundary=${boundary}`;
    return new Response(bytesOf(body), { status: 300, headers });
  }
  const siblings = values.map((value) => value.toString('base64'));
  return Response.json({ context, encoding: 'base64', siblings }, { status: 300, headers });
}

export function kvRoutes(
  components: BodyComponents & { store: RemoteStore; reads: ReadGate; random: Random; log: Log },
  settings: { readOnly: boolean },
): Hono<KvEnvironment> {
  const { store, reads, random, log } = components;
  const app = new Hono<KvEnvironment>();
  // The key is taken from the request line, so the pattern need not find it.
  const anyKey = '/kv/*';

  const refuseChanges = () => {
    if (settings.readOnly) throw new CoterieError('unauthorized', 'This host is in read-only mode.');
  };

  app.use(anyKey, kvRights);

  app.get(anyKey, async (c) => {
    const { keyspace, key } = targetOf(c);
    const level = levelOf(c);
    const { values, context } = await reads.run(
      { keyspace, key },
      exchangeOf(c),
      () => store.get(keyspace, key, level),
      (found) => heldBytesOf(found.values),
    );
    if (values.length === 0) {
      const response = failure(new CoterieError('not-found', 'The key holds no value.'));
      if (context !== '') response.headers.set(contextHeader, context);
      return response;
    }
    if (values.length > 1) return siblingsResponse(c, values, context, random);
    return new Response(bytesOf(values[0]), {
      headers: { 'Content-Type': 'application/octet-stream', [contextHeader]: context },
    });
  });

  app.put(anyKey, async (c) => {
    refuseChanges();
    const { keyspace, key } = targetOf(c);
    const level = levelOf(c);
    const expiresInSeconds = expiryOf(c);
    const context = c.req.header(contextHeader);
    const after = await withBody(components, exchangeOf(c), valueLimits, (value) =>
      store.put(keyspace, key, { value, context, level, expiresInSeconds }),
    );
    return new Response(null, { status: 204, headers: { [contextHeader]: after } });
  });

  app.delete(anyKey, async (c) => {
    refuseChanges();
    const { keyspace, key } = targetOf(c);
    const options = { context: c.req.header(contextHeader), level: levelOf(c) };
    const after = await withBody(components, exchangeOf(c), noBody, () =>
      store.delete(keyspace, key, options),
    );
    return new Response(null, { status: 204, headers: after === '' ? {} : { [contextHeader]: after } });
  });

  app.all(anyKey, (c) => {
    targetOf(c);
    return Response.json(
      { error: { code: 'unsupported', message: 'Keys take GET, PUT and DELETE.' } },
      { status: 405, headers: { Allow: 'GET, PUT, DELETE' } },
    );
  });

  app.onError((error) => failureOf(error, log));
  return app;
}
