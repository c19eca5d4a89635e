import { describe, expect, it } from 'vitest';
import { ProbeOrder } from '../../../core/membership/choice.ts';
import type { Claim } from '../../../core/membership/claims.ts';
import { supersedes } from '../../../core/membership/claims.ts';
import { GossipQueue } from '../../../core/membership/gossip-queue.ts';
import { exchangeIntervalOf, lanSettings, retransmitCountMax } from '../../../core/membership/settings.ts';
import { suspicionBounds, suspicionTimeoutMs } from '../../../core/membership/suspicion.ts';
import { SeededRandom } from '../../support/seeded-random.ts';

const claim = (state: Claim['state'], member: number, incarnation: number, by = member): Claim => ({
  state,
  member,
  incarnation,
  by,
  agreed: [],
});

describe('the suspicion timeout', () => {
  it.each([
    [0, 24_000],
    [1, 24_000 - (20_000 * Math.log(2)) / Math.log(3)],
    [2, 4_000],
    [9, 4_000],
  ])('after %i confirmations is %f ms', (confirmations, expectedMs) => {
    const bounds = suspicionBounds(lanSettings, { memberCount: 10, otherCount: 8 });
    expect(suspicionTimeoutMs(bounds, confirmations)).toBeCloseTo(expectedMs, 6);
  });

  it('grows with the logarithm of the cluster', () => {
    expect(suspicionBounds(lanSettings, { memberCount: 1_000, otherCount: 998 }).minMs).toBeCloseTo(
      12_000,
      6,
    );
  });
});

describe('claims', () => {
  it('are ordered by incarnation, then alive, suspect, dead, left', () => {
    const order = ([0, 1] as const).flatMap((incarnation) =>
      (['alive', 'suspect', 'dead', 'left'] as const).map((state) => claim(state, 1, incarnation)),
    );
    for (const [left, a] of order.entries()) {
      for (const [right, b] of order.entries()) expect(supersedes(a, b)).toBe(left > right);
    }
  });
});

describe('the probe order', () => {
  it('visits everybody once a round, and newcomers within the next', () => {
    const random = new SeededRandom(3);
    const order = new ProbeOrder();
    order.set([1, 2, 3, 4], random);
    const round = () => Array.from({ length: 4 }, () => order.next(random, () => true)).sort();
    expect(round()).toEqual([1, 2, 3, 4]);
    expect(round()).toEqual([1, 2, 3, 4]);
    order.set([1, 2, 3, 5], random);
    const seen = new Set(Array.from({ length: 8 }, () => order.next(random, () => true)));
    expect(seen).toEqual(new Set([1, 2, 3, 5]));
    expect(order.next(random, () => false)).toBeNull();
  });
});

describe('the gossip queue', () => {
  it('sends each claim a bounded number of times, the least sent first', () => {
    const queue = new GossipQueue();
    queue.add(claim('alive', 1, 1));
    expect(queue.take(21, 3)).toHaveLength(1);
    queue.add(claim('alive', 2, 1));
    expect(queue.take(21, 3)).toEqual([claim('alive', 2, 1)]);
    let sends = 2;
    while (!queue.isEmpty) sends += queue.take(1_000, 3).length;
    expect(sends).toBe(6);
  });

  it('drops a claim for a newer one about the same member, but keeps suspicions by different accusers', () => {
    const queue = new GossipQueue();
    queue.add(claim('suspect', 1, 1, 5));
    queue.add(claim('suspect', 1, 1, 6));
    queue.add(claim('suspect', 1, 1, 6));
    expect(queue.take(1_000, 9)).toHaveLength(2);
    queue.add(claim('alive', 1, 2));
    expect(queue.take(1_000, 9)).toEqual([claim('alive', 1, 2)]);
  });
});

describe('the settings', () => {
  it('grow retransmits and exchange intervals with the cluster', () => {
    expect([3, 100, 1_000].map((count) => retransmitCountMax(lanSettings, count))).toEqual([4, 12, 16]);
    expect([3, 32, 64, 1_000].map((count) => exchangeIntervalOf(lanSettings, count))).toEqual([
      30_000, 30_000, 60_000, 180_000,
    ]);
  });
});
