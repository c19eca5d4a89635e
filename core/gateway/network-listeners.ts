/**
 * One port of this computer for programs on other computers, over TLS, at those of its addresses where a person wants it. Addresses
 * come and go while it is open; connections at one that is not wanted any more end at once.
 */
import type { Socket } from 'node:net';
import type { Server } from 'node:tls';
import { InTurn } from '../base/in-turn.ts';

export interface NetworkPlaces {
  /** 0.0.0.0 is every address. None: the interface that was chosen is not there now. */
  readonly hosts: readonly string[];
  /** PEM: a certificate with the addresses of this computer, and those above it. */
  readonly certificates: string;
  /** PEM, of the first certificate. */
  readonly privateKey: string;
}

type Certified = Omit<NetworkPlaces, 'hosts'>;

function securedWith({ certificates, privateKey }: Certified) {
  return { cert: certificates, key: privateKey, minVersion: 'TLSv1.2' as const };
}

interface Listening {
  readonly server: Server;
  readonly sockets: Set<Socket>;
}

export class NetworkListeners {
  /** Null: nowhere. */
  port: number | null = null;
  readonly #make: (secured: ReturnType<typeof securedWith>) => Server;
  readonly #wantedPort: number;
  readonly #listening = new Map<string, Listening>();
  #closed = false;
  /** One change after another. */
  readonly #turns = new InTurn();

  /** `port`: the wanted one; where it is taken, any. */
  constructor(make: (secured: ReturnType<typeof securedWith>) => Server, { port }: { port: number }) {
    this.#make = make;
    this.#wantedPort = port;
  }

  /** Resolves when it listens wherever it can: an address that has just gone is left out until it is named again. */
  set(places: NetworkPlaces): Promise<void> {
    return this.#turns.run(() => this.#set(places));
  }

  /** Takes no connections any more; resolves when those that there are have ended. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#turns.ended();
    const servers = [...this.#listening.values()].map(({ server }) => server);
    await Promise.all(servers.map((server) => new Promise<void>((resolve) => server.close(() => resolve()))));
  }

  /** As `close`, and ends all connections. */
  async end(): Promise<void> {
    const closed = this.close();
    await this.#turns.ended();
    for (const { sockets } of this.#listening.values()) for (const socket of sockets) socket.destroy();
    await closed;
  }

  async #set({ hosts, ...certified }: NetworkPlaces): Promise<void> {
    if (this.#closed) return;
    for (const [host, { server, sockets }] of this.#listening) {
      if (hosts.includes(host)) {
        server.setSecureContext(securedWith(certified));
        continue;
      }
      this.#listening.delete(host);
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const socket of sockets) socket.destroy();
      await closed;
    }
    const fresh = hosts.filter((host) => !this.#listening.has(host));
    // The same number at each address: clients are told one for a node.
    const ports = this.#listening.size > 0 ? [this.port!] : [this.port ?? this.#wantedPort, 0];
    for (const port of ports) {
      if (await this.#openAll(fresh, certified, port)) break;
    }
    if (this.#listening.size === 0) this.port = null;
  }

  /** False: the port is taken at one of them. */
  async #openAll(hosts: readonly string[], certified: Certified, wanted: number): Promise<boolean> {
    const opened: string[] = [];
    let port = wanted;
    for (const host of hosts) {
      const server = this.#make(securedWith(certified));
      const sockets = new Set<Socket>();
      server.on('connection', (socket: Socket) => {
        sockets.add(socket);
        socket.once('close', () => sockets.delete(socket));
      });
      try {
        port = await listenAt(server, host, port);
      } catch (cause) {
        if ((cause as NodeJS.ErrnoException).code !== 'EADDRINUSE') continue;
        for (const other of opened) this.#listening.get(other)?.server.close();
        for (const other of opened) this.#listening.delete(other);
        return false;
      }
      this.#listening.set(host, { server, sockets });
      this.port = port;
      opened.push(host);
    }
    return true;
  }
}

function listenAt(server: Server, host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host, port, backlog: 511 }, () => {
      server.off('error', reject);
      server.on('error', () => {});
      resolve((server.address() as { port: number }).port);
    });
  });
}
