/** Waits until something is so that is looked at whenever it may have changed, and no longer than whoever waits will. */
import type { Timers } from '../ports/clock.ts';

export class Until {
  readonly #timers: Timers;
  readonly #waiting = new Set<() => void>();

  constructor(timers: Timers) {
    this.#timers = timers;
  }

  /** It may be so by now. */
  look(): void {
    for (const look of [...this.#waiting]) look();
  }

  /** Resolves once `isSo`, or after `withinMs`. */
  is(isSo: () => boolean, withinMs: number): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        this.#waiting.delete(look);
        timer.cancel();
        resolve();
      };
      const look = () => {
        if (isSo()) done();
      };
      const timer = this.#timers.after(withinMs, done);
      this.#waiting.add(look);
      look();
    });
  }
}
