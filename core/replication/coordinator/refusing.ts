/**
 * Peers that have refused a write because of their disk, remembered for a moment: somebody else coordinates meanwhile. They
 * are still sent every write as replicas, which is also how it is noticed that they take them again.
 */
import { type CoterieError, isWriteRefusal } from '../../base/errors.ts';
import type { Clock } from '../../ports/clock.ts';

/** Long enough to matter under load, short enough that a disk with room again is used again. */
const rememberedMs = 1_000;

export class Refusing {
  readonly #clock: Clock;
  readonly #untilMs = new Map<number, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  note(peer: number, error: CoterieError): void {
    if (isWriteRefusal(error)) this.#untilMs.set(peer, this.#clock.monotonicMs() + rememberedMs);
  }

  has(peer: number): boolean {
    const untilMs = this.#untilMs.get(peer);
    return untilMs !== undefined && this.#clock.monotonicMs() < untilMs;
  }
}
