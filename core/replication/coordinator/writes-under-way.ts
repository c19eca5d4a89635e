/** Counts the writes that go by each view of the layouts: a node acknowledges a layout when none goes by an older one any more. */
import type { Topology } from '../topology.ts';

export class WritesUnderWay {
  readonly #counts = new Map<Topology, number>();
  readonly #onDrained: () => void;
  /** Somebody was told that older writes are under way, and waits for their end. */
  #isAwaited = false;

  /** `onDrained`: the last write of a view has ended since `isOnly` was asked for and was not so. */
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
    if (this.#isAwaited) this.#onDrained();
  }

  /** Whether no write goes by another view than this. */
  isOnly(topology: Topology): boolean {
    const isOnly = this.#counts.size === 0 || (this.#counts.size === 1 && this.#counts.has(topology));
    this.#isAwaited = !isOnly;
    return isOnly;
  }
}
