/**
 * The page's WebSockets. Both secrets of a session come with the handshake, so nothing is ever read from, or kept for, a
 * socket of somebody who is not logged in; what a frame takes until it is whole counts against the budget of the process.
 */
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import { CoterieError } from '../../base/errors.ts';
import { pageFrameBytesMax, socketProtocol, socketTokenPrefix } from '../../contract/session.ts';
import { SharedTurns } from '../../gateway/shared-turns.ts';
import type { Clock, Timers } from '../../ports/clock.ts';
import type { Log } from '../../ports/log.ts';
import type { Session } from '../access/login.ts';
import type { Host } from '../create-host.ts';
import { serveApiSocket } from './api-socket.ts';
import { type GuardedConnections, refuseByHand } from './guarded-server.ts';
import { refusalOf } from './request-guards.ts';

const socketsMax = 64;
const socketsPerSessionMax = 16;
/** Of a frame without content, and the most that another frame's head takes. */
const frameHeadBytes = 14;
/** "Try again later" (RFC 6455's registry). */
const tryLaterCode = 1013;

export interface PageSocketComponents {
  readonly host: Host;
  readonly connections: GuardedConnections;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly log: Log;
}

export interface PageSocketSettings {
  readonly headers: Readonly<Record<string, string>>;
  address(): { host: string; port: number };
}

type Judged =
  | { readonly session: Session; readonly refusal: null }
  | { readonly session: null; readonly refusal: { readonly status: string; readonly words: string } };

export class PageSockets {
  readonly #host: Host;
  readonly #connections: GuardedConnections;
  readonly #settings: PageSocketSettings;
  readonly #log: Log;
  readonly #turns: SharedTurns;
  readonly #server = new WebSocketServer({
    noServer: true,
    maxPayload: pageFrameBytesMax,
    handleProtocols: (offered) => (offered.has(socketProtocol) ? socketProtocol : false),
  });

  constructor({ host, connections, clock, timers, log }: PageSocketComponents, settings: PageSocketSettings) {
    this.#host = host;
    this.#connections = connections;
    this.#settings = settings;
    this.#log = log;
    this.#turns = new SharedTurns(clock, timers);
    this.#server.on('wsClientError', (_, socket) =>
      refuseByHand(socket, '400 Bad Request', settings.headers, 'This is no WebSocket handshake.'),
    );
  }

  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    // Whoever hangs up before the answer ends nobody but itself.
    socket.on('error', () => {});
    const { session, refusal } = this.#judge(request);
    if (session === null) {
      refuseByHand(socket, refusal.status, this.#settings.headers, refusal.words);
      return;
    }
    this.#server.handleUpgrade(request, socket, head, (opened) => {
      this.#connections.trust(socket);
      this.#serve(opened, socket, session);
    });
  }

  #judge(request: IncomingMessage): Judged {
    const refused = (status: string, words: string) => ({ session: null, refusal: { status, words } });
    const address = this.#settings.address();
    const refusal = refusalOf(request, request.url ?? '', address);
    if (refusal !== null) {
      return refused(refusal.status === 421 ? '421 Misdirected Request' : '403 Forbidden', refusal.words);
    }
    if (request.url !== '/api' || request.headers.upgrade?.toLowerCase() !== 'websocket') {
      return refused('400 Bad Request', 'There is a WebSocket at /api, and no other upgrade.');
    }
    const { login } = this.#host.admission;
    const session = login.sessionOf(request.headers.cookie, tokenOf(request), address.port);
    if (session === null) return refused('401 Unauthorized', 'Log in first: run coterie login.');
    if (session.closers.size >= socketsPerSessionMax || this.#server.clients.size >= socketsMax) {
      return refused('503 Service Unavailable', 'Too many pages are open. Close some.');
    }
    return { session, refusal: null };
  }

  closeAll(): void {
    for (const client of this.#server.clients) client.terminate();
  }

  #serve(opened: WebSocket, socket: Duplex, session: Session): void {
    const { ownBudget: budget } = this.#host.admission;
    const caller = { sessionId: session.id, name: session.browser };
    const settings = { caller, budget, turns: this.#turns };
    const coming = budget.take(0);
    const end = serveApiSocket(this.#host, opened, this.#log, settings);
    session.closers.add(end);
    const touch = (bytes: number) => {
      session.lastSeenMs = Math.max(session.lastSeenMs, this.#host.admission.login.nowMs());
      coming.force(bytes);
    };
    const tryLater = (cause: unknown) => {
      if (!(cause instanceof CoterieError)) throw cause;
      opened.close(tryLaterCode, 'Too much is being sent at this moment. Try again in a second.');
      opened.terminate();
    };
    socket.on('data', (chunk: Buffer) => {
      try {
        coming.resize(coming.bytes + chunk.length);
      } catch (cause) {
        tryLater(cause);
      }
    });
    opened.on('message', () => touch(0));
    // In between the pieces of a frame.
    const passed = (data: Buffer) => touch(Math.max(0, coming.bytes - data.length - frameHeadBytes));
    opened.on('ping', passed);
    opened.on('pong', passed);
    opened.on('close', () => {
      coming.release();
      session.closers.delete(end);
    });
  }
}

/** The token among the offered subprotocols; '' where there is none. */
function tokenOf({ headers }: IncomingMessage): string {
  const offered = (headers['sec-websocket-protocol'] ?? '').split(',', 8).map((part) => part.trim());
  const found = offered.find((part) => part.startsWith(socketTokenPrefix));
  return found === undefined ? '' : found.slice(socketTokenPrefix.length);
}
