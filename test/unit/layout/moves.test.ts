import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type ConsistencyLevel, consistencyLevels } from '../../../core/base/levels.ts';
import type { Layout } from '../../../core/layout/layout.ts';
import { alterKeyspace, createKeyspace, dropKeyspace } from '../../../core/layout/layout.ts';
import { everythingMoved, movesOf } from '../../../core/layout/moves.ts';
import { placesOf } from '../../../core/layout/places.ts';
import { type ReplicaPlace, type Requirement, requirementOf } from '../../../core/quorum/requirement.ts';
import { layoutOf } from '../../support/layouts.ts';
import { check } from '../../support/seeds.ts';

const base = layoutOf({ east: 3, west: 2 });
const [keyspace] = base.keyspaces;
const selves = base.nodes.map(({ id }) => id);

function altered(layout: Layout, changes: Parameters<typeof alterKeyspace>[3]): Layout {
  return alterKeyspace(layout, '', 'default', changes);
}

function subsetsOf(places: readonly ReplicaPlace[]): ReplicaPlace[][] {
  return places.reduce<ReplicaPlace[][]>((all, place) => all.flatMap((one) => [one, [...one, place]]), [[]]);
}

function meets(places: readonly ReplicaPlace[], { groups }: Requirement): boolean {
  return groups.every(
    ({ dataCenter, needed }) =>
      places.filter((place) => dataCenter === null || place.dataCenter === dataCenter).length >= needed,
  );
}

/** All sets of replicas that are enough where `local` coordinates. Hints are in no replica's keeping. */
function quorumsFrom(places: readonly ReplicaPlace[], level: ConsistencyLevel, local: string) {
  const requirement = requirementOf(level, places, local);
  return requirement.hintsCount ? [[]] : subsetsOf(places).filter((set) => meets(set, requirement));
}

const share = (left: readonly { nodeId: number }[], right: ReadonlySet<number>) =>
  left.some(({ nodeId }) => right.has(nodeId));

const factors = fc
  .record({ east: fc.integer({ min: 0, max: 3 }), west: fc.integer({ min: 0, max: 2 }) })
  .filter(({ east, west }) => east + west > 0);
const readLevels = consistencyLevels.filter((level) => level !== 'ANY');
const state = fc.record({
  factors,
  readLevel: fc.constantFrom(...readLevels),
  writeLevel: fc.constantFrom(...consistencyLevels),
});

describe('what moves when a layout changes', () => {
  it('is nothing when no keyspace changed its factors or levels', () => {
    for (const self of selves) {
      expect(movesOf([base], base, self)).toEqual([]);
      expect(movesOf([base], altered(base, { conflicts: 'last-write-wins', sloppy: false }), self)).toEqual(
        [],
      );
    }
  });

  it('is nothing for a keyspace that is dropped, nor for one that was never changed', () => {
    const more = createKeyspace(base, '', { ...keyspace, name: 'more', database: 1 });
    for (const self of selves) {
      expect(movesOf([base], more, self)).toEqual([]);
      expect(movesOf([more], dropKeyspace(more, '', 'more'), self)).toEqual([]);
    }
  });

  it('is all that anybody may hold, for each partition that is replicated here, where nobody knows what was before', () => {
    for (const self of selves) {
      const moves = everythingMoved(base, self);
      const places = placesOf(base, base.keyspaces[0]);
      const ours = places.flatMap((list, partition) =>
        list.some(({ nodeId }) => nodeId === self) ? [partition] : [],
      );
      expect(moves.map(({ partition }) => partition)).toEqual(ours);
      for (const { from } of moves) expect(from).toEqual(selves.filter((id) => id !== self));
    }
  });

  it('comes from the replicas of every layout that is live, but for nodes that were given up', () => {
    const one = altered(base, { factors: { east: 1 } });
    const two = altered(one, { factors: { east: 2, west: 1 } });
    for (const self of selves) {
      const both = new Map(movesOf([base, one], two, self).map(({ partition, from }) => [partition, from]));
      for (const before of [base, one]) {
        for (const { partition, from } of movesOf([before], two, self)) {
          expect(both.get(partition)).toEqual(expect.arrayContaining([...from]));
        }
      }
      const [lost] = selves.filter((id) => id !== self);
      const without = movesOf([base, one], { ...two, gone: [lost] }, self);
      expect(without.some(({ from }) => from.includes(lost))).toBe(false);
    }
  });

  it('comes for a new replica from all former ones, and for one that stays only where somebody left or reads could miss', () => {
    const one = altered(base, { factors: { east: 1 } });
    const two = altered(one, { factors: { east: 2 } });
    const before = placesOf(one, one.keyspaces[0]);
    const after = placesOf(two, two.keyspaces[0]);
    for (const self of selves) {
      const moves = new Map(movesOf([one], two, self).map(({ partition, from }) => [partition, from]));
      for (let partition = 0; partition < after.length; partition += 37) {
        const had = before[partition].some(({ nodeId }) => nodeId === self);
        const has = after[partition].some(({ nodeId }) => nodeId === self);
        const former = before[partition].map(({ nodeId }) => nodeId);
        expect(moves.get(partition)).toEqual(has && !had ? former : undefined);
      }
    }
  });

  it('leaves no read of the new layout without a write that it promises to see: by brute force', () => {
    check(
      fc.property(state, state, fc.boolean(), (then, wanted, placesStay) => {
        const now = placesStay ? { ...wanted, factors: then.factors } : wanted;
        const old = altered(base, then);
        const next = altered(old, now);
        const moves = new Map(
          selves.map((self) => [
            self,
            new Map(movesOf([old], next, self).map(({ partition, from }) => [partition, new Set(from)])),
          ]),
        );
        const thenPlaces = placesOf(old, old.keyspaces[0]);
        const nowPlaces = placesOf(next, next.keyspaces[0]);
        for (const partition of [0, 341, 1_023]) {
          const [before, after] = [thenPlaces[partition], nowPlaces[partition]];
          /** Who has a write that these acknowledged, once everybody has heard whom it is to hear. */
          const holders = (written: readonly ReplicaPlace[]) =>
            new Set(
              after
                .map(({ nodeId }) => nodeId)
                .filter((nodeId) => {
                  const from = moves.get(nodeId)!.get(partition);
                  const had = written.some((place) => place.nodeId === nodeId);
                  return had || (from !== undefined && share(written, from));
                }),
            );
          for (const writer of next.dataCenters) {
            for (const reader of next.dataCenters) {
              const reads = quorumsFrom(after, now.readLevel, reader);
              const newWrites = quorumsFrom(after, now.writeLevel, writer);
              // Only what is promised of new writes must hold for old ones: ONE after ONE never did.
              const isPromised = reads.every((read) =>
                newWrites.every((write) => share(read, new Set(write.map(({ nodeId }) => nodeId)))),
              );
              if (!isPromised) continue;
              for (const written of quorumsFrom(before, then.writeLevel, writer)) {
                if (written.length === 0) continue;
                const have = holders(written);
                for (const read of reads) expect(share(read, have)).toBe(true);
              }
            }
          }
        }
      }),
      150,
    );
  });
});
