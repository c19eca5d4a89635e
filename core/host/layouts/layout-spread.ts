/** Waits for nodes to say that they have a layout, so that whoever changed it can use it at once, at any of them. */
import type { Timers } from '../../ports/clock.ts';

export class LayoutSpread {
  readonly #timers: Timers;
  readonly #waiting = new Set<() => void>();

  constructor(timers: Timers) {
    this.#timers = timers;
  }

  /** Some node said which layout it has, or came or went. */
  moved(): void {
    for (const look of [...this.#waiting]) look();
  }

  /** Resolves once `isThere`, or after `withinMs`: a node that cannot take it now must not hold up whoever waits. */
  reached(isThere: () => boolean, withinMs: number): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        this.#waiting.delete(look);
        timer.cancel();
        resolve();
      };
      const look = () => {
        if (isThere()) done();
      };
      const timer = this.#timers.after(withinMs, done);
      this.#waiting.add(look);
      look();
    });
  }
}
