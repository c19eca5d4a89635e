/**
 * Requests to other nodes: numbers them, matches answers, and makes sure that each ends, by answer, by link loss or by
 * deadline. One request may go to several peers under one number. Bounded by `pendingCountMax`.
 */
import { CoterieError } from '../base/errors.ts';
import type { Cancellable, Clock, Timers } from '../ports/clock.ts';
import type { Log } from '../ports/log.ts';
import { outwardError } from '../ports/outward-error.ts';
import type { PeerNetwork } from '../ports/peer-network.ts';
import { parseStatus, status } from '../wire/peer/frames.ts';

export interface ReplyHandler {
  /** What it throws is logged, and counts as no answer: `onFailure` follows. */
  onReply(from: number, frame: Buffer): void;
  /** The peer will not answer: it is down, its queue is full, or the deadline has passed. */
  onFailure(from: number): void;
  /** Some peers have not answered for `slowMs`: time to ask another. At most once per request. */
  onSlow(): void;
}

export interface RequestSettings {
  /** For a frame of no size: one of many bytes has the time that they take at `slowestBytesPerMs` on top. */
  readonly deadlineMs: number;
  /** A replica slower than this is not waited for alone (speculative retry). */
  readonly slowMs: number;
  readonly pendingCountMax: number;
}

/** One request to one peer whose answer is a status: whether it was taken. Never rejects. */
export function askStatus(
  requests: Requests,
  peer: number,
  encode: (requestId: number) => Buffer,
): Promise<boolean> {
  return new Promise((resolve) => {
    const handler: ReplyHandler = {
      onReply: (_, frame) => resolve(parseStatus(frame).code === status.ok),
      onFailure: () => resolve(false),
      onSlow() {},
    };
    try {
      requests.send([peer], handler, encode);
    } catch {
      resolve(false);
    }
  });
}

interface Pending {
  readonly handler: ReplyHandler;
  readonly waitingFor: number[];
  readonly startedMs: number;
  readonly deadlineMs: number;
  slow: boolean;
}

const tickMs = 10;
/** 8 MiB/s: a poor Wi-Fi, or a disk that several nodes write to at once. */
const slowestBytesPerMs = 8_192;

export class Requests {
  readonly #network: PeerNetwork;
  readonly #clock: Clock;
  readonly #timers: Timers;
  readonly #log: Log;
  readonly #settings: RequestSettings;
  // Insertion order is age order, which the sweep relies on.
  readonly #pending = new Map<number, Pending>();
  #lastId = 0;
  #sweep: Cancellable | null = null;
  #closed = false;

  constructor(
    components: { network: PeerNetwork; clock: Clock; timers: Timers; log: Log },
    settings: RequestSettings,
  ) {
    this.#network = components.network;
    this.#clock = components.clock;
    this.#timers = components.timers;
    this.#log = components.log;
    this.#settings = settings;
    this.#network.onChange((peer, up) => {
      if (!up) this.#failAll(peer);
    });
  }

  get pendingCount(): number {
    return this.#pending.size;
  }

  /**
   * Sends one frame to some peers. `encode` gets the number that the answers will carry. Peers that cannot be sent to fail
   * before this returns, but only after the others were sent to: a handler that reacts by asking somebody else starts from
   * the whole picture. Throws `busy` at the bound, and what `encode` throws; then nothing was sent, and the handler hears nothing.
   */
  send(peers: readonly number[], handler: ReplyHandler, encode: (requestId: number) => Buffer): void {
    if (peers.length === 0) return;
    if (this.#pending.size >= this.#settings.pendingCountMax) {
      throw new CoterieError(
        'busy',
        'This node has too many requests to others in flight. Try again in a moment.',
      );
    }
    // 0 is never given out: it stands for "no answer wanted".
    this.#lastId = (this.#lastId % 0xffff_ffff) + 1;
    const requestId = this.#lastId;
    const frame = encode(requestId);
    const startedMs = this.#clock.monotonicMs();
    const pending: Pending = {
      handler,
      waitingFor: [...peers],
      startedMs,
      deadlineMs: startedMs + this.#settings.deadlineMs + Math.floor(frame.length / slowestBytesPerMs),
      slow: false,
    };
    this.#pending.set(requestId, pending);
    if (this.#sweep === null && !this.#closed) this.#armSweep();
    let unsent: number[] | null = null;
    for (const peer of peers) {
      // Once closed nobody sweeps: what is sent now would never end.
      if (!this.#closed && this.#network.send(peer, frame)) continue;
      unsent ??= [];
      unsent.push(peer);
    }
    if (unsent !== null) for (const peer of unsent) this.#fail(requestId, pending, peer);
  }

  /** An answer to a number that nobody waits for is late or repeated: ignored. */
  onReply(requestId: number, from: number, frame: Buffer): void {
    const pending = this.#pending.get(requestId);
    if (pending === undefined) return;
    const index = pending.waitingFor.indexOf(from);
    if (index < 0) return;
    pending.waitingFor.splice(index, 1);
    if (pending.waitingFor.length === 0) this.#pending.delete(requestId);
    try {
      pending.handler.onReply(from, frame);
    } catch (cause) {
      const error = outwardError(cause, this.#log, 'an answer from another node');
      if (error.code !== 'internal') {
        this.#log.warn('An answer from another node was not understood and counts as none.', {
          from: from.toString(16),
          cause: error.message,
        });
      }
      this.#guarded(() => pending.handler.onFailure(from));
    }
  }

  /** One request's handler must not keep the others from their end. */
  #guarded(work: () => void): void {
    try {
      work();
    } catch (cause) {
      const { stack, message } = cause instanceof Error ? cause : new Error(String(cause));
      this.#log.error('A mistake of Coterie’s own.', {
        during: 'the end of a request to another node',
        stack: stack ?? message,
      });
    }
  }

  /** Closing fails everything that waits. */
  close(): void {
    this.#closed = true;
    this.#sweep?.cancel();
    for (const [requestId, pending] of [...this.#pending]) {
      for (const peer of [...pending.waitingFor]) this.#fail(requestId, pending, peer);
    }
  }

  #fail(requestId: number, pending: Pending, peer: number): void {
    const index = pending.waitingFor.indexOf(peer);
    if (index < 0) return;
    pending.waitingFor.splice(index, 1);
    if (pending.waitingFor.length === 0) this.#pending.delete(requestId);
    this.#guarded(() => pending.handler.onFailure(peer));
  }

  #failAll(peer: number): void {
    for (const [requestId, pending] of [...this.#pending]) this.#fail(requestId, pending, peer);
  }

  #armSweep(): void {
    this.#sweep = this.#timers.after(tickMs, () => {
      this.#sweep = null;
      this.#sweepOnce();
      if (this.#pending.size > 0 && !this.#closed) this.#armSweep();
    });
  }

  #sweepOnce(): void {
    const now = this.#clock.monotonicMs();
    const expired: [number, Pending][] = [];
    const slow: Pending[] = [];
    for (const entry of this.#pending) {
      const age = now - entry[1].startedMs;
      if (age < this.#settings.slowMs) break;
      if (now >= entry[1].deadlineMs) expired.push(entry);
      else if (!entry[1].slow) {
        entry[1].slow = true;
        slow.push(entry[1]);
      }
    }
    for (const [requestId, pending] of expired) {
      for (const peer of [...pending.waitingFor]) this.#fail(requestId, pending, peer);
    }
    for (const pending of slow) {
      if (pending.waitingFor.length > 0) this.#guarded(() => pending.handler.onSlow());
    }
  }
}
