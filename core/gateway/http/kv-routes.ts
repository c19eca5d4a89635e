/**
 * Keys over HTTP: GET, PUT and DELETE of /kv/{keyspace}/{key}, as Riak does it: the causal context travels in a header,
 * siblings come as 300 Multiple Choices. A body is the value, byte for byte.
 */
import { type Context, Hono } from 'hono';
import { CoterieError } from '../../base/errors.ts';
import { type ConsistencyLevel, consistencyLevels, parseConsistencyLevel } from '../../base/levels.ts';
import type { Log } from '../../ports/log.ts';
import type { Random } from '../../ports/random.ts';
import type { RemoteStore, RemoteWrite } from '../../ports/remote-store.ts';
import { type BodyComponents, type BodyLimits, withBody } from './body.ts';
import { failure, failureOf } from './failures.ts';
import { type KeyTarget, keyTargetOf, pathOfTarget } from './key-target.ts';
import {
  conditionFailed,
  etagOf,
  refusedChange,
  statusByConditions,
  writeConditionOf,
} from './kv-conditions.ts';
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

function basisOf(c: KvContext): Pick<RemoteWrite, 'condition' | 'context'> {
  const condition = writeConditionOf(c.env.incoming.headers);
  const context = c.req.header(contextHeader);
  if (condition !== undefined && context !== undefined) {
    throw new CoterieError(
      'bad-input',
      `Send ${contextHeader}, to replace what you have read, or a condition, to be refused where anything else is there; not both.`,
    );
  }
  return { condition, context };
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
  const headers: Record<string, string> = {
    [contextHeader]: context,
    ETag: etagOf(context),
    Vary: 'Accept',
  };
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
    const headers = { [contextHeader]: context, ETag: etagOf(context) };
    const status = statusByConditions(c.env.incoming.headers, values.length === 0 ? null : headers.ETag);
    if (status === 412) {
      const words = 'The key is not what that ETag stands for. Read it without If-Match.';
      return conditionFailed(words, values.length === 0 ? null : context);
    }
    if (status === 304) return new Response(null, { status, headers });
    if (values.length === 0) {
      const response = failure(new CoterieError('not-found', 'The key holds no value.'));
      if (context !== '') response.headers.set(contextHeader, context);
      return response;
    }
    if (values.length > 1) return siblingsResponse(c, values, context, random);
    return new Response(bytesOf(values[0]), {
      headers: { ...headers, 'Content-Type': 'application/octet-stream' },
    });
  });

  app.put(anyKey, async (c) => {
    refuseChanges();
    const { keyspace, key } = targetOf(c);
    const level = levelOf(c);
    const expiresInSeconds = expiryOf(c);
    const basis = basisOf(c);
    const { written, ...after } = await withBody(components, exchangeOf(c), valueLimits, (value) =>
      store.put(keyspace, key, { value, ...basis, level, expiresInSeconds }),
    );
    if (!written) return refusedChange(basis.condition!, after);
    return new Response(null, {
      status: 204,
      headers: {
        [contextHeader]: after.context,
        // The context of another write says nothing of siblings beside it.
        ...(basis.condition === undefined ? {} : { ETag: etagOf(after.context) }),
      },
    });
  });

  app.delete(anyKey, async (c) => {
    refuseChanges();
    const { keyspace, key } = targetOf(c);
    const basis = basisOf(c);
    if (basis.condition === 'absent') {
      throw new CoterieError('bad-input', 'A DELETE takes If-Match, not If-None-Match.');
    }
    const options = { ...basis, level: levelOf(c) };
    const { written, ...after } = await withBody(components, exchangeOf(c), noBody, () =>
      store.delete(keyspace, key, options),
    );
    if (!written && basis.condition !== undefined) return refusedChange(basis.condition, after);
    const { context } = after;
    return new Response(null, { status: 204, headers: context === '' ? {} : { [contextHeader]: context } });
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
