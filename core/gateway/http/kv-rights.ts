/** Whether the user of a request may do what it asks for. By method, so that a route that is added later is not open by itself. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { MiddlewareHandler } from 'hono';
import { CoterieError } from '../../base/errors.ts';
import { mayUseKeyspace, type Rights, reaches } from '../../base/rights.ts';
import { accessWords, keyspacesInWords } from '../../contract/access-words.ts';
import { keyTargetOf, pathOfTarget } from './key-target.ts';

export interface KvEnvironment {
  /** What the server in front hands on: the request as it came, and the answer that will go out. */
  Bindings: { readonly incoming: IncomingMessage; readonly outgoing: ServerResponse };
  /** Absent: nobody has to say who it is. */
  Variables: { caller?: { readonly user: string; readonly rights: Rights } };
}

const reading = ['GET', 'HEAD', 'OPTIONS'];

/** Before the routes of keys, and after the login. */
export const kvRights: MiddlewareHandler<KvEnvironment> = async (c, next) => {
  const caller = c.get('caller');
  if (caller !== undefined) {
    const { user, rights } = caller;
    const { keyspace } = keyTargetOf(pathOfTarget(c.env.incoming.url ?? ''));
    const how = `A person can change that, in the app under Users or with: coterie user change ${user}`;
    if (!reaches(rights.access, reading.includes(c.req.method) ? 'read' : 'write')) {
      throw new CoterieError('forbidden', `The user ${user} ${accessWords[rights.access]}. ${how}`);
    }
    if (!mayUseKeyspace(rights, keyspace)) {
      throw new CoterieError(
        'forbidden',
        `The user ${user} may not use the keyspace ${keyspace.slice(0, 64)}, but ${keyspacesInWords(rights)}. ${how}`,
      );
    }
  }
  await next();
};
