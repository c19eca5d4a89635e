/** Layouts that were released a moment ago: writes for them are taken a little longer, from nodes that do not know it yet. */
import type { LayoutHistory } from '../layout/history.ts';
import { type Layout, placedOf } from '../layout/layout.ts';
import type { Timers } from '../ports/clock.ts';

/** Far longer than it takes for a word to reach every node that can be reached. */
const lingerMs = 10_000;

export class Lingering {
  readonly #timers: Timers;
  #layouts: readonly Layout[] = [];

  constructor(timers: Timers) {
    this.#timers = timers;
  }

  get layouts(): readonly Layout[] {
    return this.#layouts;
  }

  /** Those of `before` that do not count in `after`. */
  add(before: LayoutHistory, after: LayoutHistory): void {
    const live = new Set(after.live.map(({ layout }) => placedOf(layout)));
    const gone = before.live.map(({ layout }) => layout).filter((layout) => !live.has(placedOf(layout)));
    if (gone.length === 0) return;
    this.#layouts = [...this.#layouts, ...gone];
    this.#timers.after(lingerMs, () => {
      this.#layouts = this.#layouts.filter((layout) => !gone.includes(layout));
    });
  }
}
