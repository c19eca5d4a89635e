/** What changes often is told at a pace that a person can follow. */
import type { Timers } from '../ports/clock.ts';

/** `tell` runs some time after the first call, and not again before the same time has passed. */
export function atMostEvery(timers: Timers, everyMs: number, tell: () => void): () => void {
  let isPlanned = false;
  return () => {
    if (isPlanned) return;
    isPlanned = true;
    timers.after(everyMs, () => {
      isPlanned = false;
      tell();
    });
  };
}
