/** The budget of memory for clients: who may grow, who gives way, and that nobody waits for ever. */
import { describe, expect, test } from 'vitest';
import { LargeWork } from '../../../core/gateway/resp/large-work.ts';
import {
  MemoryBudget,
  type MemoryHolder,
  type MemoryShare,
  smallShareBytes,
} from '../../../core/gateway/resp/memory-budget.ts';
import { VirtualTime } from '../../support/virtual-time.ts';

const mib = 1_048_576;

class Client implements MemoryHolder {
  readonly share: MemoryShare;
  gaveWay: string | null = null;
  goneOn = 0;

  constructor(budget: MemoryBudget) {
    this.share = budget.open(this);
  }

  giveWay(reason: string): void {
    this.gaveWay = reason;
    this.share.close();
  }

  goOn(): void {
    this.goneOn += 1;
  }
}

const start = (bytesMax = 100 * mib) => {
  const time = new VirtualTime();
  const budget = new MemoryBudget(time, { bytesMax, pressureTimeMsMax: 10_000 });
  return { time, budget, join: () => new Client(budget) };
};

describe('the budget', () => {
  test('is the sum of all shares, and of what leaves after its holder', () => {
    const { budget, join } = start();
    const [a, b] = [join(), join()];
    a.share.set(30 * mib, 0);
    b.share.set(10 * mib, 0);
    b.share.add(5 * mib);
    expect(budget.totalBytes).toBe(45 * mib);
    a.share.close(20 * mib);
    a.share.close(20 * mib);
    expect(budget.totalBytes).toBe(35 * mib);
    a.share.add(-20 * mib);
    b.share.set(0, 0);
    expect(budget.totalBytes).toBe(0);
    expect(budget.peakBytes).toBe(45 * mib);
  });

  test('holds nobody up while there is room, and small ones never', () => {
    const { join } = start();
    const [large, small] = [join(), join()];
    large.share.set(70 * mib, 0);
    expect(large.share.mayGrow()).toBe(true);
    large.share.set(76 * mib, 0);
    small.share.set(smallShareBytes, 0);
    expect([large.share.mayGrow(), small.share.mayGrow()]).toEqual([false, true]);
  });

  test('lets one of those that wait for each other go on: the one with the most unfinished input, then the next', () => {
    const { join } = start();
    const clients = [join(), join(), join()];
    clients.forEach(({ share }, index) => {
      share.set((25 + index) * mib, (25 + index) * mib);
    });
    expect(clients.map(({ share }) => share.mayGrow())).toEqual([false, false, true]);
    // Its command is whole, and runs: the next one's turn.
    clients[2].share.set(27 * mib, 0);
    expect(clients[1].goneOn).toBe(1);
    expect(clients.map(({ share }) => share.mayGrow())).toEqual([false, true, false]);
    // It is done: there is room for all.
    clients[2].share.set(0, 0);
    expect(clients.map(({ share }) => share.mayGrow())).toEqual([true, true, true]);
    expect(clients.map(({ gaveWay }) => gaveWay)).toEqual([null, null, null]);
  });

  test('lets nobody lead while something is in work that will make room', () => {
    const { budget, join } = start();
    let isWorking = true;
    budget.isWorking = () => isWorking;
    const clients = [join(), join()];
    for (const { share } of clients) share.set(40 * mib, 40 * mib);
    expect(clients.map(({ share }) => share.mayGrow())).toEqual([false, false]);
    isWorking = false;
    budget.workIsDone();
    expect(clients.map(({ goneOn }) => goneOn)).toEqual([1, 0]);
    expect(clients.map(({ share }) => share.mayGrow())).toEqual([true, false]);
  });

  test('above its bound makes the largest give way, and no more of them than it needs', () => {
    const { budget, join } = start();
    const clients = [10, 20, 40, 5].map((size) => {
      const client = join();
      client.share.set(size * mib, 0);
      return client;
    });
    clients[3].share.set(31 * mib, 0);
    expect(clients.map(({ gaveWay }) => gaveWay)).toEqual([null, null, 'budget', null]);
    expect(budget.totalBytes).toBe(61 * mib);
    expect(budget.gaveWayCount).toBe(1);
  });

  test('ends pressure that lasts: after the time, the largest gives way, and those that waited go on', async () => {
    const { budget, join, time } = start();
    const [a, b] = [join(), join()];
    a.share.set(45 * mib, 45 * mib);
    b.share.set(40 * mib, 40 * mib);
    expect(b.share.mayGrow()).toBe(false);
    await time.advance(9_900);
    budget.look();
    expect(a.gaveWay).toBeNull();
    await time.advance(200);
    budget.look();
    expect([a.gaveWay, b.gaveWay]).toEqual(['pressure', null]);
    expect(b.goneOn).toBe(1);
    expect(b.share.mayGrow()).toBe(true);
  });

  test('lets those wait for longer that see others come to their end, though not for ever', async () => {
    const { budget, join, time } = start();
    const [a, b, c] = [join(), join(), join()];
    a.share.set(60 * mib, 60 * mib);
    b.share.set(16 * mib, 16 * mib);
    let seconds = 0;
    for (; a.gaveWay === null && seconds < 200; seconds++) {
      c.share.set((seconds % 2) * 2 * mib, 0);
      await time.advance(1_000);
      budget.look();
    }
    expect(seconds).toBe(60);
  });

  test('does not close others for what only leaves with time', () => {
    const { join } = start();
    const [a, b] = [join(), join()];
    a.share.set(90 * mib, 0);
    a.share.close(90 * mib);
    b.share.set(50 * mib, 0);
    expect(b.gaveWay).toBeNull();
    expect(b.share.mayGrow()).toBe(false);
    a.share.add(-90 * mib);
    expect(b.goneOn).toBe(1);
  });

  test('is exact after anything', () => {
    const { budget, join } = start(50 * mib);
    let clients: Client[] = [];
    let state = 7;
    const random = (below: number): number => {
      state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
      return (state >>> 8) % below;
    };
    for (let step = 0; step < 20_000; step++) {
      if (clients.length < 20) clients.push(join());
      const client = clients[random(clients.length)];
      if (random(10) === 0) client.share.close();
      else client.share.set(random(8 * mib), random(2) * mib);
      if (client.share.mayGrow()) client.share.set(client.share.bytes + 1, 0);
      clients = clients.filter(({ share, gaveWay }) => gaveWay === null && share.bytes > 0);
      expect(budget.totalBytes).toBeLessThanOrEqual(50 * mib);
    }
    for (const { share } of clients) share.close();
    for (const share of budget.largest(100)) share.close();
    expect(budget.totalBytes).toBe(0);
    expect(budget.isPressed).toBe(false);
  });
});

describe('large work', () => {
  const begin = () => {
    const time = new VirtualTime();
    const budget = { isPressed: false, workIsDone: () => {} };
    const work = new LargeWork(
      { clock: time, timers: time, budget },
      { bytesMax: 10 * mib, waitMsMax: 10_000 },
    );
    const events: string[] = [];
    const gone = new Set<string>();
    const enter = (name: string, bytes: number, isRead = false) =>
      work.enter({
        bytes,
        isRead,
        isAbandoned: () => gone.has(name),
        start: () => void events.push(name),
        refuse: () => void events.push(`${name} refused`),
      });
    return { time, budget, work, events, gone, enter };
  };

  test('runs what fits, and the rest in the order in which it came', () => {
    const { work, events, enter } = begin();
    enter('a', 6 * mib);
    enter('b', 6 * mib);
    // Smaller, but later.
    enter('c', mib);
    expect(events).toEqual(['a']);
    work.leave(6 * mib);
    expect(events).toEqual(['a', 'b', 'c']);
    expect(work.bytes).toBe(7 * mib);
  });

  test('runs what is larger than all the room alone', () => {
    const { work, events, enter } = begin();
    enter('huge', 50 * mib);
    enter('small', 1);
    expect(events).toEqual(['huge']);
    work.leave(50 * mib);
    expect(events).toEqual(['huge', 'small']);
  });

  test('lets large reads wait while memory is short, and writes go ahead of them', () => {
    const { budget, work, events, enter } = begin();
    budget.isPressed = true;
    enter('read', 2 * mib, true);
    enter('write', 2 * mib);
    enter('small read', mib, true);
    expect(events).toEqual(['write', 'small read']);
    budget.isPressed = false;
    work.startWaiting();
    expect(events).toEqual(['write', 'small read', 'read']);
  });

  test('does not keep others waiting for what nobody waits for any more', () => {
    const { budget, work, events, gone, enter } = begin();
    budget.isPressed = true;
    enter('read', 2 * mib, true);
    gone.add('read');
    work.startWaiting();
    expect(events).toEqual(['read refused']);
    expect(work.waitingCount).toBe(0);
  });

  test('refuses who has waited for too long', async () => {
    const { time, work, events, enter } = begin();
    enter('a', 10 * mib);
    enter('b', 10 * mib);
    await time.advance(6_000);
    enter('c', 10 * mib);
    await time.advance(4_100);
    expect(events).toEqual(['a', 'b refused']);
    work.leave(10 * mib);
    expect(events).toEqual(['a', 'b refused', 'c']);
    await time.advance(20_000);
    expect(events).toHaveLength(3);
    expect(work.waitingCount).toBe(0);
  });

  test('one that ends within its start does not start the next deeper in the stack', () => {
    const { work, enter } = begin();
    enter('first', 10 * mib);
    let depth = 0;
    let deepest = 0;
    const start = () => {
      deepest = Math.max(deepest, ++depth);
      work.leave(10 * mib);
      depth--;
    };
    for (let count = 0; count < 5_000; count++) {
      work.enter({ bytes: 10 * mib, isRead: false, isAbandoned: () => false, start, refuse: () => {} });
    }
    work.leave(10 * mib);
    expect([deepest, work.waitingCount, work.bytes]).toEqual([1, 0, 0]);
  });
});
