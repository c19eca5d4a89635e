/**
 * Keys over HTTP: GET, PUT and DELETE of /kv/{keyspace}/{key}, as Riak does it: the causal context travels in a header,
 * siblings come as 300 Multiple Choices. A body is the value, byte for byte.
 */
import { type Context, Hono } from 'hono';
import { CoterieError, type ErrorCode } from '../../base/errors.ts';
import { type ConsistencyLevel, consistencyLevels, parseConsistencyLevel } from '../../base/levels.ts';
import type { RemoteStore } from '../../ports/remote-store.ts';

export const contextHeader = 'X-Coterie-Context';

const valueBytesMax = 50 * 1024 * 1024;
const keyBytesMax = 64 * 1024;

const statusOfCode: Partial<Record<ErrorCode, number>> = {
  'bad-input': 400,
  unauthorized: 401,
  'not-found': 404,
  conflict: 409,
  'too-many-siblings': 409,
  'too-large': 413,
  'disk-full': 507,
  busy: 503,
  'not-ready': 503,
  'quorum-not-met': 503,
  unavailable: 503,
};

/** One shape for every failure: `{"error":{"code","message"}}`. */
export function failure(error: CoterieError): Response {
  const status = statusOfCode[error.code] ?? 500;
  const body = { error: { code: error.code, message: error.message, ...error.details } };
  return Response.json(body, { status, headers: status === 503 ? { 'Retry-After': '1' } : {} });
}

function levelOf(c: Context): ConsistencyLevel | undefined {
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

function expiryOf(c: Context): number | undefined {
  const text = c.req.query('ttl');
  if (text === undefined) return undefined;
  if (!/^[1-9][0-9]{0,9}$/.test(text)) {
    throw new CoterieError('bad-input', 'ttl is a whole number of seconds, 1 or more.');
  }
  return Number(text);
}

/** Keys are bytes: percent-encoding in the path is undone byte by byte, not as text. */
function keyOf(c: Context): Buffer {
  const path = new URL(c.req.url).pathname;
  const encoded = path.split('/').slice(3).join('/');
  const bytes: number[] = [];
  for (let index = 0; index < encoded.length; index++) {
    const code = encoded.charCodeAt(index);
    if (code === 0x25) {
      const hex = encoded.slice(index + 1, index + 3);
      if (!/^[0-9a-f]{2}$/i.test(hex))
        throw new CoterieError('bad-input', 'The key’s percent-encoding is broken.');
      bytes.push(Number.parseInt(hex, 16));
      index += 2;
    } else bytes.push(code);
  }
  if (bytes.length === 0) throw new CoterieError('bad-input', 'The path names no key: /kv/{keyspace}/{key}.');
  if (bytes.length > keyBytesMax) throw new CoterieError('too-large', 'A key has at most 65,536 bytes.');
  return Buffer.from(bytes);
}

async function bodyOf(c: Context): Promise<Buffer> {
  const tooLarge = new CoterieError('too-large', 'A value has at most 50 MiB.');
  if (Number(c.req.header('content-length') ?? 0) > valueBytesMax) throw tooLarge;
  const parts: Buffer[] = [];
  let length = 0;
  for await (const chunk of c.req.raw.body ?? []) {
    length += chunk.length;
    // Chunked bodies announce no length: they are cut off here instead of being gathered without end.
    if (length > valueBytesMax) throw tooLarge;
    parts.push(Buffer.from(chunk));
  }
  return Buffer.concat(parts);
}

/** A Response body of exactly these bytes. */
function bytesOf(value: Buffer): Uint8Array<ArrayBuffer> {
  return new Uint8Array(value);
}

function siblingsResponse(c: Context, values: readonly Buffer[], context: string): Response {
  const headers: Record<string, string> = { [contextHeader]: context, Vary: 'Accept' };
  if (c.req.header('accept')?.includes('multipart/mixed')) {
    const boundary = 'coterie-siblings';
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

/** Errors are left to the app that these routes become part of. */
export function kvRoutes(store: RemoteStore, isReadOnly: boolean): Hono {
  const app = new Hono();
  const path = '/kv/:keyspace/:key{.+}';

  const refuseChanges = () => {
    if (isReadOnly) throw new CoterieError('unauthorized', 'This host is in read-only mode.');
  };

  app.get(path, async (c) => {
    const { values, context } = await store.get(c.req.param('keyspace'), keyOf(c), levelOf(c));
    if (values.length === 0) {
      const response = failure(new CoterieError('not-found', 'The key holds no value.'));
      if (context !== '') response.headers.set(contextHeader, context);
      return response;
    }
    if (values.length > 1) return siblingsResponse(c, values, context);
    return new Response(bytesOf(values[0]), {
      headers: { 'Content-Type': 'application/octet-stream', [contextHeader]: context },
    });
  });

  app.put(path, async (c) => {
    refuseChanges();
    const keyspace = c.req.param('keyspace');
    const key = keyOf(c);
    const level = levelOf(c);
    const expiresInSeconds = expiryOf(c);
    const value = await bodyOf(c);
    const context = c.req.header(contextHeader);
    const after = await store.put(keyspace, key, { value, context, level, expiresInSeconds });
    return new Response(null, { status: 204, headers: { [contextHeader]: after } });
  });

  app.delete(path, async (c) => {
    refuseChanges();
    const options = { context: c.req.header(contextHeader), level: levelOf(c) };
    const after = await store.delete(c.req.param('keyspace'), keyOf(c), options);
    return new Response(null, { status: 204, headers: after === '' ? {} : { [contextHeader]: after } });
  });

  app.all('/kv/*', (c) =>
    c.req.path.split('/').length < 4
      ? failure(new CoterieError('bad-input', 'The path names no key: /kv/{keyspace}/{key}.'))
      : Response.json(
          { error: { code: 'unsupported', message: 'Keys take GET, PUT and DELETE.' } },
          { status: 405, headers: { Allow: 'GET, PUT, DELETE' } },
        ),
  );

  return app;
}
