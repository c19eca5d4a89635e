/** An HTTP application that takes keys as they stand in the request line. */
import { Hono } from 'hono';
import { isKeyPath, pathOfTarget } from './key-target.ts';
import type { KvEnvironment } from './kv-rights.ts';

export function newKeyApp(): Hono<KvEnvironment> {
  return new Hono<KvEnvironment>({
    // Keys are routed by the request line: tidied up, one may look like a path to something else.
    getPath(request, { env } = {}) {
      const path = pathOfTarget((env as KvEnvironment['Bindings'] | undefined)?.incoming.url ?? '');
      return isKeyPath(path) ? path : new URL(request.url).pathname;
    },
  });
}
