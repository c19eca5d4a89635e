/**
 * Login of HTTP clients by basic authentication (RFC 7617), where a login is required. Checked for each request; a password
 * that was right before costs nothing again.
 */
import type { MiddlewareHandler } from 'hono';
import { CoterieError } from '../../base/errors.ts';
import type { Logins } from '../../ports/logins.ts';
import { failure } from './failures.ts';

interface Credentials {
  readonly user: string;
  readonly password: Buffer;
}

function credentialsOf(header: string | undefined): Credentials | null {
  const encoded = /^Basic +([A-Za-z0-9+/]+={0,2})$/i.exec(header ?? '')?.[1];
  if (encoded === undefined) return null;
  const bytes = Buffer.from(encoded, 'base64');
  const colon = bytes.indexOf(':');
  if (colon < 0) return null;
  return { user: bytes.toString('utf8', 0, colon), password: bytes.subarray(colon + 1) };
}

function isRight(logins: Logins, { user, password }: Credentials): Promise<boolean> {
  return new Promise((resolve, reject) => {
    logins.check(user, password, (error, right) => (error === null ? resolve(right) : reject(error)));
  });
}

export function kvLogin(logins: Logins): MiddlewareHandler {
  return async (c, next) => {
    if (!logins.required) {
      await next();
      return;
    }
    const given = credentialsOf(c.req.header('authorization'));
    if (given !== null && (await isRight(logins, given))) {
      await next();
      return;
    }
    const words =
      given === null
        ? 'A login is required: send user and password by basic authentication.'
        : 'This is not the password of that user.';
    const response = failure(new CoterieError('unauthorized', words));
    response.headers.set('WWW-Authenticate', 'Basic realm="Coterie", charset="UTF-8"');
    return response;
  };
}
