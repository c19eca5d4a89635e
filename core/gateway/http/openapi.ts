/** The OpenAPI 3.1 document of the HTTP gateway, written beside the routes that it describes. Requests are generated from it in tests. */
import { consistencyLevels } from '../../base/levels.ts';
import { consistencyHeader, contextHeader } from './kv-parameters.ts';
import { schemas } from './openapi-schemas.ts';

const headers = {
  [contextHeader]: {
    description: 'Opaque causal context. Hand it back with the next write of this key.',
    schema: { type: 'string' },
  },
  ETag: {
    description: 'The context in double quotes, of all that is there: for If-Match and If-None-Match.',
    schema: { type: 'string' },
  },
  Allow: { description: 'The methods of this address.', schema: { type: 'string' } },
  'Content-Range': { schema: { type: 'string' } },
  'Retry-After': { description: 'Seconds.', schema: { type: 'integer' } },
  'WWW-Authenticate': { schema: { type: 'string' } },
};
type HeaderName = keyof typeof headers;

const headersOf = (names: readonly HeaderName[]) =>
  Object.fromEntries(names.map((name) => [name, headers[name]]));

const problem = { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } };
const octets = { '*/*': { schema: { type: 'string', format: 'binary' } } };
const words = { 'text/plain': { schema: { type: 'string' } } };
const json = (schema: keyof typeof schemas) => ({
  'application/json': { schema: { $ref: `#/components/schemas/${schema}` } },
});

const failed = (description: string, ...names: HeaderName[]) => ({
  description,
  headers: headersOf(names),
  content: problem,
});

/** What every address may answer. */
const everywhere = {
  400: {
    description: 'The request is malformed; the message says how. Without one where it is no HTTP at all.',
    content: { ...problem, ...words },
  },
  403: {
    description: 'The user may not do this, the host is read-only, or a web page of another origin asks.',
    content: { ...problem, ...words },
  },
  405: failed('The address does not take this method.', 'Allow'),
  421: { description: 'The server was addressed under a name that is not its own.', content: words },
};

/** What every request for a key may be answered. */
const ofKeys = {
  ...everywhere,
  401: failed('A login is required, or was not right.', 'WWW-Authenticate'),
  404: failed('The key holds no value, or the keyspace is not there.', contextHeader),
  412: failed(
    'The condition does not hold. With an ETag: that of what is there now; without one, nothing is.',
    'ETag',
  ),
  413: failed('Key or body too large.'),
  431: { description: 'Address and headers are longer than any key needs.', content: words },
  500: failed('A mistake of Coterie’s own; its log has the details.'),
  503: failed('Too few replicas answered for the consistency level, or there is no room now.', 'Retry-After'),
};

const header = (name: string, description: string, schema: object = { type: 'string' }) => ({
  ...{ name, in: 'header', description, schema },
});
const etagPattern = '^(\\*|"[!#-~]*")$';
const level = { type: 'string', enum: [...consistencyLevels] };

const contextParameter = header(
  contextHeader,
  'Context of the read that this write answers: it replaces exactly that. Empty: nothing was read, and the value stands beside what is there. Not together with a condition.',
);
const ifMatch = header(
  'If-Match',
  'Only if this ETag, of a read, stands for all that is there; *: only if a value is.',
  {
    type: 'string',
    pattern: etagPattern,
  },
);

const preconditionsOfReads = [
  header('If-None-Match', 'One or more ETags: 304 if it is one of them.'),
  header('If-Match', 'One or more ETags: 412 unless it is one of them.'),
];

const siblings = {
  description:
    'Siblings: concurrent writes, newest first. In parts for whoever accepts multipart/mixed. Write one value back with the context to resolve.',
  headers: headersOf([contextHeader, 'ETag']),
  content: { ...json('Siblings'), 'multipart/mixed': { schema: { type: 'string', format: 'binary' } } },
};
const unchanged = {
  description: 'It is what that ETag stands for.',
  headers: headersOf([contextHeader, 'ETag']),
};
const value = (description: string, ...names: HeaderName[]) => ({
  description,
  headers: headersOf([contextHeader, 'ETag', ...names]),
  content: octets,
});

const methods = { description: 'The methods.', headers: headersOf(['Allow']) };

const keyPath = {
  parameters: [
    {
      ...{ name: 'keyspace', in: 'path', required: true },
      schema: { type: 'string', minLength: 1 },
    },
    {
      ...{ name: 'key', in: 'path', required: true },
      description:
        'Any 1 to 65,536 bytes, percent-encoded as far as a request line needs it. Slashes and dots are a part of the key as they stand.',
      schema: { type: 'string', minLength: 1 },
    },
    {
      ...{ name: 'consistency', in: 'query', schema: level },
      description: 'Instead of the keyspace’s own level, in any letter case.',
    },
    header(consistencyHeader, 'The same as the parameter consistency; both must agree.', level),
  ],
  get: {
    operationId: 'getKey',
    summary: 'Read a key',
    parameters: [
      ...preconditionsOfReads,
      header('Range', 'One range of bytes; of several the whole value is sent.'),
      header('If-Range', 'An ETag: the range counts only for what it stands for.'),
    ],
    responses: {
      ...ofKeys,
      200: value('The value, with the content type of its PUT; without one, application/octet-stream.'),
      206: value('The range that was asked for.', 'Content-Range'),
      300: siblings,
      304: unchanged,
      416: failed('The range begins after the value’s end.', 'Content-Range'),
    },
  },
  head: {
    operationId: 'headKey',
    summary: 'As GET, without the value',
    parameters: preconditionsOfReads,
    responses: {
      ...ofKeys,
      200: value('There is one value; Content-Length has its length.'),
      300: siblings,
      304: unchanged,
    },
  },
  put: {
    operationId: 'putKey',
    summary: 'Write a key: over what is there, unless a context or a condition says otherwise',
    parameters: [
      contextParameter,
      ifMatch,
      header('If-None-Match', 'Only if no value is there.', { const: '*' }),
      {
        ...{ name: 'ttl', in: 'query', schema: { type: 'integer', minimum: 1, maximum: 9_999_999_999 } },
        description: 'Seconds until the value expires.',
      },
    ],
    requestBody: { required: true, content: octets },
    responses: {
      ...ofKeys,
      204: {
        description: 'Written. With an ETag where the write replaced all that was there.',
        headers: headersOf([contextHeader, 'ETag']),
      },
      409: failed('The key has too many siblings: read, then resolve.'),
      507: failed('A disk is full.'),
    },
  },
  delete: {
    operationId: 'deleteKey',
    summary: 'Delete a key',
    parameters: [contextParameter, ifMatch],
    responses: {
      ...ofKeys,
      204: { description: 'Deleted, or not there.', headers: headersOf([contextHeader]) },
      409: failed('The key has too many siblings: read, then resolve.'),
      507: failed('A disk is full.'),
    },
  },
  options: {
    operationId: 'keyMethods',
    summary: 'Which methods keys take; for a page of an origin that may use keys, what it may send',
    responses: { ...ofKeys, 204: methods },
  },
};

const reading = (operationId: string, summary: string, responses: object) => ({
  get: { operationId, summary, responses: { ...everywhere, ...responses } },
  head: {
    operationId: `${operationId}Head`,
    summary: 'As GET, without the body',
    responses: { ...everywhere, ...responses },
  },
  options: {
    operationId: `${operationId}Methods`,
    summary: 'Which methods it takes',
    responses: { ...everywhere, 204: methods },
  },
});

export function openApiDocument(version: string): unknown {
  return {
    openapi: '3.1.0',
    info: {
      title: 'Coterie',
      version,
      description:
        'A replicated key-value store. Keys are bytes (percent-encoded in the path), values are bodies.',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    paths: {
      '/kv/{keyspace}/{key}': keyPath,
      '/health': reading('health', 'Whether every keyspace can be used, and whether writes may be lost', {
        200: {
          description:
            'It can: "healthy", or "degraded" while replicas are missing or a possible loss of writes is not accepted.',
          content: json('Health'),
        },
        503: { description: 'It cannot; the body says what is missing.', content: json('Health') },
      }),
      '/health/live': reading('live', 'Whether this program is there', {
        200: { description: 'It is.', content: json('Live') },
      }),
      '/health/ready': reading(
        'ready',
        'Whether programs can be sent to this computer: a node of it takes clients',
        {
          200: { description: 'They can.', content: json('Readiness') },
          503: {
            description: 'They cannot; the body has the nodes and their states.',
            content: json('Readiness'),
          },
        },
      ),
      '/metrics': reading('metrics', 'Figures for Prometheus', {
        200: { description: 'Text format 0.0.4.', content: words },
      }),
    },
    // None, where no login is required.
    security: [{}, { password: [] }, { token: [] }],
    components: {
      securitySchemes: {
        password: { type: 'http', scheme: 'basic' },
        token: { type: 'http', scheme: 'bearer' },
      },
      schemas,
    },
  };
}
