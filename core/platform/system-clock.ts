/** Clock and Timers of the operating system. */
import type { Clock, Timers } from '../ports/clock.ts';

export const systemClock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
};

/** The system's timers take a longer delay for none at all. */
const stepMaxMs = 2 ** 31 - 1;

/** The system's timers drop fractions, of the delay and of both moments, and so run up to almost two milliseconds early. */
const wholeDelayMs = (delayMs: number) => (delayMs > 0 ? Math.ceil(delayMs) + 1 : 0);

export const systemTimers: Timers = {
  after(delayMs, action) {
    let timer: NodeJS.Timeout;
    const wait = (leftMs: number): void => {
      timer =
        leftMs <= stepMaxMs
          ? setTimeout(action, leftMs)
          : setTimeout(() => wait(leftMs - stepMaxMs), stepMaxMs);
    };
    wait(wholeDelayMs(delayMs));
    return { cancel: () => clearTimeout(timer) };
  },
  atTurnEnd(action) {
    setImmediate(action);
  },
};
