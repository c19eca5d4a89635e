/**
 * The port for other computers. Members of the cluster show a certificate whose key the layout names, with every request anew;
 * whoever shows none can ask to come in, and nothing else.
 */
import type { X509Certificate } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { TLSSocket } from 'node:tls';
import { CoterieError } from '../../base/errors.ts';
import { type BodyLimits, withBody } from '../../gateway/http/body.ts';
import {
  boundHandshakes,
  type Credentials,
  certificateOf,
  memberOptions,
} from '../../platform/tls-transport.ts';
import type { Clock, Timers } from '../../ports/clock.ts';
import type { Log } from '../../ports/log.ts';
import { outwardError } from '../../ports/outward-error.ts';
import type { Admission } from '../access/admission.ts';
import { guardServer, serverOptions } from '../servers/guarded-server.ts';
import { listen } from '../servers/listen.ts';

const connectionsMax = 512;
const silentMaxMs = 60_000;
const memberLimits: BodyLimits = {
  bytesMax: 64 * 1024 * 1024,
  tooLargeWords: 'A computer said more than can be taken.',
};
const strangerLimits: BodyLimits = {
  bytesMax: 16 * 1024,
  tooLargeWords: 'A request to come in is shorter than that.',
};

/** Of a request of a member. */
export interface MemberRequest {
  readonly certificate: X509Certificate;
  /** The address it came from. */
  readonly host: string;
  readonly body: Buffer;
  /** Aborted when the caller went away. */
  readonly signal: AbortSignal;
}

export interface StrangerRequest {
  readonly host: string;
  readonly body: Buffer;
  readonly socket: TLSSocket;
}

export interface ComputerPortHandlers {
  admits(certificate: X509Certificate): boolean;
  /** By path. */
  readonly member: ReadonlyMap<string, (request: MemberRequest) => Promise<Buffer | object>>;
  readonly stranger: ReadonlyMap<string, (request: StrangerRequest) => Promise<object>>;
}

export interface ComputerPort {
  readonly port: number;
  /** For connections that come from now on. */
  show(credentials: Credentials): void;
  /** Connections that would not be let in any more end. */
  dropRemoved(): void;
  close(): Promise<void>;
}

export async function serveComputers(
  components: { admission: Admission; clock: Clock; timers: Timers; log: Log },
  { credentials, host, port }: { credentials: Credentials; host: string; port: number },
  handlers: ComputerPortHandlers,
): Promise<ComputerPort> {
  const { admission, log } = components;
  const open = new Set<TLSSocket>();

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<Buffer | object> => {
    const socket = request.socket as TLSSocket;
    const from = (socket.remoteAddress ?? '').replace(/^::ffff:/, '');
    const path = request.url ?? '';
    if (request.method !== 'POST') throw new CoterieError('bad-input', 'This port takes POST alone.');
    const certificate = certificateOf(socket);
    const stranger = handlers.stranger.get(path);
    if (stranger !== undefined) {
      const budget = admission.budget;
      return withBody({ ...components, budget }, { request, response }, strangerLimits, (body) =>
        stranger({ host: from, body, socket }),
      );
    }
    if (certificate === null || !handlers.admits(certificate)) {
      throw new CoterieError('unauthorized', 'This computer is not one of the cluster.');
    }
    const member = handlers.member.get(path);
    if (member === undefined) {
      throw new CoterieError('unsupported', 'That is not known here. Bring both computers to one version.');
    }
    const gone = new AbortController();
    response.once('close', () => gone.abort());
    const budget = admission.ownBudget;
    return withBody({ ...components, budget }, { request, response }, memberLimits, (body) =>
      member({ certificate, host: from, body, signal: gone.signal }),
    );
  };

  const server = createServer({ ...serverOptions, ...memberOptions(credentials) }, (request, response) => {
    response.setHeader('Content-Type', 'application/json');
    answer(request, response).then(
      (output) => response.end(Buffer.isBuffer(output) ? output : JSON.stringify(output)),
      (cause) => {
        const { code, message } = outwardError(cause, log, 'a request of another computer');
        response.statusCode = code === 'unauthorized' ? 403 : 400;
        if (!request.complete) response.setHeader('Connection', 'close');
        response.end(JSON.stringify({ error: { code, message } }));
      },
    );
  });
  boundHandshakes(server);
  server.on('secureConnection', (socket) => {
    open.add(socket);
    socket.once('close', () => open.delete(socket));
  });
  guardServer(server, { connectionsMax, silentMaxMs, headers: {} }, log);
  const actual = await listen(server, {
    ...{ host, port },
    ...{ what: 'other computers', option: '--computer-port' },
  });
  server.on('error', (error) => log.warn('The port for other computers.', { cause: error.message }));

  return {
    port: actual,
    show: (next) => server.setSecureContext(memberOptions(next)),
    dropRemoved() {
      for (const socket of open) {
        const certificate = certificateOf(socket);
        if (certificate !== null && !handlers.admits(certificate)) socket.destroy();
      }
    },
    async close() {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
