/**
 * Whether a node may say that it has heard of a layout: from then on others send their writes to it, and reckon with its answers
 * to their own. So it first has a link to every other node that counts. Some may be down, so it waits this long at most; links
 * are made within a second.
 */
import type { Timers } from '../ports/clock.ts';

const linksWaitMs = 2_000;

export class LinkWait {
  readonly #timers: Timers;
  readonly #onOver: () => void;
  /** The layout waited for; 0: none yet. */
  #layout = 0;
  #isOver = false;

  constructor(timers: Timers, onOver: () => void) {
    this.#timers = timers;
    this.#onOver = onOver;
  }

  /** Begins to wait when first asked about a layout; `onOver` is called once the wait is over. */
  isOver(layout: number): boolean {
    if (this.#layout !== layout) {
      this.#layout = layout;
      this.#isOver = false;
      this.#timers.after(linksWaitMs, () => {
        if (this.#layout !== layout) return;
        this.#isOver = true;
        this.#onOver();
      });
    }
    return this.#isOver;
  }
}
