/**
 * Web pages of other origins that may use keys (Fetch standard, "CORS protocol"): those that a person has named, and no others.
 *
 * Never with credentials: what a browser adds by itself, such as a password that a person once typed, would be there for any page.
 * A page sends its token or password itself. Where every page may ask (`*`), each needs a login, also where none is required of this
 * computer's own programs: nobody has said that they trust it.
 */
import type { IncomingHttpHeaders } from 'node:http';
import type { MiddlewareHandler } from 'hono';
import type { HttpLogins } from '../../ports/logins.ts';
import { kvLogin } from './kv-login.ts';
import { consistencyHeader, contextHeader } from './kv-parameters.ts';
import type { KvEnvironment } from './kv-rights.ts';
import { answerOtherMethod, keyMethods } from './methods.ts';

const everyOrigin = '*';

/** What pages may send and see beyond what is always allowed. */
const sentHeaders = [
  'Authorization',
  'Content-Type',
  'If-Match',
  'If-None-Match',
  'If-Range',
  'Range',
  consistencyHeader,
  contextHeader,
];
const shownHeaders = [
  'ETag',
  contextHeader,
  'Content-Range',
  'Accept-Ranges',
  'Allow',
  'Retry-After',
  'WWW-Authenticate',
];
const preflightSeconds = 600;

/** What is answered as Access-Control-Allow-Origin; null: the request is from no page that may ask. */
export function allowedOriginOf({ origin }: IncomingHttpHeaders, allowed: readonly string[]): string | null {
  if (origin === undefined) return null;
  if (allowed.includes(origin)) return origin;
  return allowed.includes(everyOrigin) ? everyOrigin : null;
}

/** Before the login: a browser asks whether it may send one, and sends none with that. */
export function kvOrigins(allowed: readonly string[]): MiddlewareHandler<KvEnvironment> {
  return async (c, next) => {
    const { headers, method = '' } = c.env.incoming;
    const origin = allowedOriginOf(headers, allowed);
    if (method === 'OPTIONS' && origin !== null) {
      c.res = answerOtherMethod(method, keyMethods);
      c.res.headers.set('Access-Control-Allow-Methods', keyMethods.join(', '));
      c.res.headers.set('Access-Control-Allow-Headers', sentHeaders.join(', '));
      c.res.headers.set('Access-Control-Max-Age', String(preflightSeconds));
    } else await next();
    if (allowed.length > 0) c.res.headers.append('Vary', 'Origin');
    if (origin === null) return;
    c.res.headers.set('Access-Control-Allow-Origin', origin);
    c.res.headers.set('Access-Control-Expose-Headers', shownHeaders.join(', '));
  };
}

/** The login of programs of this computer, and of the pages that may ask. */
export function kvLoginOfPages(
  logins: HttpLogins,
  allowed: readonly string[],
): MiddlewareHandler<KvEnvironment> {
  const asRequired = kvLogin(logins);
  const always = kvLogin(logins, { always: true });
  return (c, next) => {
    const isAnybody = allowedOriginOf(c.env.incoming.headers, allowed) === everyOrigin;
    return (isAnybody ? always : asRequired)(c, next);
  };
}
