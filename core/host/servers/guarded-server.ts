/**
 * What holds for every HTTP server of a host: a caller that hangs up at any moment ends its own connection and nothing else;
 * one that says nothing, or never finishes, is closed; and there are only so many connections, of which the idlest stranger
 * makes room. Connections that have shown a login are no strangers.
 */
import type { IncomingMessage, Server, ServerOptions, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { whenOver } from '../../gateway/http/exchange.ts';
import { keyBytesMax } from '../../gateway/http/key-target.ts';
import type { Log } from '../../ports/log.ts';

export interface ConnectionLimits {
  readonly connectionsMax: number;
  /** A socket on which nothing moves, in either direction: among others that of a client which never reads its answer. */
  readonly silentMaxMs: number;
  /** Sent with every answer. */
  readonly headers: Readonly<Record<string, string>>;
}

/** For `createServer`: bounds on the head of a request and on what a socket may be silent. */
export const serverOptions: ServerOptions = {
  headersTimeout: 10_000,
  /** The whole request; bodies have tighter deadlines of their own (core/gateway/http/body.ts). */
  requestTimeout: 600_000,
  /** Long: a client that asks again in the moment of the closing sees its request fail (RFC 9112 section 9.5). */
  keepAliveTimeout: 30_000,
  connectionsCheckingInterval: 2_000,
};

/** Where keys stand in addresses: the longest key with every byte as %XX, and beside it what Node allows by itself. */
export const keyServerOptions: ServerOptions = {
  ...serverOptions,
  maxHeaderSize: 3 * keyBytesMax + 16 * 1024,
};

export interface GuardedConnections {
  /** Never closed to make room. */
  trust(socket: Duplex): void;
}

interface Kept {
  /** Requests under way. */
  busy: number;
}

export function guardServer(
  server: Server,
  { connectionsMax, silentMaxMs, headers }: ConnectionLimits,
  log: Log,
): GuardedConnections {
  /** The one that was quiet longest comes first. */
  const strangers = new Map<Duplex, Kept>();
  const trusted = new Set<Duplex>();
  let saidFull = false;

  const makeRoom = () => {
    if (strangers.size + trusted.size <= connectionsMax) return;
    if (!saidFull)
      log.warn('More connections than may be at once: the idlest are closed.', { connectionsMax });
    saidFull = true;
    let victim: Duplex | undefined;
    for (const [socket, { busy }] of strangers) {
      victim ??= socket;
      if (busy > 0) continue;
      victim = socket;
      break;
    }
    victim?.destroy();
    if (victim !== undefined) strangers.delete(victim);
  };

  const touch = (socket: Duplex, change: number) => {
    const kept = strangers.get(socket);
    if (kept === undefined) return;
    kept.busy += change;
    strangers.delete(socket);
    strangers.set(socket, kept);
  };

  // Over TLS a request has another socket than the connection that came in.
  const connected = 'setSecureContext' in server ? 'secureConnection' : 'connection';
  server.on(connected, (socket: Duplex & { setMaxListeners(count: number): void }) => {
    // From the first tick: the server's own listener is taken away at an upgrade.
    socket.on('error', () => {});
    // Requests that wait behind one another on one connection each listen for its end.
    socket.setMaxListeners(0);
    strangers.set(socket, { busy: 0 });
    socket.once('close', () => {
      strangers.delete(socket);
      trusted.delete(socket);
      if (strangers.size + trusted.size < connectionsMax / 2) saidFull = false;
    });
    makeRoom();
  });

  const began = (request: IncomingMessage, response: ServerResponse) => {
    request.on('error', () => {});
    response.on('error', () => {});
    // Every answer has them, whoever gives it.
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
    touch(request.socket, 1);
    whenOver({ request, response }, () => touch(request.socket, -1));
  };
  server.prependListener('request', began);
  // The answer decides whether the body is wanted: a route that takes it says "continue" itself.
  server.on('checkContinue', (request, response) => server.emit('request', request, response));
  server.on('checkExpectation', (request, response) => {
    began(request, response);
    response.writeHead(417, { Connection: 'close' });
    response.end();
  });
  server.on('connect', (_, socket) => refuseByHand(socket, '405 Method Not Allowed', headers));
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    if (error.code === 'ECONNRESET' || !socket.writable) socket.destroy();
    else refuseByHand(socket, statusOf(error), headers);
  });
  server.setTimeout(silentMaxMs, (socket) => socket.destroy());

  return {
    trust(socket) {
      if (!strangers.delete(socket)) return;
      trusted.add(socket);
    },
  };
}

function statusOf({ code }: NodeJS.ErrnoException): string {
  if (code === 'HPE_HEADER_OVERFLOW') return '431 Request Header Fields Too Large';
  return code === 'ERR_HTTP_REQUEST_TIMEOUT' ? '408 Request Timeout' : '400 Bad Request';
}

/** An answer on a bare socket, which ends with it. */
export function refuseByHand(
  socket: Duplex,
  status: string,
  headers: Readonly<Record<string, string>>,
  words = '',
): void {
  socket.on('error', () => {});
  const lines = Object.entries({
    ...headers,
    'Content-Type': 'text/plain; charset=utf-8',
    'Content-Length': String(Buffer.byteLength(words)),
    Connection: 'close',
  }).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.end(`HTTP/1.1 ${status}\r\n${lines.join('')}\r\n${words}`, () => socket.destroy());
}
