/**
 * PeerNetwork over TCP: one link (peer-link.ts) per pair of nodes, dialled by the one with the smaller id, so that two
 * starts at once never make two. Frames arrive in the order in which they were sent. A link that is silent too long counts
 * as down, though its socket is open: that is how a paused process looks. Queues are bounded; a full one refuses frames,
 * which the sender sees as a failed request.
 */
import type { Socket } from 'node:net';
import { toCoterieError } from '../base/errors.ts';
import type { Cancellable, Clock, Timers } from '../ports/clock.ts';
import type { Log } from '../ports/log.ts';
import type { MutualProof } from '../ports/mutual-proof.ts';
import type { PeerNetwork } from '../ports/peer-network.ts';
import {
  encodeEmpty,
  FrameReader,
  frameBytesMax,
  frameType,
  greetingBytesMax,
  hostFrameBytesMax,
  typeOf,
} from '../wire/peer/frames.ts';
import { type Caller, PeerGreeting } from '../wire/peer/greeting.ts';
import { HostLine } from './host-line.ts';
import { PeerLink } from './peer-link.ts';
import { type PeerListener, type PeerTransport, tcpTransport } from './peer-transport.ts';
import { Strangers } from './strangers.ts';

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
  /** A socket silent for this long is given up and dialled anew. Absent: 15 s. */
  readonly abandonAfterMs?: number;
}

const tickMs = 250;
/**
 * Nothing heard, or nothing sent, for this long: a ping is sent. The peer may be busy sending a large frame, behind which
 * its own ping and its answers to pings wait; it has to hear something meanwhile.
 */
const pingAfterMs = 400;
/** Nothing heard for this long: the peer counts as down. Longer than a garbage collection, shorter than patience. */
const silentAfterMs = 1_500;
const abandonAfterMsDefault = 15_000;
/**
 * This process stood still for so long (a lid was closed): for the others it was down, and they have given up what they had sent to it.
 * That still waits in its sockets. Done now, a write of last night would go over one of this morning: the links are closed with it.
 */
const givenUpAfterMs = silentAfterMs + 1_000;
const redialMinMs = 100;
const redialMaxMs = 1_000;
/** A greeting is over by then: two round trips. */
const greetWithinMs = 3_000;
/** A link in use is asked, and has so long to answer, before another one to the same peer may take its place. */
const answerWithinMs = 500;
/** A link that is made anew under another key has taken the place of the old one by then. */
const moveWithinMs = 1_000;
/** At the end, what is on its way to a peer has this long to leave; a peer that reads nothing must not hold the end up. */
const closeWithinMs = 1_000;

export class TcpPeerNetwork implements PeerNetwork {
  readonly #clock: Clock;
  readonly #timers: Timers;
  readonly #log: Log;
  readonly #proof: MutualProof;
  readonly #settings: PeerNetworkSettings;
  readonly #strangers: Strangers;
  readonly #rankOf: (socket: Socket, caller: Caller) => number;
  readonly #onHost: (line: HostLine) => void;
  readonly #transport: PeerTransport;
  #listener: PeerListener | null = null;
  readonly #links = new Map<number, PeerLink>();
  readonly #sockets = new Set<Socket>();
  readonly #dialling = new Map<number, { attempt: number; timer: Cancellable | null }>();
  #peers = new Map<number, PeerAddress>();
  #frameHandler: (from: number, frame: Buffer) => void = () => {};
  readonly #changeHandlers: ((peer: number, up: boolean) => void)[] = [];
  #tick: Cancellable | null = null;
  #tickedMs = 0;
  /** How often this node has shown another key than before. */
  #keyTurn = 0;
  #closed = false;

  constructor(
    components: {
      clock: Clock;
      timers: Timers;
      log: Log;
      proof: MutualProof;
      /** Plain TCP, unless another is given. */
      transport?: PeerTransport;
      /** Whether a connection may be that caller's now: 0: no; of two that may, one of a higher rank stands. Absent: any may. */
      rankOf?: (socket: Socket, caller: Caller) => number;
      /** A host has shown who it is; without this none is let in. */
      onHost?: (line: HostLine) => void;
    },
    settings: PeerNetworkSettings,
  ) {
    this.#clock = components.clock;
    this.#timers = components.timers;
    this.#log = components.log;
    this.#proof = components.proof;
    this.#rankOf = components.rankOf ?? (() => 1);
    this.#onHost = components.onHost ?? ((line) => line.close());
    this.#settings = settings;
    this.#strangers = new Strangers(components);
    this.#transport = components.transport ?? tcpTransport;
  }

  /** Returns the port in use. Rejects with `busy` when it is taken. */
  async listen(): Promise<number> {
    const listener = await this.#transport.listen(
      this.#settings,
      (socket) => {
        this.#keep(socket);
        this.#strangers.add(socket);
        this.#greet(socket, null);
      },
      ({ message }) => this.#log.warn('A node that called was not let in.', { cause: message }),
    );
    this.#listener = listener;
    this.#tickedMs = this.#clock.monotonicMs();
    this.#armTick();
    return listener.port;
  }

  /** Replaces the list of peers; links to those that are gone are closed, to moved ones redialled. */
  setPeers(peers: readonly PeerAddress[]): void {
    const before = this.#peers;
    this.#peers = new Map(peers.map((peer) => [peer.id, peer]));
    for (const [id, link] of this.#links) if (!this.#peers.has(id)) link.socket.destroy();
    for (const peer of peers) {
      const old = before.get(peer.id);
      const link = this.#links.get(peer.id);
      const isMoved = old !== undefined && (old.port !== peer.port || old.host !== peer.host);
      // It may have called from where it is now before others told of that.
      if (isMoved && (old.port !== peer.port || !isAt(link, peer.host))) link?.socket.destroy();
      if (this.#settings.selfId < peer.id && !this.#links.has(peer.id)) {
        // News of a peer is a good moment to try it, whatever the present wait is.
        this.#dialling.get(peer.id)?.timer?.cancel();
        this.#dialling.delete(peer.id);
        this.#dialSoon(peer.id, 0);
      }
    }
  }

  /**
   * This node shows another key from now on: each link is made anew beside the one of before, by the side that calls, and takes its
   * place. Nothing that is on its way is lost by it, and its order stays.
   */
  moveLinks(): void {
    this.#keyTurn++;
    for (const peer of this.#links.keys()) this.#dialBeside(peer);
  }

  /** What is let in has changed: links that are not any more are made anew, and end at once after a moment. */
  lookAtLinks(): void {
    for (const [peer, link] of this.#links) {
      if (link.isEnding || this.#rankOf(link.socket, peer) > 0) continue;
      link.isEnding = true;
      this.#dialBeside(peer);
      this.#timers.after(moveWithinMs, () => link.socket.destroy());
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
    if (this.#closed || link === undefined || !link.up || frame.length > frameBytesMax) return false;
    return link.send(frame, this.#clock.monotonicMs());
  }

  /** Every peer is down from the call on, and told to be. What was taken still leaves, if the peer reads it. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#tick?.cancel();
    this.#strangers.close();
    for (const { timer } of this.#dialling.values()) timer?.cancel();
    const links = [...this.#links.values()];
    this.#links.clear();
    for (const link of links) {
      link.flush();
      this.#changed(link, false);
    }
    const sockets = [...this.#sockets];
    const ended = sockets.map((socket) => new Promise((resolve) => socket.once('close', resolve)));
    for (const socket of sockets) {
      if (socket.connecting) socket.destroy();
      else socket.destroySoon();
    }
    const patience = this.#timers.after(closeWithinMs, () => {
      for (const socket of sockets) socket.destroy();
    });
    await Promise.all([...ended, this.#listener?.close()]);
    patience.cancel();
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
    const socket = this.#transport.dial(peer, (ready) => this.#greet(ready, peer));
    this.#keep(socket);
    // Covers a refused dial, a refused greeting and a link lost later: in each case it is dialled again.
    socket.once('close', () => {
      if (this.#peers.has(id) && !this.#links.has(id)) this.#dialSoon(id, attempt + 1);
    });
  }

  #dialBeside(id: number): void {
    const peer = this.#peers.get(id);
    if (this.#closed || peer === undefined || this.#settings.selfId > id) return;
    this.#keep(this.#transport.dial(peer, (ready) => this.#greet(ready, peer)));
  }

  /** From its first moment until it is closed. */
  #keep(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('error', () => {});
    socket.once('close', () => this.#sockets.delete(socket));
  }

  /** `dialled` is the peer that was called; null when the call came from outside. */
  #greet(socket: Socket, dialled: PeerAddress | null): void {
    const { selfId, clusterId } = this.#settings;
    const greeting = new PeerGreeting(this.#proof, {
      selfId,
      clusterId,
      port: dialled?.port ?? socket.localPort ?? 0,
      dialled: dialled?.id ?? null,
      isPeer: (nodeId) => this.#peers.has(nodeId),
    });
    // Whoever reaches the port may send this much a frame, and no more before it is known to be a peer.
    const reader = new FrameReader(greetingBytesMax);
    let link: PeerLink | null = null;
    let line: HostLine | null = null;
    const patience = this.#timers.after(greetWithinMs, () => socket.destroy());
    socket.once('close', () => patience.cancel());
    const known = (peer: Caller, reply: Buffer | null) => {
      patience.cancel();
      this.#strangers.remove(socket);
      reader.bytesMax = peer === 'host' ? hostFrameBytesMax : frameBytesMax;
      if (reply !== null) socket.write(reply);
      if (peer === 'host') {
        line = new HostLine(socket);
        this.#onHost(line);
      } else link = this.#link(socket, peer);
    };
    const broken = (error: unknown) => {
      const { message } = toCoterieError(error, 'bad-input');
      if (link === null) this.#strangers.refused(dialled?.name ?? null, message);
      else {
        const facts = { peer: link.peer.toString(16), cause: message };
        this.#log.warn('A link between nodes is closed because of what came over it.', facts);
      }
      socket.destroy();
    };
    /** Frames that came before all of those that went over the link of before. */
    let early: Buffer[] | null = null;
    const onFrame = (frame: Buffer) => {
      if (link !== null) {
        if (early === null) this.#received(link, frame);
        else early.push(frame);
        return;
      }
      if (line !== null) {
        line.received(frame);
        return;
      }
      const { reply, peer } = greeting.take(frame);
      if (peer === null) {
        if (reply !== null) socket.write(reply);
        return;
      }
      if (this.#rankOf(socket, peer) === 0) {
        this.#strangers.refused(dialled?.name ?? null, 'its certificate is of another computer');
        socket.destroy();
        return;
      }
      const old = peer === 'host' ? undefined : this.#links.get(peer);
      if (old === undefined) known(peer, reply);
      else if (this.#isMove(old, socket)) {
        early = [];
        known(peer, reply);
        this.#endMoved(old, { isCaller: dialled !== null }, () => {
          try {
            for (const kept of early ?? []) if (!socket.destroyed) this.#received(link!, kept);
          } catch (error) {
            broken(error);
          }
          early = null;
          socket.resume();
        });
        socket.pause();
      } else this.#insteadOf(old, socket, () => known(peer, reply));
    };
    socket.on('data', (chunk: Buffer) => {
      if (this.#closed) return;
      if (link !== null) {
        if (this.#clock.monotonicMs() - this.#tickedMs >= givenUpAfterMs) {
          socket.destroy();
          return;
        }
        this.#heard(link);
      }
      try {
        reader.push(chunk, onFrame);
      } catch (error) {
        broken(error);
      }
    });
    const first = greeting.begin();
    if (first !== null) socket.write(first);
  }

  /**
   * A peer that was killed and came back may call before its old socket is known to be dead; so may a second process that
   * holds the same identity. The old link is asked: when it answers, it stays, and the newcomer goes.
   */
  #insteadOf(old: PeerLink, socket: Socket, admit: () => void): void {
    const replace = () => {
      if (this.#closed || socket.destroyed) return;
      if (this.#links.get(old.peer) === old) {
        this.#links.delete(old.peer);
        this.#changed(old, false);
        old.socket.destroy();
      }
      admit();
    };
    if (!old.up) {
      replace();
      return;
    }
    const askedMs = this.#clock.monotonicMs();
    old.send(encodeEmpty(frameType.ping, 0), askedMs);
    const wait = this.#timers.after(answerWithinMs, () => {
      if (this.#links.get(old.peer) === old && old.heardMs > askedMs) socket.destroy();
      else replace();
    });
    socket.once('close', () => wait.cancel());
  }

  /** The same peer under its next key, or this node under its own: not somebody beside it. */
  #isMove(old: PeerLink, socket: Socket): boolean {
    const rank = this.#rankOf(socket, old.peer);
    return old.up && (rank > this.#rankOf(old.socket, old.peer) || old.keyTurn < this.#keyTurn);
  }

  /**
   * Another link stands in its place. The caller knows last that it does, and ends this one; what the other side had sent over it still
   * comes, and `done` is called once it has.
   */
  #endMoved(old: PeerLink, { isCaller }: { isCaller: boolean }, done: () => void): void {
    const patience = this.#timers.after(moveWithinMs, () => old.socket.destroy());
    old.socket.once('close', () => {
      patience.cancel();
      done();
    });
    old.flush();
    if (isCaller) old.socket.end();
  }

  #link(socket: Socket, peer: number): PeerLink {
    const link = new PeerLink({ socket, timers: this.#timers }, peer, this.#clock.monotonicMs());
    link.keyTurn = this.#keyTurn;
    const wasUp = this.isUp(peer);
    this.#links.set(peer, link);
    socket.once('close', () => {
      if (this.#links.get(peer) !== link) return;
      this.#links.delete(peer);
      this.#changed(link, false);
      if (this.#settings.selfId < peer && this.#peers.has(peer)) this.#dialSoon(peer, 1);
    });
    if (!wasUp) this.#notify(peer, true);
    return link;
  }

  #heard(link: PeerLink): void {
    link.heardMs = this.#clock.monotonicMs();
    this.#changed(link, true);
  }

  #received(link: PeerLink, frame: Buffer): void {
    const type = typeOf(frame);
    if (type === frameType.ping) link.send(encodeEmpty(frameType.pong, 0), link.heardMs);
    else if (type !== frameType.pong) this.#frameHandler(link.peer, frame);
  }

  #changed(link: PeerLink, up: boolean): void {
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
    const stillMs = now - this.#tickedMs;
    const stoodStill = stillMs > tickMs * 3;
    this.#tickedMs = now;
    for (const link of this.#links.values()) {
      if (stillMs >= givenUpAfterMs) link.socket.destroy();
      if (stoodStill) link.heardMs = Math.max(link.heardMs, now - pingAfterMs);
      const silentMs = now - link.heardMs;
      if (Math.max(silentMs, now - link.sentMs) >= pingAfterMs) {
        link.send(encodeEmpty(frameType.ping, 0), now);
      }
      if (silentMs >= silentAfterMs) this.#changed(link, false);
      if (silentMs >= (this.#settings.abandonAfterMs ?? abandonAfterMsDefault)) link.socket.destroy();
    }
  }
}

/** `host`: an IPv4 address, which a socket for both kinds of addresses writes as one of IPv6. */
function isAt(link: PeerLink | undefined, host: string): boolean {
  return link?.up === true && link.socket.remoteAddress?.replace(/^::ffff:/, '') === host;
}
