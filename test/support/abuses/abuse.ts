/** An abuse of a running cluster: what it is aimed at, and what it leaves open until it is over. */
import { createConnection, type Socket } from 'node:net';
import { readControlAddress } from '../../../core/host/servers/control-server.ts';
import type { RealCluster } from '../cluster.ts';
import type { LoggedIn } from '../log-in.ts';

export interface Abuse {
  readonly name: string;
  /**
   * One round. A flood is over when it returns, and may be repeated; what is to be held (`holds`) stays as it is until everything
   * that was opened is closed.
   */
  readonly holds: boolean;
  run(target: AbuseTarget): Promise<void>;
}

/** Sockets of the attacker: whatever becomes of them is no error. */
export class AbuseTarget {
  readonly cluster: RealCluster;
  readonly loggedIn: LoggedIn;
  readonly peerPorts: readonly number[];
  readonly #open = new Set<{ destroy(): void }>();
  #isOver = false;

  constructor(cluster: RealCluster, loggedIn: LoggedIn, peerPorts: readonly number[]) {
    this.cluster = cluster;
    this.loggedIn = loggedIn;
    this.peerPorts = peerPorts;
  }

  /** Of the node whose other clients are watched. */
  get clientPort(): number {
    return this.cluster.ports[0];
  }

  get ui(): URL {
    return new URL(this.cluster.uiUrl);
  }

  get control(): URL {
    return new URL(readControlAddress(this.cluster.folder)!.url);
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** Closed when the abuse is over. */
  keep(thing: { destroy(): void }): void {
    this.#open.add(thing);
  }

  /** Resolves when it is open, or will never be. */
  connect(port: number): Promise<Socket> {
    return new Promise((resolve) => {
      const socket = createConnection({ host: '127.0.0.1', port, noDelay: true });
      this.#open.add(socket);
      socket.on('error', () => resolve(socket));
      socket.on('close', () => this.#open.delete(socket));
      socket.once('connect', () => resolve(socket));
    });
  }

  connectAll(count: number, port: number): Promise<Socket[]> {
    return Promise.all(Array.from({ length: count }, () => this.connect(port)));
  }

  /** Writes `chunk` again and again, as far as the other side takes it; resolves when it was taken or the socket is gone. */
  async pour(socket: Socket, chunk: Buffer, times: number): Promise<void> {
    for (let count = 0; count < times && !socket.destroyed && !this.#isOver; count++) {
      if (!socket.write(chunk)) await drained(socket);
    }
  }

  /** Sends from now on a byte to each about twenty times a second, until the abuse is over. */
  drip(sockets: readonly Socket[], byte: string): void {
    const timer = setInterval(() => {
      for (const socket of sockets) if (!socket.destroyed) socket.write(byte);
    }, 50);
    this.keep({ destroy: () => clearInterval(timer) });
  }

  begin(): void {
    this.#isOver = false;
  }

  /** Closes everything that is open. */
  leave(): void {
    this.#isOver = true;
    for (const thing of this.#open) thing.destroy();
    this.#open.clear();
  }
}

function drained(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      socket.off('drain', done);
      socket.off('close', done);
      resolve();
    };
    socket.once('drain', done);
    socket.once('close', done);
  });
}

/** When the other side has closed, or the abuse is over. */
export function closed(socket: Socket): Promise<void> {
  socket.resume();
  return new Promise((resolve) => {
    if (socket.closed) resolve();
    else socket.once('close', () => resolve());
  });
}
