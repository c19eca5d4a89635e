/**
 * Which membership packets are new (core/membership/replay-window.ts), for all senders. A sender whose packets cannot be placed, because
 * this node or that one has just started, is asked a question that nobody can have recorded the answer to; what it said meanwhile
 * is not believed, and comes again, as all gossip does.
 */
import { type PacketStamp, ReplayWindow } from '../membership/replay-window.ts';
import type { Random } from '../ports/random.ts';
import type { ProbeMessage } from '../wire/membership/packet-codec.ts';

/** One sender is asked, and answered while its packets cannot be placed, no more often than this. */
const askEveryMs = 250;
/** A question without an answer is given up: another one is asked. */
const answerWithinMs = 10_000;
const numberMax = 2 ** 32 - 1;

interface Sender {
  window: ReplayWindow | null;
  asked: { readonly sequence: number; readonly sinceMs: number } | null;
  askedLastMs: number;
  answeredLastMs: number;
}

export class FreshPackets {
  readonly #random: Random;
  readonly #senders = new Map<number, Sender>();
  readonly #numbers = new Map<number, number>();
  #run: number;

  constructor(random: Random) {
    this.#random = random;
    this.#run = this.#draw();
  }

  /** Members alone are kept account of. */
  follow(ids: readonly number[]): void {
    const present = new Set(ids);
    for (const id of this.#senders.keys()) if (!present.has(id)) this.#senders.delete(id);
    for (const id of this.#numbers.keys()) if (!present.has(id)) this.#numbers.delete(id);
    for (const id of ids) {
      if (!this.#senders.has(id)) {
        const never = Number.NEGATIVE_INFINITY;
        this.#senders.set(id, { window: null, asked: null, askedLastMs: never, answeredLastMs: never });
      }
    }
  }

  /** For the next packet to `to`. */
  stampFor(to: number): PacketStamp {
    const number = (this.#numbers.get(to) ?? 0) + 1;
    if (number > numberMax) {
      this.#run = this.#draw();
      this.#numbers.clear();
      return this.stampFor(to);
    }
    this.#numbers.set(to, number);
    return { run: this.#run, number };
  }

  /** Whether what the packet says counts. Of somebody who is no member nothing counts that a window could protect. */
  isFresh(from: number, stamp: PacketStamp, probe: ProbeMessage | null): boolean {
    const sender = this.#senders.get(from);
    if (sender === undefined) return true;
    if (probe?.type === 'ack' && sender.asked !== null && probe.sequence === sender.asked.sequence) {
      sender.window = new ReplayWindow(stamp);
      sender.asked = null;
      return true;
    }
    return sender.window?.take(stamp) ?? false;
  }

  /** The sequence of the question to ask a sender whose packet is not fresh; null: it was asked a moment ago. */
  question(from: number, nowMs: number): number | null {
    const sender = this.#senders.get(from);
    if (sender === undefined || nowMs - sender.askedLastMs < askEveryMs) return null;
    if (sender.asked === null || nowMs - sender.asked.sinceMs > answerWithinMs) {
      sender.asked = { sequence: this.#draw(), sinceMs: nowMs };
    }
    sender.askedLastMs = nowMs;
    return sender.asked.sequence;
  }

  /** Whether a ping that is not fresh is answered: its sender may have just started, and must not take this node for gone. */
  mayAnswer(from: number, nowMs: number): boolean {
    const sender = this.#senders.get(from);
    if (sender === undefined || nowMs - sender.answeredLastMs < askEveryMs) return false;
    sender.answeredLastMs = nowMs;
    return true;
  }

  #draw(): number {
    return Buffer.from(this.#random.bytes(4)).readUInt32BE(0);
  }
}
