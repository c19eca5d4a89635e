import { expect, it } from 'vitest';
import { Standstill } from '../../../core/gateway/resp/standstill.ts';
import { VirtualTime } from '../../support/virtual-time.ts';

/** Clocks that jump without a timer having run: a process that was stopped, or a computer that slept. */
function sleeper(): {
  standstill: Standstill;
  time: VirtualTime;
  sleep(ms: number, alsoMonotonic: boolean): void;
  awoke: () => number;
} {
  const time = new VirtualTime();
  let wallAheadMs = 0;
  let aheadMs = 0;
  let awoke = 0;
  const clock = {
    nowMs: () => time.nowMs() + wallAheadMs,
    monotonicMs: () => time.monotonicMs() + aheadMs,
  };
  const standstill = new Standstill({ clock, timers: time });
  standstill.onAwake = () => awoke++;
  const sleep = (ms: number, alsoMonotonic: boolean) => {
    wallAheadMs += ms;
    if (alsoMonotonic) aheadMs += ms;
  };
  return { standstill, time, sleep, awoke: () => awoke };
}

it.each([true, false])(
  'notices that it stood still, by either clock (%s), for a moment and once',
  async (alsoMonotonic) => {
    const { standstill, time, sleep, awoke } = sleeper();
    for (let second = 0; second < 5; second++) {
      await time.advance(1_000);
      standstill.beat();
    }
    standstill.look();
    expect(standstill.isWaking).toBe(false);
    sleep(5_000, alsoMonotonic);
    standstill.look();
    expect(standstill.isWaking).toBe(true);
    standstill.beat();
    await time.advance(1_000);
    expect([standstill.isWaking, awoke()]).toEqual([false, 1]);
    standstill.look();
    expect(standstill.isWaking).toBe(false);
  },
);

it('waits for its links to other nodes, and not for ever', async () => {
  const time = new VirtualTime();
  let aheadMs = 0;
  let reaches = false;
  const clock = { nowMs: () => time.nowMs() + aheadMs, monotonicMs: () => time.monotonicMs() + aheadMs };
  const standstill = new Standstill({ clock, timers: time, reachesOthers: () => reaches });
  standstill.beat();
  for (const comesBackAfterMs of [600, 60_000]) {
    reaches = false;
    aheadMs += 5_000;
    standstill.look();
    await time.advance(Math.min(500, comesBackAfterMs));
    expect(standstill.isWaking).toBe(true);
    if (comesBackAfterMs < 1_000) {
      reaches = true;
      await time.advance(200);
    } else await time.advance(1_500);
    expect(standstill.isWaking).toBe(false);
  }
});
