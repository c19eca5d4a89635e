/**
 * The RESP listener of a node: accepts clients up to a bound, flushes their replies once per turn, drains them on close,
 * and serves commands that other nodes' gateways forward. Commands and connections are in their own files.
 */
import { createServer, type Server, type Socket } from 'node:net';
import { CoterieError } from '../../base/errors.ts';
import { createCommandTable } from './command-table.ts';
import { Connection, type ConnectionOwner } from './connection.ts';
import { errorTexts } from './errors.ts';
import { serveForwarded } from './forwarding.ts';
import { Gateway, type GatewayComponents } from './gateway.ts';
import { type RespServerSettings, respServerDefaults } from './settings.ts';

export interface RespServer {
  /** Resolves with the port that is listened on. Rejects with `unavailable` when the address cannot be had. */
  listen(): Promise<number>;
  /** Stops accepting, lets commands under way be answered, then closes every connection. */
  close(): Promise<void>;
  clientCount(): number;
}

/** How long close() waits for replies under way before it cuts the connections. */
const drainTimeMsMax = 2_000;
const progressCheckIntervalMs = 1_000;

export function createRespServer(
  components: GatewayComponents,
  settings: Partial<RespServerSettings> = {},
): RespServer {
  return new RespListener(components, { ...respServerDefaults, ...settings });
}

class RespListener implements RespServer, ConnectionOwner {
  private readonly gateway: Gateway;
  private readonly server: Server;
  private readonly connections = new Set<Connection>();
  private dirty: Connection[] = [];
  private nextClientId = 1;
  private closing = false;
  private progressTimer: { cancel(): void } | null = null;
  private whenEmpty: (() => void) | null = null;

  constructor(components: GatewayComponents, settings: RespServerSettings) {
    this.gateway = new Gateway(components, settings, createCommandTable());
    this.server = createServer({ noDelay: true, keepAlive: true, allowHalfOpen: true }, (socket) =>
      this.accept(socket),
    );
    serveForwarded(this.gateway);
  }

  listen(): Promise<number> {
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
        this.checkProgressLater();
        resolve(this.gateway.port);
      });
    });
  }

  async close(): Promise<void> {
    if (this.closing) return;
    this.closing = true;
    this.progressTimer?.cancel();
    const serverClosed = new Promise<void>((resolve) => this.server.close(() => resolve()));
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

  private accept(socket: Socket): void {
    const { settings, statistics } = this.gateway;
    statistics.connectionCount += 1;
    if (this.closing || this.connections.size >= settings.clientCountMax) {
      statistics.rejectedConnectionCount += 1;
      socket.on('error', () => {});
      socket.end(`-${errorTexts.tooManyClients}\r\n`, () => socket.destroy());
      return;
    }
    const connection = new Connection(this.gateway, this, socket, this.nextClientId++);
    this.connections.add(connection);
    this.gateway.clients.set(connection.id, connection);
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
    this.gateway.clients.delete(connection.id);
    if (this.connections.size === 0) this.whenEmpty?.();
  }

  private checkProgressLater(): void {
    this.progressTimer = this.gateway.timers.after(progressCheckIntervalMs, () => {
      const nowMs = this.gateway.clock.monotonicMs();
      for (const connection of this.connections) connection.checkProgress(nowMs);
      if (!this.closing) this.checkProgressLater();
    });
  }
}
