/**
 * The ear of this computer for one family of addresses: a single socket on the port of discovery, in the multicast group on
 * every interface that is used. One for all, not one for each: to hear broadcasts as well it must listen on all addresses, and
 * then every socket of the port hears every interface, so several would hear everything several times. Where a datagram came
 * in follows from its sender's address (lan-sockets.ts). Other programs of the same kind may share the port.
 */
import { createSocket, type Socket } from 'node:dgram';

export type Family = 'udp4' | 'udp6';

/** Windows knows zones by number, everybody else by name. */
export function zoneOf(name: string, scopeId: number): string {
  return process.platform === 'win32' ? String(scopeId) : name;
}

export class LanReceiver {
  readonly #socket: Socket;
  readonly #group: string;
  /** Null: it listens. */
  readonly #opened: Promise<Error | null>;
  #closed: Promise<void> | null = null;

  constructor(
    components: { onDatagram: (bytes: Buffer, address: string) => void; onFailure: (cause: Error) => void },
    settings: { family: Family; port: number; group: string },
  ) {
    const { family, port, group } = settings;
    this.#group = group;
    this.#socket = createSocket({ type: family, reuseAddr: true, ipv6Only: family === 'udp6' });
    this.#socket.on('message', (bytes, { address }) => components.onDatagram(bytes, address));
    this.#opened = new Promise((resolve) => {
      this.#socket.on('error', (cause) => {
        resolve(cause);
        components.onFailure(cause);
      });
      this.#socket.once('close', () => resolve(new Error('It was closed before it listened.')));
      this.#socket.bind(port, () => resolve(null));
    });
  }

  /** `place`: the address (IPv4) or the zone (IPv6) of the interface. Null: it is in the group there. */
  async join(place: string): Promise<Error | null> {
    const failure = await this.#opened;
    if (failure !== null || this.#closed !== null) return failure;
    try {
      this.#socket.addMembership(this.#group, place);
      return null;
    } catch (cause) {
      // In the group already, by another address of the same interface.
      return (cause as NodeJS.ErrnoException).code === 'EADDRINUSE' ? null : (cause as Error);
    }
  }

  leave(place: string): void {
    try {
      this.#socket.dropMembership(this.#group, place);
    } catch {
      // The interface has gone, and its membership with it.
    }
  }

  close(): Promise<void> {
    this.#closed ??= new Promise((resolve) => this.#socket.close(() => resolve()));
    return this.#closed;
  }
}
