/**
 * PeerNetwork over TCP: one link per pair of nodes, dialled by the one with the smaller id, so that two starts at once
 * never make two. Frames of one turn leave in one write. A link that is silent too long counts as down, though its
 * socket is open: that is how a paused process looks. Queues are bounded; a full one refuses frames, which the sender
 * sees as a failed request.
 */
import { connect, createServer, type Server, type Socket } from 'node:net';
import { CoterieError, toCoterieError } from '../base/errors.ts';
import type { Cancellable, Clock, Timers } from '../ports/clock.ts';
import type { Log } from '../ports/log.ts';
import type { PeerNetwork } from '../ports/peer-network.ts';
import {
  bodyOf,
  encodeEmpty,
  encodeJson,
  FrameReader,
  frameBytesMax,
  frameType,
  protocolVersion,
  typeOf,
} from '../wire/peer-frames.ts';

export interface PeerAddress {
  readonly id: number;
  readonly name: string;
  readonly host: string;
  readonly port: number;
}

export interface PeerNetworkSettings {
  readonly selfId: number;
  readonly clusterId: string;
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
}

interface Hello {
  readonly protocol: number;
  readonly clusterId: string;
  readonly nodeId: number;
}

const tickMs = 250;
/** Nothing heard for this long: a ping is sent. */
const pingAfterMs = 400;
/** Nothing heard for this long: the peer counts as down. Longer than a garbage collection, shorter than patience. */
const silentAfterMs = 1_500;
/** A socket silent for this long is given up and dialled anew. */
const abandonAfterMs = 15_000;
const redialMinMs = 100;
const redialMaxMs = 1_000;
const helloWithinMs = 3_000;
/** Room for the largest frame beside others. */
const queueBytesMax = frameBytesMax + 64 * 1024 * 1024;
/** Frames up to this size are gathered into one buffer; larger ones are handed to the socket as they are. */
const gatherBytesMax = 16 * 1024;

class Link {
  readonly peer: number;
  readonly socket: Socket;
  heardMs: number;
  up = true;
  queue: Buffer[] = [];
  queueBytes = 0;
  flushing = false;

  constructor(peer: number, socket: Socket, nowMs: number) {
    this.peer = peer;
    this.socket = socket;
    this.heardMs = nowMs;
  }
}

export class TcpPeerNetwork implements PeerNetwork {
  readonly #clock: Clock;
  readonly #timers: Timers;
  readonly #log: Log;
  readonly #settings: PeerNetworkSettings;
  readonly #server: Server;
  readonly #links = new Map<number, Link>();
  readonly #sockets = new Set<Socket>();
  readonly #dialling = new Map<number, { attempt: number; timer: Cancellable | null }>();
  #peers = new Map<number, PeerAddress>();
  #frameHandler: (from: number, frame: Buffer) => void = () => {};
  readonly #changeHandlers: ((peer: number, up: boolean) => void)[] = [];
  #tick: Cancellable | null = null;
  #tickedMs = 0;
  #closed = false;

  constructor(components: { clock: Clock; timers: Timers; log: Log }, settings: PeerNetworkSettings) {
    this.#clock = components.clock;
    this.#timers = components.timers;
    this.#log = components.log;
    this.#settings = settings;
    this.#server = createServer({ noDelay: true }, (socket) => this.#greet(socket, null));
  }

  /** Answers the port in use. Rejects with `busy` when it is taken. */
  listen(): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', (cause: NodeJS.ErrnoException) => {
        reject(
          cause.code === 'EADDRINUSE'
            ? new CoterieError('busy', `Port ${this.#settings.port} is in use by another program.`)
            : toCoterieError(cause, 'unavailable'),
        );
      });
      this.#server.listen(this.#settings.port, this.#settings.host, () => {
        this.#tickedMs = this.#clock.monotonicMs();
        this.#armTick();
        resolve((this.#server.address() as { port: number }).port);
      });
    });
  }

  /** Replaces the list of peers; links to those that are gone are closed, to moved ones redialled. */
  setPeers(peers: readonly PeerAddress[]): void {
    const before = this.#peers;
    this.#peers = new Map(peers.map((peer) => [peer.id, peer]));
    for (const [id, link] of this.#links) if (!this.#peers.has(id)) link.socket.destroy();
    for (const peer of peers) {
      const old = before.get(peer.id);
      if (old !== undefined && (old.port !== peer.port || old.host !== peer.host)) {
        this.#links.get(peer.id)?.socket.destroy();
      }
      if (this.#settings.selfId < peer.id && !this.#links.has(peer.id)) {
        // News of a peer is a good moment to try it, whatever the present wait is.
        this.#dialling.get(peer.id)?.timer?.cancel();
        this.#dialling.delete(peer.id);
        this.#dialSoon(peer.id, 0);
      }
    }
  }

  onFrame(handler: (from: number, frame: Buffer) => void): void {
    this.#frameHandler = handler;
  }

  onChange(handler: (peer: number, up: boolean) => void): void {
    this.#changeHandlers.push(handler);
  }

  isUp(peer: number): boolean {
    return this.#links.get(peer)?.up === true;
  }

  send(to: number, frame: Buffer): boolean {
    const link = this.#links.get(to);
    if (link === undefined || !link.up) return false;
    return this.#enqueue(link, frame);
  }

  #enqueue(link: Link, frame: Buffer): boolean {
    if (link.queueBytes + link.socket.writableLength + frame.length > queueBytesMax) return false;
    link.queue.push(frame);
    link.queueBytes += frame.length;
    if (!link.flushing) {
      link.flushing = true;
      this.#timers.atTurnEnd(() => this.#flush(link));
    }
    return true;
  }

  #flush(link: Link): void {
    link.flushing = false;
    const { queue, socket } = link;
    link.queue = [];
    link.queueBytes = 0;
    if (socket.destroyed) return;
    if (queue.length === 1) {
      socket.write(queue[0]);
      return;
    }
    socket.cork();
    let small: Buffer[] = [];
    const writeSmall = () => {
      if (small.length > 0) socket.write(small.length === 1 ? small[0] : Buffer.concat(small));
      small = [];
    };
    for (const frame of queue) {
      if (frame.length <= gatherBytesMax) small.push(frame);
      else {
        writeSmall();
        socket.write(frame);
      }
    }
    writeSmall();
    socket.uncork();
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#tick?.cancel();
    for (const { timer } of this.#dialling.values()) timer?.cancel();
    for (const link of this.#links.values()) {
      this.#flush(link);
      link.socket.end();
    }
    for (const socket of this.#sockets) socket.destroySoon();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  #dialSoon(id: number, attempt: number): void {
    const known = this.#dialling.get(id);
    if (this.#closed || known !== undefined) return;
    const delayMs = attempt === 0 ? 0 : Math.min(redialMaxMs, redialMinMs * 2 ** Math.min(attempt - 1, 10));
    const dialling = { attempt, timer: this.#timers.after(delayMs, () => this.#dial(id, attempt)) };
    this.#dialling.set(id, dialling);
  }

  #dial(id: number, attempt: number): void {
    this.#dialling.delete(id);
    const peer = this.#peers.get(id);
    if (this.#closed || peer === undefined || this.#links.has(id)) return;
    const socket = connect({ host: peer.host, port: peer.port, noDelay: true });
    socket.once('connect', () => this.#greet(socket, id));
    socket.on('error', () => {});
    // Covers a refused dial, a refused greeting and a link lost later: in each case it is dialled again.
    socket.once('close', () => {
      if (this.#peers.has(id) && !this.#links.has(id)) this.#dialSoon(id, attempt + 1);
    });
  }

  /** Both sides introduce themselves first; `expected` is the peer that was dialled. */
  #greet(socket: Socket, expected: number | null): void {
    this.#sockets.add(socket);
    socket.on('error', () => {});
    socket.once('close', () => this.#sockets.delete(socket));
    const { selfId, clusterId } = this.#settings;
    const hello: Hello = { protocol: protocolVersion, clusterId, nodeId: selfId };
    socket.write(encodeJson(frameType.hello, 0, hello));
    const reader = new FrameReader();
    let link: Link | null = null;
    const patience = this.#timers.after(helloWithinMs, () => {
      if (link === null) socket.destroy();
    });
    const onFrame = (frame: Buffer) => {
      if (link !== null) this.#received(link, frame);
      else {
        patience.cancel();
        link = this.#admit(socket, frame, expected);
      }
    };
    socket.on('data', (chunk: Buffer) => {
      try {
        reader.push(chunk, onFrame);
      } catch (error) {
        this.#log.warn('A link between nodes is closed because of what came over it.', {
          peer: link?.peer.toString(16),
          cause: toCoterieError(error, 'bad-input').message,
        });
        socket.destroy();
      }
    });
  }

  #admit(socket: Socket, frame: Buffer, expected: number | null): Link {
    if (typeOf(frame) !== frameType.hello)
      throw new CoterieError('bad-input', 'It did not introduce itself.');
    const hello = JSON.parse(bodyOf(frame).toString()) as Hello;
    const { nodeId } = hello;
    if (hello.protocol !== protocolVersion) {
      throw new CoterieError(
        'unsupported',
        `It speaks protocol ${hello.protocol}, this node ${protocolVersion}.`,
      );
    }
    if (hello.clusterId !== this.#settings.clusterId) {
      throw new CoterieError('unauthorized', 'It belongs to another cluster.');
    }
    if (!this.#peers.has(nodeId) || (expected !== null && expected !== nodeId)) {
      throw new CoterieError('unauthorized', 'It is not the node that was expected.');
    }
    // A peer that was killed and came back may dial before the old socket is known to be dead.
    const old = this.#links.get(nodeId);
    if (old !== undefined) {
      this.#links.delete(nodeId);
      this.#changed(old, false);
      old.socket.destroy();
    }
    const link = new Link(nodeId, socket, this.#clock.monotonicMs());
    this.#links.set(nodeId, link);
    socket.once('close', () => {
      if (this.#links.get(nodeId) !== link) return;
      this.#links.delete(nodeId);
      this.#changed(link, false);
      if (this.#settings.selfId < nodeId && this.#peers.has(nodeId)) this.#dialSoon(nodeId, 1);
    });
    this.#notify(nodeId, true);
    return link;
  }

  #received(link: Link, frame: Buffer): void {
    link.heardMs = this.#clock.monotonicMs();
    if (!link.up) this.#changed(link, true);
    const type = typeOf(frame);
    if (type === frameType.ping) this.#enqueue(link, encodeEmpty(frameType.pong, 0));
    else if (type !== frameType.pong) this.#frameHandler(link.peer, frame);
  }

  #changed(link: Link, up: boolean): void {
    if (link.up === up) return;
    link.up = up;
    this.#notify(link.peer, up);
  }

  #notify(peer: number, up: boolean): void {
    const name = this.#peers.get(peer)?.name ?? peer.toString(16);
    this.#log.info(up ? `${name} is connected` : `${name} does not answer`);
    for (const handler of this.#changeHandlers) handler(peer, up);
  }

  #armTick(): void {
    this.#tick = this.#timers.after(tickMs, () => {
      this.#watch();
      if (!this.#closed) this.#armTick();
    });
  }

  #watch(): void {
    const now = this.#clock.monotonicMs();
    // This process itself stood still (a lid was closed, a debugger): that silence accuses nobody.
    const stoodStill = now - this.#tickedMs > tickMs * 3;
    this.#tickedMs = now;
    for (const link of this.#links.values()) {
      if (stoodStill) link.heardMs = Math.max(link.heardMs, now - pingAfterMs);
      const silentMs = now - link.heardMs;
      if (silentMs >= pingAfterMs) this.#enqueue(link, encodeEmpty(frameType.ping, 0));
      if (silentMs >= silentAfterMs) this.#changed(link, false);
      if (silentMs >= abandonAfterMs) link.socket.destroy();
    }
  }
}
