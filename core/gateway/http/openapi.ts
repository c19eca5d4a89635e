/** The OpenAPI 3.1 document of the HTTP gateway, written beside the routes that it describes. */
import { consistencyLevels } from '../../base/levels.ts';
import { contextHeader } from './kv-parameters.ts';

const contextHeaderObject = {
  description: 'Opaque causal context. Hand it back with the next write of this key.',
  schema: { type: 'string' },
};

const failureContent = {
  'application/json': { schema: { $ref: '#/components/schemas/Failure' } },
};

const bytes = { 'application/octet-stream': { schema: { type: 'string', format: 'binary' } } };

const responses = {
  badInput: { description: 'The request is malformed; the message says how.', content: failureContent },
  forbidden: {
    description: 'The user may not do this, or not in this keyspace; the message says what it may.',
    content: failureContent,
  },
  notFound: {
    description: 'The key holds no value, or the keyspace is not there.',
    headers: { [contextHeader]: contextHeaderObject },
    content: failureContent,
  },
  notMet: {
    description: 'Too few replicas answered for the consistency level. Try again.',
    content: failureContent,
  },
};

const context = {
  name: contextHeader,
  in: 'header',
  description:
    'Context of the read that this write answers. Without it the value is kept beside what is there.',
  schema: { type: 'string' },
};

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
      '/kv/{keyspace}/{key}': {
        parameters: [
          { name: 'keyspace', in: 'path', required: true, schema: { type: 'string' } },
          { name: 'key', in: 'path', required: true, schema: { type: 'string' } },
          {
            name: 'consistency',
            in: 'query',
            description: 'Instead of the keyspace’s own level.',
            schema: { type: 'string', enum: [...consistencyLevels] },
          },
        ],
        get: {
          operationId: 'getKey',
          summary: 'Read a key',
          responses: {
            200: {
              description: 'The value.',
              headers: { [contextHeader]: contextHeaderObject },
              content: bytes,
            },
            300: {
              description:
                'Siblings: concurrent writes, newest first. Write one value back with the context to resolve.',
              headers: { [contextHeader]: contextHeaderObject },
              content: {
                'application/json': { schema: { $ref: '#/components/schemas/Siblings' } },
                'multipart/mixed': { schema: { type: 'string', format: 'binary' } },
              },
            },
            400: responses.badInput,
            403: responses.forbidden,
            404: responses.notFound,
            503: responses.notMet,
          },
        },
        put: {
          operationId: 'putKey',
          summary: 'Write a key',
          parameters: [
            context,
            {
              name: 'ttl',
              in: 'query',
              description: 'Seconds until the value expires.',
              schema: { type: 'integer', minimum: 1 },
            },
          ],
          requestBody: { required: true, content: bytes },
          responses: {
            204: { description: 'Written.', headers: { [contextHeader]: contextHeaderObject } },
            400: responses.badInput,
            403: responses.forbidden,
            404: responses.notFound,
            409: {
              description: 'The key has too many siblings: read, then resolve.',
              content: failureContent,
            },
            413: { description: 'Key or value too large.', content: failureContent },
            503: responses.notMet,
            507: { description: 'A disk is full.', content: failureContent },
          },
        },
        delete: {
          operationId: 'deleteKey',
          summary: 'Delete a key',
          parameters: [context],
          responses: {
            204: { description: 'Deleted, or not there.', headers: { [contextHeader]: contextHeaderObject } },
            400: responses.badInput,
            403: responses.forbidden,
            404: responses.notFound,
            503: responses.notMet,
          },
        },
      },
      '/health': {
        get: {
          operationId: 'health',
          summary: 'Whether every keyspace can be used, and whether writes may be lost',
          responses: {
            200: {
              description:
                'It can: "healthy", or "degraded" while replicas are missing or a possible loss of writes is not accepted.',
              content: { 'application/json': { schema: { $ref: '#/components/schemas/Health' } } },
            },
            503: {
              content: { 'application/json': { schema: { $ref: '#/components/schemas/Health' } } },
              description: 'It cannot; the body says what is missing.',
            },
          },
        },
      },
      '/health/live': {
        get: {
          operationId: 'live',
          summary: 'Whether this program is there',
          responses: { 200: { description: 'It is.', content: { 'application/json': {} } } },
        },
      },
      '/health/ready': {
        get: {
          operationId: 'ready',
          summary: 'Whether programs can be sent to this computer: a node of it takes clients',
          responses: {
            200: {
              description: 'They can.',
              content: { 'application/json': { schema: { $ref: '#/components/schemas/Readiness' } } },
            },
            503: {
              description: 'They cannot; the body has the nodes and their states.',
              content: { 'application/json': { schema: { $ref: '#/components/schemas/Readiness' } } },
            },
          },
        },
      },
      '/metrics': {
        get: {
          operationId: 'metrics',
          summary: 'Figures for Prometheus',
          responses: { 200: { description: 'Text format 0.0.4.', content: { 'text/plain': {} } } },
        },
      },
    },
    // None, where no login is required.
    security: [{}, { password: [] }, { token: [] }],
    components: {
      securitySchemes: {
        password: { type: 'http', scheme: 'basic' },
        token: { type: 'http', scheme: 'bearer' },
      },
      schemas: {
        Failure: {
          type: 'object',
          required: ['error'],
          properties: {
            error: {
              type: 'object',
              required: ['code', 'message'],
              properties: { code: { type: 'string' }, message: { type: 'string' } },
            },
          },
        },
        Health: {
          type: 'object',
          required: ['status', 'healthy', 'keyspaces', 'unavailable', 'possibleLoss', 'reasons'],
          properties: {
            status: { enum: ['healthy', 'degraded', 'unavailable'] },
            healthy: { type: 'boolean' },
            keyspaces: { type: 'array', items: { type: 'object' } },
            unavailable: { type: 'array', items: { type: 'object' } },
            possibleLoss: { type: 'array', items: { type: 'object' } },
            reasons: { type: 'array', items: { type: 'string' } },
          },
        },
        Readiness: {
          type: 'object',
          required: ['ready', 'nodes', 'reasons'],
          properties: {
            ready: { type: 'boolean' },
            nodes: { type: 'array', items: { type: 'object' } },
            reasons: { type: 'array', items: { type: 'string' } },
          },
        },
        Siblings: {
          type: 'object',
          required: ['context', 'encoding', 'siblings'],
          properties: {
            context: { type: 'string' },
            encoding: { const: 'base64' },
            siblings: { type: 'array', items: { type: 'string', contentEncoding: 'base64' } },
          },
        },
      },
    },
  };
}
