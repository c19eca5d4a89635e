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

export interface LanSenderSettings {
  readonly family: Family;
  readonly address: string;
  /** As Node names it: an address for IPv4, `::%zone` for IPv6. */
  readonly multicastInterface: string;
  readonly port: number;
  readonly targets: readonly LanTarget[];
}

export class LanSender {
  readonly #settings: LanSenderSettings;
  #socket: Socket | null = null;
  /** Null: it can send. */
  #opened: Promise<Error | null> | null = null;
  #isClosed = false;

  constructor(settings: LanSenderSettings) {
    this.#settings = settings;
  }

  get targetCount(): number {
    return this.#settings.targets.length;
  }

  /** What failed; as many as there are targets: nothing left. */
  async send(bytes: Uint8Array): Promise<LanFailure[]> {
    const { targets } = this.#settings;
    this.#opened ??= this.#open();
    const opening = this.#opened;
    const failure = await opening;
    if (failure !== null) {
      // An address may not be ready when the system tells it: a fresh one of IPv6 is not, for a second. The next beacon tries.
      if (this.#opened === opening) this.#opened = null;
      return targets.map(({ path }) => failureOf(path, failure));
    }
    const failures = await Promise.all(targets.map((target) => this.#sendTo(target, bytes)));
    return failures.filter((one) => one !== null);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    const failure = await this.#opened;
    if (failure === null) await closed(this.#socket);
  }

  async #open(): Promise<Error | null> {
    if (this.#isClosed) return new Error('It is closed.');
    const { family, address } = this.#settings;
    const socket = createSocket({ type: family, ipv6Only: family === 'udp6' });
    const failure = await new Promise<Error | null>((resolve) => {
      // Later errors are those of single datagrams, and come back with each.
      socket.on('error', resolve);
      socket.bind({ address, port: 0, exclusive: true }, () => resolve(this.#prepare(socket)));
    });
    if (failure === null) this.#socket = socket;
    else await closed(socket);
    return failure;
  }

  /** Not further than this network; and heard by other computers that are played on this machine. */
  #prepare(socket: Socket): Error | null {
    const { family, multicastInterface } = this.#settings;
    try {
      socket.setMulticastInterface(multicastInterface);
      socket.setMulticastTTL(1);
      socket.setMulticastLoopback(true);
      if (family === 'udp4') socket.setBroadcast(true);
      return null;
    } catch (cause) {
      return cause as Error;
    }
  }

  #sendTo({ path, address }: LanTarget, bytes: Uint8Array): Promise<LanFailure | null> {
    const socket = this.#socket;
    if (socket === null || this.#isClosed) return Promise.resolve(null);
    return new Promise((resolve) => {
      socket.send(bytes, this.#settings.port, address, (cause) =>
        resolve(cause === null ? null : failureOf(path, cause)),
      );
    });
  }
}

function closed(socket: Socket | null): Promise<void> {
  return new Promise((resolve) => (socket === null ? resolve() : socket.close(() => resolve())));
}
