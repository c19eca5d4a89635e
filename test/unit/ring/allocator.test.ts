import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { partitionCount } from '../../../core/base/token.ts';
import { allocate } from '../../../core/ring/allocator.ts';
import { placementOf, preferenceList, type RingNode } from '../../../core/ring/ring.ts';
import { check } from '../../support/seeds.ts';

function nodesOf(count: number, perComputer = 1, weight = (_: number) => 1): RingNode[] {
  return Array.from({ length: count }, (_, index) => ({
    id: 1000 + index * 7,
    computer: `c${Math.floor(index / perComputer)}`,
    dataCenter: 'office',
    weight: weight(index),
  }));
}

function listsOf(owners: number[], nodes: RingNode[], factor: number): number[][] {
  return placementOf([{ dataCenter: 'office', owners }], nodes, () => factor);
}

function loadsOf(lists: number[][], nodes: RingNode[]): number[] {
  const loads = new Map(nodes.map((node) => [node.id, 0]));
  for (const list of lists) for (const id of list) loads.set(id, loads.get(id)! + 1);
  return nodes.map((node) => loads.get(node.id)! / node.weight);
}

function balanceOf(lists: number[][], nodes: RingNode[]): number {
  const loads = loadsOf(lists, nodes);
  return loads.reduce((a, b) => a + b, 0) / loads.length / Math.max(...loads);
}

/** Replica placements in `after` that `before` did not have: what must be copied. */
function movedCount(before: number[][], after: number[][]): number {
  let moved = 0;
  for (let p = 0; p < before.length; p++) for (const id of after[p]) if (!before[p].includes(id)) moved++;
  return moved;
}

describe('the allocator', () => {
  it.each([
    [30, 1],
    [30, 2],
    [30, 3],
    [7, 1],
    [10, 2],
    [64, 1],
  ])('balances %i nodes, %i per computer, to at least 0.95 with three replicas', (count, perComputer) => {
    const nodes = nodesOf(count, perComputer);
    expect(balanceOf(listsOf(allocate(null, nodes, partitionCount), nodes, 3), nodes)).toBeGreaterThanOrEqual(
      0.95,
    );
  });

  it('balances 30 nodes of unequal weight, per weight, to at least 0.95', () => {
    const nodes = nodesOf(30, 1, (index) => 1 + (index % 3));
    expect(balanceOf(listsOf(allocate(null, nodes, partitionCount), nodes, 3), nodes)).toBeGreaterThanOrEqual(
      0.95,
    );
  });

  it('gives every partition n distinct nodes on n distinct computers whenever that is possible', () => {
    check(
      fc.property(
        fc.integer({ min: 1, max: 24 }),
        fc.integer({ min: 1, max: 4 }),
        fc.integer({ min: 1, max: 5 }),
        fc.integer({ min: 1, max: 4 }),
        (count, perComputer, factor, weightSpread) => {
          const nodes = nodesOf(count, perComputer, (index) => 1 + (index % weightSpread));
          const lists = listsOf(allocate(null, nodes, partitionCount), nodes, factor);
          const computerOf = new Map(nodes.map((node) => [node.id, node.computer]));
          const computerCount = new Set(computerOf.values()).size;
          // One expectation a run: one for each list would take most of the time.
          const wrong = lists.filter((list) => {
            const computers = new Set(list.map((id) => computerOf.get(id)));
            return (
              list.length !== Math.min(factor, count) ||
              new Set(list).size !== list.length ||
              computers.size !== Math.min(factor, computerCount)
            );
          });
          expect(wrong).toEqual([]);
        },
      ),
      30,
    );
  });

  it.each([
    [3, 3],
    [4, 3],
    [5, 3],
    [9, 3],
    [15, 3],
    [29, 3],
    [12, 2],
  ])('adding a node to %i moves at most 1.10 of the unavoidable share', (count, factor) => {
    const before = nodesOf(count);
    const after = nodesOf(count + 1);
    const ownersBefore = allocate(null, before, partitionCount);
    const ownersAfter = allocate(ownersBefore, after, partitionCount);
    const listsBefore = listsOf(ownersBefore, before, factor);
    const listsAfter = listsOf(ownersAfter, after, factor);
    const unavoidable = (factor * partitionCount) / (count + 1);
    expect(movedCount(listsBefore, listsAfter)).toBeLessThanOrEqual(1.1 * unavoidable + 1);
    expect(balanceOf(listsAfter, after)).toBeGreaterThanOrEqual(0.9);
  });

  it.each([4, 5, 10, 16, 30])('removing one of %i nodes moves at most 1.10 of its share', (count) => {
    const before = nodesOf(count);
    for (const gone of [0, Math.floor(count / 2), count - 1]) {
      const after = before.filter((_, index) => index !== gone);
      const ownersBefore = allocate(null, before, partitionCount);
      const listsBefore = listsOf(ownersBefore, before, 3);
      const listsAfter = listsOf(allocate(ownersBefore, after, partitionCount), after, 3);
      const unavoidable = listsBefore.filter((list) => list.includes(before[gone].id)).length;
      expect(movedCount(listsBefore, listsAfter)).toBeLessThanOrEqual(1.1 * unavoidable);
      expect(balanceOf(listsAfter, after)).toBeGreaterThanOrEqual(0.9);
    }
  });

  it('stays balanced while a cluster grows from 3 to 30 nodes one by one', () => {
    let nodes = nodesOf(3);
    let owners = allocate(null, nodes, partitionCount);
    for (let count = 4; count <= 30; count++) {
      nodes = nodesOf(count);
      owners = allocate(owners, nodes, partitionCount);
    }
    expect(balanceOf(listsOf(owners, nodes, 3), nodes)).toBeGreaterThanOrEqual(0.9);
  });

  it('changes nothing when nothing is wanted', () => {
    const nodes = nodesOf(9);
    const owners = allocate(null, nodes, partitionCount);
    expect(allocate(owners, nodes, partitionCount)).toEqual(owners);
  });
});

describe('the preference list', () => {
  it('walks clockwise and skips computers that already hold a replica', () => {
    const nodes: RingNode[] = [
      { id: 1, computer: 'a', dataCenter: 'office', weight: 1 },
      { id: 2, computer: 'a', dataCenter: 'office', weight: 1 },
      { id: 3, computer: 'b', dataCenter: 'office', weight: 1 },
    ];
    const byId = new Map(nodes.map((node) => [node.id, node]));
    const ring = { dataCenter: 'office', owners: [1, 2, 3, 2] };
    expect(preferenceList(ring, byId, 0, 2)).toEqual([1, 3]);
    expect(preferenceList(ring, byId, 0, 3)).toEqual([1, 3, 2]);
    expect(preferenceList(ring, byId, 3, 2)).toEqual([2, 3]);
  });
  it('is what a walk around the whole ring finds: new computers first, then who was passed', () => {
    const world = fc.array(fc.integer({ min: 0, max: 4 }), { minLength: 1, maxLength: 7 });
    check(
      fc.property(
        world,
        fc.array(fc.nat(), { minLength: 1, maxLength: 24 }),
        fc.nat(23),
        (computers, draws, at) => {
          const nodes: RingNode[] = computers.map((computer, id) => ({
            ...{ id, computer: `c${computer}`, dataCenter: 'office', weight: 1 },
          }));
          const owners = draws.map((draw) => draw % nodes.length);
          const byId = new Map(nodes.map((node) => [node.id, node]));
          const start = at % owners.length;
          const met = [...new Set([...owners.slice(start), ...owners.slice(0, start)])];
          const isFirst = (id: number) => met.find((other) => computers[other] === computers[id]) === id;
          const walked = [...met.filter(isFirst), ...met.filter((id) => !isFirst(id))];
          for (let factor = 1; factor <= nodes.length + 1; factor++) {
            const list = preferenceList({ dataCenter: 'office', owners }, byId, start, factor);
            expect(list).toEqual(walked.slice(0, factor));
          }
        },
      ),
    );
  });
});
