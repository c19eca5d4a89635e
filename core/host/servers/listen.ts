/** Listening on a port that a person may choose, or on any free one (port 0). */
import type { Server } from 'node:http';
import { toCoterieError } from '../../base/errors.ts';
import { portTaken, type WantedPort } from '../ports.ts';

/** Resolves with the port in use. Rejects with `busy` when it is taken. */
export function listen(server: Server, wanted: WantedPort): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      if (cause.code === 'EADDRINUSE') portTaken(wanted).then(reject, reject);
      else reject(toCoterieError(cause, 'unavailable'));
    });
    server.listen(wanted.port, wanted.host, () => resolve((server.address() as { port: number }).port));
  });
}
