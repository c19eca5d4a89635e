/**
 * The way out from one address of one interface: a socket bound to that address, so that everything leaves there whatever the
 * routes say, and others see the address at which this computer can be called.
 */
import { createSocket, type Socket } from 'node:dgram';
import type { LanFailure, LanPath } from '../ports/lan.ts';
import type { Family } from './lan-receiver.ts';

export interface LanTarget {
  readonly path: LanPath;
  readonly address: string;
}

const failureOf = (path: LanPath, cause: Error): LanFailure => ({
  path,
  code: (cause as NodeJS.ErrnoException).code ?? 'unknown',
  message: cause.message,
});

export class LanSender {
  readonly #socket: Socket;
  readonly #port: number;
  readonly #targets: readonly LanTarget[];
  readonly #opened: Promise<Error | null>;
  #closed: Promise<void> | null = null;

  /** `multicastInterface`: as Node names it, an address for IPv4 and `::%zone` for IPv6. */
  constructor(settings: {
    family: Family;
    address: string;
    multicastInterface: string;
    port: number;
    targets: readonly LanTarget[];
  }) {
    const { family, address, multicastInterface, port, targets } = settings;
    this.#port = port;
    this.#targets = targets;
    this.#socket = createSocket({ type: family, ipv6Only: family === 'udp6' });
    this.#opened = new Promise((resolve) => {
      // Later errors are those of single datagrams, and come back with each.
      this.#socket.on('error', resolve);
      this.#socket.once('close', () => resolve(new Error('It was closed before it could send.')));
      this.#socket.bind({ address, port: 0, exclusive: true }, () =>
        resolve(this.#prepare(family, multicastInterface)),
      );
    });
  }

  /** Not further than this network; and heard by other computers that are played on this machine. */
  #prepare(family: Family, multicastInterface: string): Error | null {
    try {
      this.#socket.setMulticastInterface(multicastInterface);
      this.#socket.setMulticastTTL(1);
      this.#socket.setMulticastLoopback(true);
      if (family === 'udp4') this.#socket.setBroadcast(true);
      return null;
    } catch (cause) {
      return cause as Error;
    }
  }

  get targetCount(): number {
    return this.#targets.length;
  }

  /** What failed; as many as there are targets: nothing left. */
  async send(bytes: Uint8Array): Promise<LanFailure[]> {
    const failure = await this.#opened;
    if (failure !== null) return this.#targets.map(({ path }) => failureOf(path, failure));
    const failures = await Promise.all(this.#targets.map((target) => this.#sendTo(target, bytes)));
    return failures.filter((one) => one !== null);
  }

  close(): Promise<void> {
    this.#closed ??= new Promise((resolve) => this.#socket.close(() => resolve()));
    return this.#closed;
  }

  #sendTo({ path, address }: LanTarget, bytes: Uint8Array): Promise<LanFailure | null> {
    if (this.#closed !== null) return Promise.resolve(null);
    return new Promise((resolve) => {
      this.#socket.send(bytes, this.#port, address, (cause) =>
        resolve(cause === null ? null : failureOf(path, cause)),
      );
    });
  }
}
