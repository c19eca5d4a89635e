/** Clock and Timers of the operating system. */
import type { Clock, Timers } from '../ports/clock.ts';

export const systemClock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
};

export const systemTimers: Timers = {
  after(delayMs, action) {
    const timer = setTimeout(action, delayMs);
    return { cancel: () => clearTimeout(timer) };
  },
  atTurnEnd(action) {
    setImmediate(action);
  },
};
