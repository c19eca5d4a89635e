import { describe, expect, it } from 'vitest';
import { type ConsistencyLevel, consistencyLevels } from '../../../core/base/levels.ts';
import { placesOf, readsSeeWrites } from '../../../core/layout/reads-see-writes.ts';
import { PutCore } from '../../../core/quorum/put-core.ts';
import { requirementOf } from '../../../core/quorum/requirement.ts';

type Copies = Record<string, number>;

/** Every layout of one to three data centers with few copies, none and unequal ones among them. */
function smallLayouts(): Copies[] {
  const layouts: Copies[] = [];
  for (let a = 0; a <= 5; a++) layouts.push({ a });
  for (let a = 0; a <= 3; a++) for (let b = 0; b <= 4; b++) layouts.push({ a, b });
  for (let a = 0; a <= 2; a++)
    for (let b = 0; b <= 2; b++) for (let c = 0; c <= 3; c++) layouts.push({ a, b, c });
  return layouts;
}

/** Every smallest set of replicas that meets the level, as bits, by the vote counter of real requests. */
function smallestSets(copies: Copies, level: ConsistencyLevel, dataCenter: string): number[] {
  const replicas = placesOf(copies);
  const requirement = requirementOf(level, replicas, dataCenter);
  const meets = (set: number): boolean => {
    const core = new PutCore(replicas, requirement);
    for (let index = 0; index < replicas.length; index++) {
      if (set & (1 << index)) core.addAcknowledgement(index);
      else core.addFailure(index);
    }
    return core.verdict() === 'met';
  };
  return Array.from({ length: 2 ** replicas.length }, (_, set) => set).filter(
    (set) => meets(set) && replicas.every((_, index) => !(set & (1 << index)) || !meets(set & ~(1 << index))),
  );
}

describe('reads see writes', () => {
  it('exactly where every smallest read set meets every smallest write set: all small layouts and levels', () => {
    let compared = 0;
    for (const copies of smallLayouts()) {
      const centers = Object.keys(copies).filter((center) => copies[center] > 0);
      const setsOf = new Map(
        consistencyLevels.flatMap((level) =>
          centers.map((center) => [`${level} ${center}`, smallestSets(copies, level, center)] as const),
        ),
      );
      for (const read of consistencyLevels.filter((level) => level !== 'ANY')) {
        for (const write of consistencyLevels) {
          const verdict = readsSeeWrites(copies, read, write);
          const expected = centers.map((writer) =>
            centers.map((reader) => {
              const reads = setsOf.get(`${read} ${reader}`)!;
              const writes = setsOf.get(`${write} ${writer}`)!;
              const canBoth = reads.length > 0 && writes.length > 0 && write !== 'ANY';
              return canBoth && reads.every((r) => writes.every((w) => (r & w) !== 0));
            }),
          );
          const claimed = centers.map((writer) => centers.map((reader) => verdict.between[writer][reader]));
          expect({ copies, read, write, claimed }).toEqual({ copies, read, write, claimed: expected });
          expect(verdict.always).toBe(centers.length > 0 && expected.flat().every(Boolean));
          expect(verdict.withinCenter).toEqual(
            Object.fromEntries(centers.map((center, index) => [center, expected[index][index]])),
          );
          compared += 1;
        }
      }
    }
    expect(compared).toBeGreaterThan(4_000);
  });

  it.each([
    [{ office: 3 }, 'QUORUM', 'QUORUM', true, { office: true }],
    [{ office: 3 }, 'LOCAL_QUORUM', 'LOCAL_QUORUM', true, { office: true }],
    [{ office: 3, shop: 3 }, 'QUORUM', 'QUORUM', true, { office: true, shop: true }],
    [{ office: 3, shop: 3 }, 'LOCAL_QUORUM', 'LOCAL_QUORUM', false, { office: true, shop: true }],
    [{ office: 3, shop: 3 }, 'LOCAL_QUORUM', 'EACH_QUORUM', true, { office: true, shop: true }],
    [{ office: 3, shop: 3 }, 'LOCAL_ONE', 'LOCAL_QUORUM', false, { office: false, shop: false }],
    [{ office: 3, shop: 1 }, 'LOCAL_ONE', 'LOCAL_QUORUM', false, { office: false, shop: true }],
    [{ office: 3, shop: 0 }, 'LOCAL_QUORUM', 'LOCAL_QUORUM', true, { office: true }],
    [{ office: 1 }, 'TWO', 'ALL', false, { office: false }],
    [{ office: 3 }, 'ALL', 'ANY', false, { office: false }],
    [{}, 'ALL', 'ALL', false, {}],
  ] as const)('%j, %s reads and %s writes: always %s, within %j', (copies, read, write, always, within) => {
    const verdict = readsSeeWrites(copies, read, write);
    expect({ always: verdict.always, within: verdict.withinCenter }).toEqual({ always, within });
  });
});
