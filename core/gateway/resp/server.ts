/**
 * The RESP listener of a node: accepts clients up to a bound, flushes their replies once per turn, drains them on close,
 * and serves commands that other nodes' gateways forward. Commands and connections are in their own files.
 */
import { createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { CoterieError } from '../../base/errors.ts';
import { NetworkListeners, type NetworkPlaces } from '../network-listeners.ts';
import { createCommandTable } from './command-table.ts';
import { Connection, type ConnectionOwner } from './connection.ts';
import { serveForwarded } from './forwarding.ts';
import { Gateway, type GatewayComponents } from './gateway.ts';
import { Places } from './places.ts';
import { type RespServerSettings, respServerDefaults } from './settings.ts';

/** What clients wait for at this moment. */
interface ClientQueues {
  /** Commands that are not answered yet. */
  readonly commands: number;
  /** Of them: those that wait for one before them on the same connection. */
  readonly commandsWaiting: number;
  /** Large commands that wait for memory. */
  readonly largeWaiting: number;
  /** What they make the node hold. */
  readonly clientBytes: number;
}

export interface RespServer {
  /** Resolves with the port that is listened on. Rejects with `unavailable` when the address cannot be had. */
  listen(): Promise<number>;
  /** Stops accepting, lets commands under way be answered, then closes every connection. */
  close(): Promise<void>;
  clientCount(): number;
  queues(): ClientQueues;
  /** Where clients on other computers connect; null: nowhere. */
  readonly networkPort: number | null;
  /** At which addresses from now on. Without effect on a node that takes no clients of other computers. */
  setNetwork(places: NetworkPlaces): Promise<void>;
}

/** How long close() waits for replies under way before it cuts the connections. */
const drainTimeMsMax = 2_000;
const progressCheckIntervalMs = 1_000;
const displacementToldEveryMs = 60_000;
const handshakeTimeMsMax = 10_000;

export function createRespServer(
  components: GatewayComponents,
  settings: Partial<RespServerSettings> = {},
): RespServer {
  return new RespListener(components, { ...respServerDefaults, ...settings });
}

class RespListener implements RespServer, ConnectionOwner {
  private readonly gateway: Gateway;
  private readonly server: Server;
  private readonly network: NetworkListeners | null;
  private readonly connections = new Set<Connection>();
  private readonly places: Places<Connection>;
  private dirty: Connection[] = [];
  private nextClientId = 1;
  private closing = false;
  private displacementToldMs = Number.NEGATIVE_INFINITY;
  private progressTimer: { cancel(): void } | null = null;
  private whenEmpty: (() => void) | null = null;

  constructor(components: GatewayComponents, settings: RespServerSettings) {
    this.gateway = new Gateway(components, settings, createCommandTable());
    this.places = new Places(settings.clientCountMax);
    this.server = createServer({ noDelay: true, keepAlive: true, allowHalfOpen: true }, (socket) =>
      this.accept(socket),
    );
    const { network } = settings;
    this.network =
      network === null
        ? null
        : new NetworkListeners((secured) => {
            const server = createTlsServer(
              {
                ...secured,
                ...{
                  handshakeTimeout: handshakeTimeMsMax,
                  noDelay: true,
                  keepAlive: true,
                  allowHalfOpen: true,
                },
              },
              (socket) => this.accept(socket),
            );
            network.guard(server);
            return server;
          }, network);
    serveForwarded(this.gateway);
  }

  get networkPort(): number | null {
    return this.network?.port ?? null;
  }

  async setNetwork(places: NetworkPlaces): Promise<void> {
    await this.network?.set(places);
  }

  async listen(): Promise<number> {
    const { network } = this.gateway.settings;
    if (network !== null) await this.setNetwork(network);
    return this.listenLocally();
  }

  private listenLocally(): Promise<number> {
    const { host, port } = this.gateway.settings;
    return new Promise((resolve, reject) => {
      this.server.once('error', (cause: NodeJS.ErrnoException) => {
        const reason =
          cause.code === 'EADDRINUSE' ? 'another program uses it' : (cause.code ?? cause.message);
        reject(
          new CoterieError('unavailable', `cannot listen on ${host}:${port}: ${reason}`, { host, port }),
        );
      });
      this.server.listen({ host, port, backlog: 511 }, () => {
        const address = this.server.address();
        this.gateway.port = typeof address === 'object' && address !== null ? address.port : port;
        this.gateway.standstill.beat();
        this.checkProgressLater();
        resolve(this.gateway.port);
      });
    });
  }

  async close(): Promise<void> {
    if (this.closing) return;
    this.closing = true;
    this.progressTimer?.cancel();
    const serverClosed = Promise.all([
      new Promise<void>((resolve) => this.server.close(() => resolve())),
      this.network?.close(),
    ]);
    for (const connection of [...this.connections]) connection.closeAfterReply();
    if (this.connections.size > 0) {
      await new Promise<void>((resolve) => {
        const timer = this.gateway.timers.after(drainTimeMsMax, resolve);
        this.whenEmpty = () => {
          timer.cancel();
          resolve();
        };
      });
    }
    for (const connection of [...this.connections]) connection.kill();
    await serverClosed;
  }

  clientCount(): number {
    return this.connections.size;
  }

  queues(): ClientQueues {
    let commands = 0;
    let commandsWaiting = 0;
    for (const connection of this.connections) {
      commands += connection.underWayCount;
      if (connection.hasWaiting) commandsWaiting++;
    }
    const { largeWork, budget } = this.gateway;
    return {
      ...{ commands, commandsWaiting },
      ...{ largeWaiting: largeWork.waitingCount, clientBytes: budget.totalBytes },
    };
  }

  private accept(socket: Socket): void {
    const { clock, statistics } = this.gateway;
    statistics.connectionCount += 1;
    // From its first moment: a connection that is reset at once must not end the process.
    socket.on('error', () => {});
    if (this.closing) {
      socket.destroy();
      return;
    }
    const { isThere, displaced } = this.places.askFor(clock.monotonicMs());
    if (displaced !== null) this.displace(displaced);
    const connection = new Connection(
      { gateway: this.gateway, owner: this, socket },
      { id: this.nextClientId++, isOnProbation: !isThere },
    );
    this.connections.add(connection);
    this.gateway.clients.set(connection.id, connection);
    if (isThere) this.places.enter(connection);
    else this.places.enterOnProbation(connection)?.refuse();
  }

  private displace(connection: Connection): void {
    this.gateway.statistics.displacedConnectionCount += 1;
    // One line for many: whoever fills all places with idle connections should not fill the log as well.
    const nowMs = this.gateway.clock.monotonicMs();
    if (nowMs - this.displacementToldMs >= displacementToldEveryMs) {
      this.displacementToldMs = nowMs;
      this.gateway.log.warn('idle clients are closed to make room for others', {
        clients: this.places.count,
        closedSoFar: this.gateway.statistics.displacedConnectionCount,
      });
    }
    connection.kill();
  }

  spoke(connection: Connection): void {
    this.places.spoke(connection);
  }

  proven(connection: Connection): void {
    this.places.leave(connection);
  }

  markDirty(connection: Connection): void {
    // One timer for all connections of the turn: the store batches its own work the same way.
    if (this.dirty.length === 0) this.gateway.timers.atTurnEnd(() => this.flushAll());
    this.dirty.push(connection);
  }

  private flushAll(): void {
    const connections = this.dirty;
    this.dirty = [];
    for (const connection of connections) connection.flush();
  }

  closed(connection: Connection): void {
    this.connections.delete(connection);
    this.places.leave(connection);
    this.gateway.clients.delete(connection.id);
    if (this.connections.size === 0) this.whenEmpty?.();
  }

  private checkProgressLater(): void {
    this.progressTimer = this.gateway.timers.after(progressCheckIntervalMs, () => {
      this.gateway.standstill.beat();
      const nowMs = this.gateway.clock.monotonicMs();
      for (const connection of this.connections) connection.checkProgress(nowMs);
      this.gateway.budget.look();
      if (!this.closing) this.checkProgressLater();
    });
  }
}
