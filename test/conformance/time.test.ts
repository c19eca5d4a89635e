import { systemClock, systemTimers } from '../../core/platform/system-clock.ts';
import { VirtualTime } from '../support/virtual-time.ts';
import { describeTime, type TimeUnderTest } from './time-suite.ts';

describeTime('of the operating system', () => ({
  clock: systemClock,
  timers: systemTimers,
  until: async (condition) => {
    while (!condition()) await new Promise((resolve) => setTimeout(resolve, 1));
  },
}));

function virtual(): TimeUnderTest {
  const time = new VirtualTime();
  return {
    clock: time,
    timers: time,
    until: async (condition) => {
      // The present turn ends first.
      await time.advance(0);
      while (!condition()) {
        if (!(await time.step())) throw new Error('Nothing is planned, yet something is awaited.');
      }
    },
  };
}

describeTime('in virtual time', virtual);
