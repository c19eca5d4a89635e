import { describe, expect, it } from 'vitest';
import {
  alterKeyspace,
  createKeyspace,
  dropKeyspace,
  firstLayout,
  type KeyspaceSettings,
  type Layout,
} from '../../../core/layout/layout.ts';
import { decodeLayout, encodeLayout } from '../../../core/layout/layout-document.ts';
import { availabilityOf, survivalOf } from '../../../core/layout/survival.ts';

function layoutOf(dataCenters: Record<string, number>): Layout {
  let id = 0;
  const computers = Object.entries(dataCenters).flatMap(([dataCenter, count]) =>
    Array.from({ length: count }, (_, index) => ({
      id: `${dataCenter}-${index}`,
      name: `${dataCenter}-${index}`,
      dataCenter,
    })),
  );
  return firstLayout({
    clusterId: 'c',
    clusterName: 'c',
    createdAtMs: 0,
    computers,
    nodes: computers.map((computer) => ({
      id: ++id,
      name: `node-${id}`,
      computer: computer.id,
      dataCenter: computer.dataCenter,
      weight: 1,
    })),
  });
}

const settings = (changes: Partial<KeyspaceSettings> = {}): KeyspaceSettings => ({
  name: 'orders',
  database: 1,
  factors: { office: 3 },
  readLevel: 'QUORUM',
  writeLevel: 'QUORUM',
  conflicts: 'siblings',
  sloppy: true,
  durability: 'always',
  defaultTimeToLiveMs: 0,
  ...changes,
});

describe('a layout', () => {
  it('begins with the keyspace default: database 0, factor 3 everywhere, QUORUM both ways, siblings, sloppy on', () => {
    const [keyspace] = layoutOf({ office: 3, shop: 2 }).keyspaces;
    expect(keyspace).toMatchObject({
      name: 'default',
      database: 0,
      factors: { office: 3, shop: 3 },
      readLevel: 'QUORUM',
      writeLevel: 'QUORUM',
      conflicts: 'siblings',
      sloppy: true,
    });
  });

  it('names its parent in each next version, and never gives a dropped keyspace’s id again', () => {
    const first = layoutOf({ office: 3 });
    const second = createKeyspace(first, 'digest of 1', settings());
    expect([second.version, second.parent]).toEqual([2, 'digest of 1']);
    const third = dropKeyspace(second, 'digest of 2', 'orders');
    const fourth = createKeyspace(third, 'digest of 3', settings());
    expect(fourth.keyspaces.at(-1)?.id).toBe(2);
    expect(decodeLayout(encodeLayout(fourth))).toEqual(fourth);
  });

  it.each([
    [{ name: 'default' }, /there already/],
    [{ database: 0 }, /belongs to the keyspace "default"/],
    [{ database: 16 }, /0 to 15/],
    [{ factors: { moon: 3 } }, /no data center "moon".*office/],
    [{ factors: { office: 0 } }, /at least one replica/],
    [{ name: 'no spaces please' }, /not a usable name/],
    [{ readLevel: 'ANY' as const }, /for writes only/],
  ])('refuses %j and says why', (changes, reason) => {
    expect(() => createKeyspace(layoutOf({ office: 3 }), 'd', settings(changes))).toThrow(reason);
  });

  it('alters what is named and keeps the rest', () => {
    const made = createKeyspace(layoutOf({ office: 3 }), 'd', settings());
    const altered = alterKeyspace(made, 'e', 'orders', { writeLevel: 'ALL' }).keyspaces[1];
    expect(altered).toEqual({ ...made.keyspaces[1], placement: 1, writeLevel: 'ALL' });
    expect(() => alterKeyspace(made, 'e', 'nothing', {})).toThrow(/no keyspace "nothing"/);
  });

  it('counts the changes of factors and levels, and no others', () => {
    const made = createKeyspace(layoutOf({ office: 3 }), 'd', settings());
    const renamed = alterKeyspace(made, 'e', 'orders', { sloppy: false });
    expect(renamed.keyspaces[1].placement).toBe(0);
    const more = alterKeyspace(renamed, 'f', 'orders', { factors: { office: 1 } });
    expect(more.keyspaces[1].placement).toBe(1);
  });
});

describe('what a keyspace survives', () => {
  it('with three replicas at QUORUM: one node and one computer, not its only data center', () => {
    const layout = layoutOf({ office: 3 });
    expect(survivalOf(layout, layout.keyspaces[0])).toEqual([
      { loss: 'node', readable: true, writable: true },
      { loss: 'computer', readable: true, writable: true },
      { loss: 'data-center', readable: false, writable: false },
    ]);
  });

  it('with LOCAL_QUORUM in two data centers: the loss of one of them', () => {
    const layout = createKeyspace(
      layoutOf({ office: 3, shop: 3 }),
      'd',
      settings({ factors: { office: 3, shop: 3 }, readLevel: 'LOCAL_QUORUM', writeLevel: 'LOCAL_QUORUM' }),
    );
    expect(survivalOf(layout, layout.keyspaces[1])[2]).toEqual({
      loss: 'data-center',
      readable: true,
      writable: true,
    });
    const each = alterKeyspace(layout, 'e', 'orders', { writeLevel: 'EACH_QUORUM' });
    expect(survivalOf(each, each.keyspaces[1])[2]).toEqual({
      loss: 'data-center',
      readable: true,
      writable: false,
    });
  });

  it('counts partitions that lack a replica now, and those that cannot be used', () => {
    const layout = layoutOf({ office: 3 });
    const [keyspace] = layout.keyspaces;
    const none = { underReplicated: 0, unavailable: 0, unreadable: 0, unwritable: 0 };
    expect(availabilityOf(layout, keyspace, () => true)).toEqual(none);
    expect(availabilityOf(layout, keyspace, (id) => id !== 1)).toEqual({
      ...none,
      underReplicated: 1024,
    });
    expect(availabilityOf(layout, keyspace, (id) => id === 3)).toEqual({
      underReplicated: 1024,
      ...{ unavailable: 1024, unreadable: 1024, unwritable: 1024 },
    });
  });
});
