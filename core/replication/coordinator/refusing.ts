/**
 * Peers that have refused a write because of their disk or their links, or everything because they are starting, remembered for a moment:
 * somebody else coordinates meanwhile. They are still sent every write as replicas, which is also how it is noticed that they take them again.
 */
import { type CoterieError, isWriteRefusal } from '../../base/errors.ts';
import type { Clock } from '../../ports/clock.ts';

/** Long enough to matter under load, short enough that a disk with room again is used again. */
const rememberedMs = 1_000;
/** Links come one soon after the other, and from then on read-modify-writes should meet there again. */
const unlinkedMs = 100;

export class Refusing {
  readonly #clock: Clock;
  readonly #untilMs = new Map<number, number>();
  readonly #startingUntilMs = new Map<number, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  note(peer: number, error: CoterieError): void {
    const now = this.#clock.monotonicMs();
    if (isWriteRefusal(error)) this.#untilMs.set(peer, now + rememberedMs);
    else if (error.code === 'not-ready') this.#startingUntilMs.set(peer, now + rememberedMs);
    else if (error.code === 'quorum-not-met') {
      this.#untilMs.set(peer, Math.max(this.#untilMs.get(peer) ?? 0, now + unlinkedMs));
    }
  }

  has(peer: number): boolean {
    return this.#isBefore(this.#untilMs.get(peer)) || this.isStarting(peer);
  }

  /** It has links and serves nothing yet, reads no more than writes. */
  isStarting(peer: number): boolean {
    return this.#isBefore(this.#startingUntilMs.get(peer));
  }

  #isBefore(untilMs: number | undefined): boolean {
    return untilMs !== undefined && this.#clock.monotonicMs() < untilMs;
  }
}
