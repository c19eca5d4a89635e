/** Requests by a method that an address does not take, and those that ask which it takes. */
import { CoterieError } from '../../base/errors.ts';
import { failure } from './failures.ts';

export const keyMethods = ['GET', 'HEAD', 'PUT', 'DELETE'];

/** `allowed`: as the header Allow lists them. OPTIONS is answered for all of them. */
export function answerOtherMethod(method: string, allowed: readonly string[]): Response {
  const list = [...allowed, 'OPTIONS'].join(', ');
  const words = `This address takes ${list}.`;
  const response =
    method === 'OPTIONS'
      ? new Response(null, { status: 204 })
      : failure(new CoterieError('unsupported', words), 405);
  response.headers.set('Allow', list);
  return response;
}
