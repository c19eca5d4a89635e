/** An HTTP application that takes keys as they stand in the request line. */
import { Hono } from 'hono';
import { isKeyPath, pathOfTarget } from './key-target.ts';
import type { KvBindings } from './kv-routes.ts';

export function newKeyApp(): Hono<{ Bindings: KvBindings }> {
  return new Hono<{ Bindings: KvBindings }>({
    // Keys are routed by the request line: tidied up, one may look like a path to something else.
    getPath(request, { env } = {}) {
      const path = pathOfTarget((env as KvBindings | undefined)?.incoming.url ?? '');
      return isKeyPath(path) ? path : new URL(request.url).pathname;
    },
  });
}
