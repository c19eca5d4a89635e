/** Where read-modify-writes of a key meet: always at one node, while each hears at another time how far the others are. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { meetsHere, orderOf } from '../../../core/replication/coordinator/meeting.ts';
import type { MeetingOrder } from '../../../core/replication/topology.ts';

/** By the layout `placed` these nodes hold partition 0, in this order. */
const order = (placed: number, ...nodes: number[]): MeetingOrder => ({
  placed,
  places: [nodes.map((nodeId) => ({ nodeId, dataCenter: 'here' }))],
});
const reads = (reached: Record<number, number>) => (nodeId: number) => reached[nodeId] ?? 0;

describe('the order by which a key is decided', () => {
  it('is that of the only layout', () => {
    expect(orderOf([order(4, 1, 2)], 0, reads({})).placed).toBe(4);
  });

  it('stays the older one until its first replica reads by the newer one', () => {
    const orders = [order(4, 1, 2), order(5, 3, 1)];
    expect(orderOf(orders, 0, reads({ 1: 4, 2: 5, 3: 5 })).placed).toBe(4);
    expect(orderOf(orders, 0, reads({ 1: 5 })).placed).toBe(5);
  });

  it('needs no handing over where the first replica stays', () => {
    expect(orderOf([order(4, 1, 2), order(5, 1, 3)], 0, reads({})).placed).toBe(5);
  });

  it('goes from one to the next, and not past one that still decides', () => {
    const orders = [order(4, 1), order(5, 2), order(6, 3)];
    expect(orderOf(orders, 0, reads({ 1: 6, 2: 4 })).placed).toBe(5);
    expect(orderOf(orders, 0, reads({ 1: 6, 2: 6 })).placed).toBe(6);
    // The third is ready, but the first is not.
    expect(orderOf(orders, 0, reads({ 1: 4, 2: 6, 3: 6 })).placed).toBe(4);
  });
});

describe('a node that is sent a read-modify-write', () => {
  it('decides as the first of its own order, and as one that stands in by the same order', () => {
    expect(meetsHere(order(5, 3, 1), 0, 3, 4)).toBe(true);
    expect(meetsHere(order(5, 3, 1), 0, 1, 5)).toBe(true);
  });

  it('does not decide by an order that it goes by no more, or not yet', () => {
    expect(meetsHere(order(5, 3, 1), 0, 1, 4)).toBe(false);
    expect(meetsHere(order(4, 1, 2), 0, 3, 5)).toBe(false);
  });

  it('is never one of two, whatever each of them has heard', () => {
    const nodes = [1, 2, 3, 4];
    const reached = fc.tuple(...nodes.map(() => fc.integer({ min: 4, max: 7 })));
    const firsts = fc.tuple(...nodes.map(() => fc.constantFrom(...nodes)));
    const late = fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 16, maxLength: 16 });
    fc.assert(
      fc.property(firsts, reached, late, (first, truth, lag) => {
        const orders = first.map((node, index) => order(4 + index, node));
        // Each knows of itself, and of others what was so a while ago.
        const heard = (self: number) => (other: number) =>
          truth[other - 1] - (self === other ? 0 : lag[4 * (self - 1) + other - 1]);
        const deciding = nodes.filter((self) => {
          const own = orderOf(orders, 0, heard(self));
          return meetsHere(own, 0, self, Number.NaN);
        });
        expect(deciding.length).toBeLessThanOrEqual(1);
      }),
      { numRuns: 2_000 },
    );
  });
});
