import { describe, expect, it } from 'vitest';
import { Pace } from '../../../core/repair/pace.ts';
import { VirtualTime } from '../../support/virtual-time.ts';

/** Works for 10 ms at a time, and returns how many milliseconds of virtual time twenty steps took. */
async function twentySteps(time: VirtualTime, pace: Pace, onStep: () => void): Promise<number> {
  const startedMs = time.monotonicMs();
  const working = async () => {
    for (let step = 0; step < 20; step++) {
      await pace.sleep(10);
      onStep();
      await pace.step();
    }
  };
  await time.until(working());
  return time.monotonicMs() - startedMs;
}

describe('a transfer in the background', () => {
  it('leaves clients two thirds of the time while there are any, and rests no longer once they are gone', async () => {
    const time = new VirtualTime();
    let served = 0;
    const pace = new Pace(time, () => false, { clock: time, count: () => served, share: () => 1 / 3 });
    expect(await twentySteps(time, pace, () => served++)).toBe(600);
    expect(await twentySteps(time, pace, () => {})).toBe(200);
  });

  it('gives way to nobody where it may take all the time', async () => {
    const time = new VirtualTime();
    let served = 0;
    const pace = new Pace(time, () => false, { clock: time, count: () => served, share: () => 1 });
    expect(await twentySteps(time, pace, () => served++)).toBe(200);
    expect(pace.givesWay).toBe(false);
  });

  it('that somebody asked for goes as fast as it can', async () => {
    const time = new VirtualTime();
    expect(await twentySteps(time, new Pace(time, () => false), () => {})).toBe(200);
  });

  it('ends a step in any case, however long clients keep the node busy', async () => {
    const time = new VirtualTime();
    expect(await twentySteps(time, new Pace(time, () => true), () => {})).toBe(20 * 510);
  });
});
