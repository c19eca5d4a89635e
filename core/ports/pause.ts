import type { Timers } from './clock.ts';

/** Resolves after so long. */
export function pause(timers: Pick<Timers, 'after'>, durationMs: number): Promise<void> {
  return new Promise((resolve) => {
    timers.after(durationMs, resolve);
  });
}

/** Resolves at the end of the present turn: what is waiting comes in between. */
export function turnEnd(timers: Pick<Timers, 'atTurnEnd'>): Promise<void> {
  return new Promise((resolve) => timers.atTurnEnd(resolve));
}
