/**
 * Hybrid logical clock (Kulkarni, Demirbas, Madappa, Avva, Leone, 2014): timestamps near wall time that never go back
 * and always exceed every timestamp seen. One number holds both parts: milliseconds since 2020-01-01 UTC times 4096,
 * plus a logical count; exact in 53 bits until 2089.
 */
const originMs = 1_577_836_800_000;
const ticksPerMs = 4096;

/**
 * A peer's timestamp further ahead than this is not adopted: one computer whose clock stands in 2050 must not drag the
 * others there. Its own writes still win by their timestamps until its clock is set right.
 */
export const clockLeadMaxMs = 60 * 60 * 1000;

export class HybridClock {
  #last = 0;

  /** A timestamp for a new event; greater than all before it. */
  tick(nowMs: number): number {
    const wall = (nowMs - originMs) * ticksPerMs;
    this.#last = wall > this.#last ? wall : this.#last + 1;
    return this.#last;
  }

  /** Takes note of a timestamp that came with a message. */
  observe(timestamp: number, nowMs: number): void {
    const limit = (nowMs - originMs + clockLeadMaxMs) * ticksPerMs;
    if (timestamp > this.#last && timestamp <= limit) this.#last = timestamp;
  }
}

/** Wall time of a timestamp, for people. */
export function wallTimeMs(timestamp: number): number {
  return Math.floor(timestamp / ticksPerMs) + originMs;
}
