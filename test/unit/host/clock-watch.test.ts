import { describe, expect, it } from 'vitest';
import { ClockWatch } from '../../../core/host/checkup/clock-watch.ts';
import { VirtualTime } from '../../support/virtual-time.ts';

describe('the watch over the clock', () => {
  it('sees a clock that is set, forward or back, and remembers the last time', async () => {
    const time = new VirtualTime();
    const watch = new ClockWatch({ clock: time, timers: time });
    await time.advance(60_000);
    expect(watch.last).toBeNull();
    time.wallSkewMs += 30_000;
    await time.advance(10_000);
    expect(watch.last).toMatchObject({ byMs: 30_000 });
    time.wallSkewMs -= 90_000;
    expect(watch.last).toEqual({ atMs: time.nowMs(), byMs: -90_000 });
    await time.advance(60_000);
    expect(watch.last).toMatchObject({ byMs: -90_000 });
    watch.close();
  });

  it('makes nothing of a clock that is corrected little by little', async () => {
    const time = new VirtualTime();
    const watch = new ClockWatch({ clock: time, timers: time });
    for (let turn = 0; turn < 1_000; turn++) {
      time.wallSkewMs += 3;
      await time.advance(5_000);
    }
    expect(watch.last).toBeNull();
    watch.close();
  });

  it('leaves nothing planned behind', async () => {
    const time = new VirtualTime();
    const watch = new ClockWatch({ clock: time, timers: time });
    await time.advance(12_000);
    watch.close();
    await time.advance(12_000);
    expect(time.pendingCount).toBe(0);
  });
});
