/**
 * How many beacons are looked at, by source address and in all: checking a signature costs a tenth of a millisecond, and
 * anybody on the network can send thousands a second, from addresses that are not theirs.
 */

const windowMs = 10_000;
/** A burst of several computers behind one address. Larger: more work for nothing; smaller: their lists fill late. */
const perSourceMax = 20;
/** Of all addresses that nobody listed is at; those of listed computers are apart, so that a flood does not silence them. */
const ofStrangersMax = 400;
const sourceCountMax = 512;

interface Window {
  readonly startMs: number;
  count: number;
}

export class SourceRates {
  /** In the order of their beginning. */
  readonly #windows = new Map<string, Window>();
  #strangers: Window = { startMs: 0, count: 0 };

  admits(address: string, isListed: boolean, nowMs: number): boolean {
    if (!isListed) {
      if (nowMs - this.#strangers.startMs >= windowMs) this.#strangers = { startMs: nowMs, count: 0 };
      if (this.#strangers.count >= ofStrangersMax) return false;
    }
    const window = this.#windowOf(address, nowMs);
    if (window.count >= perSourceMax) return false;
    window.count++;
    if (!isListed) this.#strangers.count++;
    return true;
  }

  #windowOf(address: string, nowMs: number): Window {
    const present = this.#windows.get(address);
    if (present !== undefined && nowMs - present.startMs < windowMs) return present;
    this.#windows.delete(address);
    if (this.#windows.size >= sourceCountMax) {
      const [oldest] = this.#windows.keys();
      this.#windows.delete(oldest);
    }
    const window = { startMs: nowMs, count: 0 };
    this.#windows.set(address, window);
    return window;
  }
}
