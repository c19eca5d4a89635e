import { describe, expect, it } from 'vitest';
import type { Timers } from '../../../core/ports/clock.ts';
import { BackgroundShare } from '../../../core/repair/background-share.ts';
import { Pace } from '../../../core/repair/pace.ts';
import { VirtualTime } from '../../support/virtual-time.ts';

/** Works for 10 ms at a time, with one pace or several side by side; how many milliseconds of virtual time twenty steps of each took. */
async function twentySteps(
  time: VirtualTime,
  paces: Pace | readonly Pace[],
  onStep: () => void,
): Promise<number> {
  const startedMs = time.monotonicMs();
  const working = async (pace: Pace) => {
    for (let step = 0; step < 20; step++) {
      await pace.sleep(10);
      onStep();
      await pace.step();
    }
  };
  await time.until(Promise.all([paces].flat().map(working)));
  return time.monotonicMs() - startedMs;
}

/** Served all the while, or no longer. */
class Clients {
  served = 0;
  areThere = true;

  readonly ask = (): void => {
    if (this.areThere) this.served++;
  };
}

function sharing(time: VirtualTime, clients: Clients, limit: number, timers: Timers = time): BackgroundShare {
  return new BackgroundShare({ clock: time, timers, served: () => clients.served, limit: () => limit });
}

/** Of a computer whose processors are short: whatever is planned comes later than it should. */
function lateBy(time: VirtualTime, lateMs: () => number): Timers {
  return {
    after: (delayMs, action) => time.after(delayMs + lateMs(), action),
    atTurnEnd: (action) => time.atTurnEnd(action),
  };
}

describe('a transfer in the background', () => {
  it('leaves clients two thirds of the time once it has gone on for a while, and rests no longer once they are gone', async () => {
    const time = new VirtualTime();
    const clients = new Clients();
    const pace = new Pace(time, () => false, sharing(time, clients, 1 / 3));
    await twentySteps(time, pace, clients.ask);
    expect(await twentySteps(time, pace, clients.ask)).toBe(600);
    clients.areThere = false;
    await twentySteps(time, pace, clients.ask);
    expect(await twentySteps(time, pace, clients.ask)).toBe(200);
  });

  it('begins with little, and again after it had nothing to do', async () => {
    const time = new VirtualTime();
    const clients = new Clients();
    const share = sharing(time, clients, 1 / 3);
    const newPace = () => new Pace(time, () => false, share);
    expect(await twentySteps(time, newPace(), clients.ask)).toBeGreaterThan(700);
    await time.until(newPace().sleep(10_000));
    expect(await twentySteps(time, newPace(), clients.ask)).toBeGreaterThan(700);
  });

  it('takes less where timers come late, and its share again once they do not', async () => {
    const time = new VirtualTime();
    const clients = new Clients();
    let lateMs = 0;
    const timers = lateBy(time, () => lateMs);
    const share = sharing(time, clients, 1 / 3, timers);
    const pace = new Pace(time, () => false, share);
    await twentySteps(time, pace, clients.ask);
    lateMs = 20;
    await twentySteps(time, pace, clients.ask);
    // Ten milliseconds of work have a tenth of a third.
    const late = await twentySteps(time, pace, clients.ask);
    expect(late).toBeGreaterThan(20 * 290);
    lateMs = 0;
    await twentySteps(time, pace, clients.ask);
    expect(await twentySteps(time, pace, clients.ask)).toBe(600);
  });

  it('is one share for all that goes on at a time', async () => {
    const time = new VirtualTime();
    const clients = new Clients();
    const share = sharing(time, clients, 1 / 3);
    const paces = [0, 1, 2].map(() => new Pace(time, () => false, share));
    await twentySteps(time, paces, clients.ask);
    // Sixty pieces of work of 10 ms, a third of the time: less only by what they worked side by side.
    expect(await twentySteps(time, paces, clients.ask)).toBeGreaterThan(60 * 20);
  });

  it('gives way to nobody where it may take all the time', async () => {
    const time = new VirtualTime();
    const clients = new Clients();
    const pace = new Pace(time, () => false, sharing(time, clients, 1));
    expect(await twentySteps(time, pace, clients.ask)).toBe(200);
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
