/** Counts the writes that go by each view of the layouts: a node acknowledges a layout when none goes by an older one any more. */
import type { Topology } from '../topology.ts';

export class WritesUnderWay {
  readonly #counts = new Map<Topology, number>();
  readonly #onDrained: () => void;

  /** `onDrained`: no write goes by this view any more, and another has begun since. */
  constructor(onDrained: () => void) {
    this.#onDrained = onDrained;
  }

  begin(topology: Topology): void {
    this.#counts.set(topology, (this.#counts.get(topology) ?? 0) + 1);
  }

  end(topology: Topology): void {
    const left = (this.#counts.get(topology) ?? 1) - 1;
    if (left > 0) {
      this.#counts.set(topology, left);
      return;
    }
    this.#counts.delete(topology);
    this.#onDrained();
  }

  isOnly(topology: Topology): boolean {
    return this.#counts.size === 0 || (this.#counts.size === 1 && this.#counts.has(topology));
  }
}
