/** What the answers of the HTTP gateway are made of, for the OpenAPI document. */
import { errorCodes } from '../../base/errors.ts';

const nodes = { type: 'array', items: { type: 'object' } };
const texts = { type: 'array', items: { type: 'string' } };

export const schemas = {
  /** RFC 9457, with our own code. Some have more members, such as `required` and `received`. */
  Problem: {
    type: 'object',
    required: ['type', 'title', 'status', 'detail', 'code', 'error'],
    properties: {
      type: { type: 'string', format: 'uri', description: 'urn:coterie:problem:, then the code.' },
      title: { type: 'string', description: 'The kind of problem, the same each time.' },
      status: { type: 'integer' },
      detail: { type: 'string', description: 'What is wrong here, and what to do.' },
      code: { enum: [...errorCodes] },
      error: {
        type: 'object',
        description: 'The same for programs that were written before there was the rest.',
        deprecated: true,
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
      keyspaces: nodes,
      unavailable: nodes,
      possibleLoss: nodes,
      reasons: texts,
    },
  },
  Live: { type: 'object', required: ['live'], properties: { live: { const: true } } },
  Readiness: {
    type: 'object',
    required: ['ready', 'nodes', 'reasons'],
    properties: { ready: { type: 'boolean' }, nodes, reasons: texts },
  },
  Siblings: {
    type: 'object',
    required: ['context', 'encoding', 'siblings', 'contentTypes'],
    properties: {
      context: { type: 'string' },
      encoding: { const: 'base64' },
      siblings: { type: 'array', items: { type: 'string', contentEncoding: 'base64' } },
      contentTypes: { type: 'array', items: { type: 'string' } },
    },
  },
};
