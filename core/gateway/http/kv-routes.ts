/**
 * Keys over HTTP: GET, PUT and DELETE of /kv/{keyspace}/{key}, as Riak does it: the causal context travels in a header,
 * siblings come as 300 Multiple Choices. A body is the value, byte for byte. A PUT that says nothing of what it has read replaces
 * what is there, as SET does; one with an empty context stands beside it.
 */
import { type Context, Hono } from 'hono';
import { contentTypeOf } from '../../base/content-type.ts';
import { CoterieError } from '../../base/errors.ts';
import type { Log } from '../../ports/log.ts';
import type { Random } from '../../ports/random.ts';
import type { RemoteStore } from '../../ports/remote-store.ts';
import { type BodyComponents, type BodyLimits, withBody } from './body.ts';
import { failure, failureOf } from './failures.ts';
import { type KeyTarget, keyTargetOf, pathOfTarget } from './key-target.ts';
import { siblingsResponse, valueResponse } from './kv-answers.ts';
import { conditionFailed, etagOf, refusedChange, statusByConditions } from './kv-conditions.ts';
import { basisOf, contextHeader, expiryOf, levelOf } from './kv-parameters.ts';
import { type KvEnvironment, kvRights } from './kv-rights.ts';
import { answerOtherMethod, keyMethods } from './methods.ts';
import type { ReadGate } from './read-gate.ts';

const valueLimits: BodyLimits = {
  bytesMax: 50 * 1024 * 1024,
  tooLargeWords: 'A value has at most 50 MiB.',
};
const noBody: BodyLimits = { bytesMax: 64 * 1024, tooLargeWords: 'A DELETE has no body.' };

type KvContext = Context<KvEnvironment>;

function targetOf(c: KvContext): KeyTarget {
  return keyTargetOf(pathOfTarget(c.env.incoming.url ?? ''));
}

const exchangeOf = ({ env }: KvContext) => ({ request: env.incoming, response: env.outgoing });

/** Siblings go out as base64 within JSON, or joined: beside the values themselves. */
function heldBytesOf(values: readonly Buffer[]): number {
  const bytes = values.reduce((sum, value) => sum + value.length, 0);
  return values.length > 1 ? 3 * bytes : bytes;
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
    if (settings.readOnly) throw new CoterieError('forbidden', 'This host is in read-only mode.');
  };

  app.use(anyKey, kvRights);

  app.get(anyKey, async (c) => {
    const { keyspace, key } = targetOf(c);
    const { incoming } = c.env;
    const level = levelOf(incoming);
    const found = await reads.run(
      { keyspace, key },
      exchangeOf(c),
      () => store.get(keyspace, key, level),
      (read) => heldBytesOf(read.values),
    );
    const { values, context } = found;
    const headers = { [contextHeader]: context, ETag: etagOf(context) };
    const status = statusByConditions(incoming.headers, values.length === 0 ? null : headers.ETag);
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
    if (values.length > 1) return siblingsResponse(incoming.headers.accept, found, headers, random);
    return valueResponse(
      { method: c.req.method, headers: incoming.headers },
      { value: values[0], contentType: found.contentTypes[0] },
      headers,
    );
  });

  app.put(anyKey, async (c) => {
    refuseChanges();
    const { keyspace, key } = targetOf(c);
    const { incoming } = c.env;
    const how = { level: levelOf(incoming), expiresInSeconds: expiryOf(incoming), ...basisOf(incoming) };
    const { condition, context } = how;
    const plain = condition === undefined && context === undefined;
    const contentType = contentTypeOf(incoming.headers['content-type'] ?? '');
    const { written, ...after } = await withBody(components, exchangeOf(c), valueLimits, (value) =>
      store.put(keyspace, key, {
        value,
        plain,
        ...how,
        ...(contentType === undefined ? {} : { contentType }),
      }),
    );
    if (!written) return refusedChange(condition!, after);
    const response = new Response(null, { status: 204, headers: { [contextHeader]: after.context } });
    // After a write with a context there may be siblings beside it, of which its own context says nothing.
    if (context === undefined) response.headers.set('ETag', etagOf(after.context));
    return response;
  });

  app.delete(anyKey, async (c) => {
    refuseChanges();
    const { keyspace, key } = targetOf(c);
    const { incoming } = c.env;
    const how = { level: levelOf(incoming), ...basisOf(incoming) };
    const { condition } = how;
    if (condition === 'absent') {
      throw new CoterieError('bad-input', 'A DELETE takes If-Match, not If-None-Match.');
    }
    const { written, ...after } = await withBody(components, exchangeOf(c), noBody, () =>
      store.delete(keyspace, key, how),
    );
    if (!written && condition !== undefined) return refusedChange(condition, after);
    const { context } = after;
    return new Response(null, { status: 204, headers: context === '' ? {} : { [contextHeader]: context } });
  });

  app.all(anyKey, (c) => {
    targetOf(c);
    return answerOtherMethod(c.req.method, keyMethods);
  });

  app.onError((error) => failureOf(error, log));
  return app;
}
