/**
 * How a connection between nodes comes to be, apart from what is said over it: plain TCP now. TLS will be another one, whose
 * connections are handed out when their handshake is done.
 */
import { connect, createServer, type Server, type Socket } from 'node:net';
import { CoterieError, toCoterieError } from '../base/errors.ts';

export interface Place {
  readonly host: string;
  readonly port: number;
}

export interface PeerListener {
  readonly port: number;
  /** No caller is taken any more. Resolves when every connection that came in is closed. */
  close(): Promise<void>;
}

export interface PeerTransport {
  /**
   * `onCaller` gets each connection that came in and can be spoken over. `onLost` gets why a caller could not be let in, such as too
   * many open files: it will call again. Rejects with `busy` when the port is taken. Port 0: any free one.
   */
  listen(
    at: Place,
    onCaller: (socket: Socket) => void,
    onLost: (cause: Error) => void,
  ): Promise<PeerListener>;
  /** `onReady` runs when it can be spoken over. The socket closes, and says so, when that comes to nothing. */
  dial(to: Place, onReady: (socket: Socket) => void): Socket;
}

export const tcpTransport: PeerTransport = {
  listen({ host, port }, onCaller, onLost) {
    const server = createServer({ noDelay: true }, onCaller);
    return startListening(server, { host, port }, onLost);
  },
  dial(to, onReady) {
    const socket = connect({ host: to.host, port: to.port, noDelay: true });
    socket.once('connect', () => onReady(socket));
    return socket;
  },
};

/** Rejects with `busy` when the port is taken. */
export function startListening(
  server: Server,
  { host, port }: Place,
  onLost: (cause: Error) => void,
): Promise<PeerListener> {
  return new Promise((resolve, reject) => {
    const fail = (cause: NodeJS.ErrnoException) => {
      const taken = cause.code === 'EADDRINUSE';
      reject(
        taken
          ? new CoterieError('busy', `Port ${port} is in use by another program.`)
          : toCoterieError(cause, 'unavailable'),
      );
    };
    server.once('error', fail);
    server.listen(port, host, () => {
      server.off('error', fail);
      server.on('error', onLost);
      resolve({
        port: (server.address() as { port: number }).port,
        close: () => new Promise((closed) => server.close(() => closed())),
      });
    });
  });
}
