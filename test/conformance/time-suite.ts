/** What every pair of Clock and Timers does, as tests that run on each implementation. None says how late a timer may be. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Cancellable, Clock, Timers } from '../../core/ports/clock.ts';

export interface TimeUnderTest {
  readonly clock: Clock;
  readonly timers: Timers;
  /** Lets time pass until this holds. */
  until(condition: () => boolean): Promise<void>;
}

let subject: TimeUnderTest;
const started: Cancellable[] = [];

function plan(delayMs: number, action: () => void): Cancellable {
  const timer = subject.timers.after(delayMs, action);
  started.push(timer);
  return timer;
}

async function pass(durationMs: number): Promise<void> {
  let isOver = false;
  plan(durationMs, () => {
    isOver = true;
  });
  await subject.until(() => isOver);
}

export function describeTime(name: string, open: () => TimeUnderTest): void {
  describe(`clock and timers ${name}`, () => {
    beforeEach(() => {
      subject = open();
    });
    afterEach(() => {
      for (const timer of started.splice(0)) timer.cancel();
    });

    it('tell whole milliseconds since 1970, and a monotonic time that never goes back', async () => {
      const { clock } = subject;
      let last = clock.monotonicMs();
      for (let step = 0; step < 1_000; step++) {
        if (step % 100 === 0) await pass(1);
        const now = clock.monotonicMs();
        expect(now).toBeGreaterThanOrEqual(last);
        last = now;
      }
      expect(Number.isInteger(clock.nowMs())).toBe(true);
      expect(clock.nowMs()).toBeGreaterThan(Date.UTC(2024));
    });

    it('run an action once, never before its delay has passed, whatever the moment and the fraction', async () => {
      const { clock } = subject;
      const tooEarly: number[] = [];
      let planned = 0;
      let ran = 0;
      const measure = (delayMs: number) => {
        const startMs = clock.monotonicMs();
        planned++;
        plan(delayMs, () => {
          ran++;
          const leftMs = startMs + delayMs - clock.monotonicMs();
          if (leftMs > 0) tooEarly.push(leftMs);
        });
      };
      for (let round = 0; round < 150; round++) {
        for (const delayMs of [0, 0.4, 1, 1.9, 2.5, 7, 12.999]) measure(delayMs);
        // So that timers are planned at any fraction of a millisecond.
        for (let spin = 0; spin < (round * 7_919) % 30_000; spin++) Math.sqrt(spin);
        if (round % 10 === 0) await pass(1);
      }
      await subject.until(() => ran === planned);
      await pass(20);
      expect({ ran, tooEarly }).toEqual({ ran: planned, tooEarly: [] });
    });

    it('run nothing while it is planned, and a delay below nothing as none', async () => {
      let isPlanning = true;
      const ran: number[] = [];
      for (const delayMs of [0, -5, Number.NEGATIVE_INFINITY]) {
        plan(delayMs, () => {
          expect(isPlanning).toBe(false);
          ran.push(delayMs);
        });
      }
      subject.timers.atTurnEnd(() => expect(isPlanning).toBe(false));
      isPlanning = false;
      await subject.until(() => ran.length === 3);
    });

    it('run actions of one delay in the order in which they were planned', async () => {
      const ran: number[] = [];
      for (let number = 0; number < 50; number++) plan(5, () => ran.push(number));
      await subject.until(() => ran.length === 50);
      expect(ran).toEqual(Array.from({ length: 50 }, (_, index) => index));
    });

    it('keep a wait of many weeks, or without an end, waiting', async () => {
      let ran = 0;
      for (const delayMs of [2 ** 31 - 1, 2 ** 31, 60 * 86_400_000, Number.POSITIVE_INFINITY]) {
        plan(delayMs, () => ran++);
      }
      await pass(30);
      expect(ran).toBe(0);
    });

    it('run nothing that was cancelled, be it by an action of the same moment', async () => {
      const ran: string[] = [];
      const early = plan(3, () => ran.push('cancelled at once'));
      early.cancel();
      early.cancel();
      plan(3, () => {
        ran.push('cancels the next');
        next.cancel();
      });
      const next = plan(3, () => ran.push('cancelled by the one before'));
      const long = plan(2 ** 33, () => ran.push('cancelled long before'));
      long.cancel();
      await pass(10);
      expect(ran).toEqual(['cancels the next']);
    });

    it('take a cancelling that comes too late in silence, from the action itself too', async () => {
      let ran = 0;
      const timer = plan(1, () => {
        ran++;
        timer.cancel();
      });
      await subject.until(() => ran > 0);
      timer.cancel();
      await pass(3);
      expect(ran).toBe(1);
    });

    it('run what is for the end of the turn in order, after the turn and its promise reactions', async () => {
      const { timers } = subject;
      const ran: string[] = [];
      timers.atTurnEnd(() => {
        ran.push('first');
        timers.atTurnEnd(() => ran.push('asked for at the end of the turn'));
        void Promise.resolve().then(() => ran.push('reaction of first'));
      });
      timers.atTurnEnd(() => ran.push('second'));
      void Promise.resolve().then(() => ran.push('reaction of the turn'));
      ran.push('turn');
      await subject.until(() => ran.length === 6);
      expect(ran).toEqual([
        'turn',
        'reaction of the turn',
        'first',
        'reaction of first',
        'second',
        'asked for at the end of the turn',
      ]);
    });
  });
}
