/**
 * How well this node itself keeps up, from 0 (well) to a maximum (Lifeguard IV-A, local health multiplier). A node that
 * misses answers it should have had first doubts itself: it probes more slowly and waits longer, instead of accusing.
 */
export class LocalHealth {
  readonly #max: number;
  #score = 0;

  /** A maximum of 0 switches it off. */
  constructor(max: number) {
    this.#max = max;
  }

  get score(): number {
    return this.#score;
  }

  change(delta: number): void {
    this.#score = Math.min(this.#max, Math.max(0, this.#score + delta));
  }

  scale(durationMs: number): number {
    return durationMs * (1 + this.#score);
  }
}
