import { describe, expect, it } from 'vitest';
import { CoterieError } from '../../../core/base/errors.ts';
import { consistencyLevels } from '../../../core/base/levels.ts';
import { OperationCounts } from '../../../core/replication/coordinator/operation-counts.ts';

const shop = { id: 1, name: 'shop' };
const till = { id: 2, name: 'till' };

function counting(...keyspaces: { id: number; name: string }[]): OperationCounts {
  const counts = new OperationCounts();
  counts.follow(keyspaces);
  return counts;
}

describe('the counts of operations', () => {
  it('keep keyspaces, kinds, levels and outcomes apart', () => {
    const counts = counting(shop, till);
    for (const [keyspace, times] of [
      [shop, 1],
      [till, 2],
    ] as const) {
      for (let time = 0; time < times; time++) {
        for (const level of consistencyLevels) {
          counts.of(keyspace.id)!.add('read', level, null);
          counts.of(keyspace.id)!.add('write', level, new CoterieError('quorum-not-met', ''));
        }
      }
    }
    const expected = [shop, till].flatMap(({ name: keyspace, id: times }) => [
      ...consistencyLevels.map((level) => ({
        ...{ keyspace, kind: 'read', level },
        ...{ ok: times, refused: 0, failed: 0 },
      })),
      ...consistencyLevels.map((level) => ({
        ...{ keyspace, kind: 'write', level },
        ...{ ok: 0, refused: times, failed: 0 },
      })),
    ]);
    expect(counts.list()).toEqual(expected);
  });

  it('tell what others may meet later from what cannot be done as asked', () => {
    const counts = counting(shop);
    for (const code of ['unavailable', 'disk-full', 'too-many-siblings'] as const) {
      counts.of(shop.id)!.add('write', 'ONE', new CoterieError(code, ''));
    }
    expect(counts.list()).toEqual([
      { keyspace: 'shop', kind: 'write', level: 'ONE', ok: 0, refused: 2, failed: 1 },
    ]);
  });

  it('forget a keyspace that is dropped, also with what was under way in it, and begin anew under its name', () => {
    const counts = counting(shop, till);
    const underWay = counts.of(shop.id)!;
    underWay.add('read', 'ONE', null);
    counts.follow([till]);
    underWay.add('read', 'ONE', null);
    expect(counts.of(shop.id)).toBeUndefined();
    expect(counts.list()).toEqual([]);
    counts.follow([till, { id: 3, name: 'shop' }]);
    expect(counts.list()).toEqual([]);
  });

  it('go on under a new name, and through a change of the layout', () => {
    const counts = counting(shop);
    counts.of(shop.id)!.add('read', 'ONE', null);
    counts.follow([{ id: shop.id, name: 'store' }, till]);
    counts.of(shop.id)!.add('read', 'ONE', null);
    expect(counts.list()).toEqual([
      { keyspace: 'store', kind: 'read', level: 'ONE', ok: 2, refused: 0, failed: 0 },
    ]);
  });
});
