/**
 * Login of HTTP clients by basic authentication (RFC 7617) or a token (RFC 6750), where a login is required. Checked for each
 * request, so that one that was revoked lets nobody in any more; a password that was right before costs nothing again.
 */
import type { MiddlewareHandler } from 'hono';
import { CoterieError } from '../../base/errors.ts';
import { noRights } from '../../base/rights.ts';
import type { HttpLogins } from '../../ports/logins.ts';
import { failure } from './failures.ts';
import type { KvEnvironment } from './kv-rights.ts';

type Credentials = { readonly user: string; readonly password: Buffer } | { readonly token: string };

/** Longer is none of ours. */
const tokenCharsMax = 256;

function credentialsOf(header: string | undefined): Credentials | null {
  const token = /^Bearer +([A-Za-z0-9._~+/-]+=*)$/i.exec(header ?? '')?.[1];
  if (token !== undefined) return { token: token.slice(0, tokenCharsMax) };
  const encoded = /^Basic +([A-Za-z0-9+/]+={0,2})$/i.exec(header ?? '')?.[1];
  if (encoded === undefined) return null;
  const bytes = Buffer.from(encoded, 'base64');
  const colon = bytes.indexOf(':');
  if (colon < 0) return null;
  return { user: bytes.toString('utf8', 0, colon), password: bytes.subarray(colon + 1) };
}

/** The user who is let in; null: nobody. */
function userOf(logins: HttpLogins, given: Credentials): Promise<string | null> {
  return new Promise((resolve, reject) => {
    const done = (error: CoterieError | null, user: string | null) =>
      error === null ? resolve(user) : reject(error);
    if ('token' in given) logins.checkToken(given.token, done);
    else
      logins.check(given.user, given.password, (error, isRight) => done(error, isRight ? given.user : null));
  });
}

function wordsFor(given: Credentials | null): string {
  if (given === null) {
    return 'A login is required: send user and password by basic authentication, or a token as Authorization: Bearer.';
  }
  return 'token' in given
    ? 'This token lets nobody in: it was revoked, has expired, or is none. For another one: coterie token create.'
    : 'This is not the password of that user.';
}

/** `always`: also where none is required of this computer's own programs. */
export function kvLogin(
  logins: HttpLogins,
  { always } = { always: false },
): MiddlewareHandler<KvEnvironment> {
  return async (c, next) => {
    // Where nobody has to say who it is, whoever is refused could simply leave it out.
    if (!logins.required && !always) {
      await next();
      return;
    }
    const given = credentialsOf(c.req.header('authorization'));
    const user = given === null ? null : await userOf(logins, given);
    if (user !== null) {
      c.set('caller', { user, rights: logins.rightsOf(user) ?? noRights });
      await next();
      return;
    }
    const response = failure(new CoterieError('unauthorized', wordsFor(given)));
    const bearer = given !== null && 'token' in given ? 'Bearer error="invalid_token"' : 'Bearer';
    response.headers.set('WWW-Authenticate', `Basic realm="Coterie", charset="UTF-8", ${bearer}`);
    return response;
  };
}
