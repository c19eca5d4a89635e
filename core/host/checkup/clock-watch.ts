/**
 * Whether the wall clock jumps: against the steady clock, which nobody sets, from one look to the next. That one stands still while
 * the computer sleeps, so sleep looks like a clock that was set forward; what a time server corrects little by little is no jump.
 */
import type { ClockJump } from '../../contract/checkup-views.ts';
import type { Cancellable, Clock, Timers } from '../../ports/clock.ts';

const lookEveryMs = 5_000;
/** Between two looks a time server that slews, as is usual, moves the clock by some milliseconds. */
const jumpMinMs = 1_000;

export class ClockWatch {
  readonly #clock: Clock;
  readonly #timers: Timers;
  #offsetMs: number;
  #timer: Cancellable;
  #last: ClockJump | null = null;

  constructor({ clock, timers }: { clock: Clock; timers: Timers }) {
    this.#clock = clock;
    this.#timers = timers;
    this.#offsetMs = this.#offset();
    this.#timer = this.#later();
  }

  /** Null: there was none since the start. */
  get last(): ClockJump | null {
    this.#look();
    return this.#last;
  }

  close(): void {
    this.#timer.cancel();
  }

  #offset(): number {
    return this.#clock.nowMs() - this.#clock.monotonicMs();
  }

  #later(): Cancellable {
    return this.#timers.after(lookEveryMs, () => {
      this.#look();
      this.#timer = this.#later();
    });
  }

  #look(): void {
    const offsetMs = this.#offset();
    const byMs = Math.round(offsetMs - this.#offsetMs);
    this.#offsetMs = offsetMs;
    if (Math.abs(byMs) >= jumpMinMs) this.#last = { atMs: this.#clock.nowMs(), byMs };
  }
}
