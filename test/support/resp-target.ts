/** A RESP server over memory stores, for tests with real sockets; and the real clock and timers it needs. */
import { createConnection, type Socket } from 'node:net';
import { createRespServer, type RespServer } from '../../core/gateway/resp/server.ts';
import type { RespServerSettings } from '../../core/gateway/resp/settings.ts';
import type { Clock, Timers } from '../../core/ports/clock.ts';
import { type Log, silentLog } from '../../core/ports/log.ts';
import type { Logins } from '../../core/ports/logins.ts';
import type { Random } from '../../core/ports/random.ts';
import { encodeCommand } from '../../core/wire/resp/encoder.ts';
import { type RespReply, RespReplyParser } from '../../core/wire/resp/reply-parser.ts';
import { MemoryData, MemoryStore, type MemoryStoreSettings, ringCoordinator } from './memory-store.ts';

export const realClock: Clock = { nowMs: () => Date.now(), monotonicMs: () => performance.now() };

export const realTimers: Timers = {
  after(delayMs, action) {
    const timer = setTimeout(action, delayMs);
    return { cancel: () => clearTimeout(timer) };
  },
  atTurnEnd: (action) => void setImmediate(action),
};

export const realRandom: Random = {
  next: () => Math.random(),
  bytes: (length) => Uint8Array.from({ length }, () => Math.floor(Math.random() * 256)),
};

export interface RespNode {
  readonly store: MemoryStore;
  readonly server: RespServer;
  readonly port: number;
}

export async function startRespNode(
  settings: Partial<RespServerSettings> = {},
  store: MemoryStore = new MemoryStore(),
  more: { log?: Log; clock?: Clock; logins?: Logins } = {},
): Promise<RespNode> {
  const components = {
    store,
    clock: more.clock ?? realClock,
    timers: realTimers,
    random: realRandom,
    log: more.log ?? silentLog,
    logins: more.logins,
  };
  const server = createRespServer(components, { port: 0, ...settings });
  const port = await server.listen();
  store.self = { ...store.self, port };
  return { store, server, port };
}

/** Several nodes that share their data; each coordinates its own third (…) of the slots and forwards the rest. */
export async function startRespCluster(
  count: number,
  settings: MemoryStoreSettings = {},
): Promise<RespNode[]> {
  const data = new MemoryData();
  const nodes: RespNode[] = [];
  for (let index = 0; index < count; index++) {
    const nodeId = 0x1000 + index;
    const self = {
      nodeId,
      name: `node-${index}`,
      host: '127.0.0.1',
      port: 0,
      dataCenter: 'here',
      up: true,
      network: null,
    };
    const store = new MemoryStore({ ...settings, data, self });
    nodes.push(await startRespNode({}, store));
  }
  for (const node of nodes) {
    for (const other of nodes) if (other !== node) node.store.peers.set(other.store.self.nodeId, other.store);
    node.store.coordinator = ringCoordinator(node.store);
  }
  return nodes;
}

/** A client that sends what it is told and gives replies in order: for what real clients would hide. */
export class RawClient {
  readonly socket: Socket;
  closed = false;
  private readonly parser = new RespReplyParser();
  private readonly waiting: ((reply: RespReply | undefined) => void)[] = [];
  private readonly replies: RespReply[] = [];
  readonly whenClosed: Promise<void>;

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', (chunk: Buffer) => {
      this.parser.push(chunk);
      for (let reply = this.parser.next(); reply !== undefined; reply = this.parser.next()) {
        const next = this.waiting.shift();
        if (next === undefined) this.replies.push(reply);
        else next(reply);
      }
    });
    socket.on('error', () => {});
    this.whenClosed = new Promise((resolve) => {
      socket.on('close', () => {
        this.closed = true;
        for (const next of this.waiting.splice(0)) next(undefined);
        resolve();
      });
    });
  }

  static connect(port: number): Promise<RawClient> {
    return new Promise((resolve, reject) => {
      const socket = createConnection({ host: '127.0.0.1', port, noDelay: true });
      socket.once('error', reject);
      socket.once('connect', () => resolve(new RawClient(socket)));
    });
  }

  write(bytes: Buffer | string): void {
    this.socket.write(bytes);
  }

  /** The next reply; undefined when the connection closed first. */
  next(): Promise<RespReply | undefined> {
    if (this.replies.length > 0) return Promise.resolve(this.replies.shift());
    if (this.closed) return Promise.resolve(undefined);
    return new Promise((resolve) => this.waiting.push(resolve));
  }

  async call(...words: (string | number | Buffer)[]): Promise<RespReply | undefined> {
    this.write(encodeCommand(words.map((word) => (typeof word === 'number' ? String(word) : word))));
    return this.next();
  }

  close(): void {
    this.socket.destroy();
  }
}

/** Replies with bytes as text and errors as `-message`, for comparing in one line. */
export function plain(reply: RespReply | undefined): unknown {
  if (Buffer.isBuffer(reply)) return reply.toString('utf8');
  if (Array.isArray(reply)) return reply.map(plain);
  if (reply instanceof Map) return new Map([...reply].map(([key, value]) => [plain(key), plain(value)]));
  if (typeof reply === 'object' && reply !== null && 'message' in reply) return `-${reply.message}`;
  return reply;
}
