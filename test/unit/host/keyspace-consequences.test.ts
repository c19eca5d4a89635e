import { describe, expect, it } from 'vitest';
import { consequencesOf, type KeyspacePlan } from '../../../core/host/view/keyspace-consequences.ts';
import { firstLayout, type Layout } from '../../../core/layout/layout.ts';

/** So many nodes in each data center, each on a computer of its own unless `computers` says how many there are. */
function layoutOf(counts: Record<string, number>, computers: Record<string, number> = counts): Layout {
  const centers = Object.keys(counts);
  let id = 0;
  return firstLayout({
    clusterId: 'c',
    clusterName: 'c',
    createdAtMs: 0,
    computers: centers.flatMap((dataCenter) =>
      Array.from({ length: computers[dataCenter] }, (_, index) => ({
        id: `${dataCenter}-${index}`,
        name: `pc ${index + 1}`,
        dataCenter,
      })),
    ),
    nodes: centers.flatMap((dataCenter) =>
      Array.from({ length: counts[dataCenter] }, (_, index) => ({
        id: ++id,
        name: `n${id}`,
        computer: `${dataCenter}-${index % computers[dataCenter]}`,
        dataCenter,
        weight: 1,
      })),
    ),
  });
}

const plan = (factors: Record<string, number>, more: Partial<KeyspacePlan> = {}): KeyspacePlan => ({
  factors,
  readLevel: 'QUORUM',
  writeLevel: 'QUORUM',
  sloppy: false,
  ...more,
});

describe('the consequences of a keyspace’s settings', () => {
  it('QUORUM over three copies: always, two and two of three', () => {
    const found = consequencesOf(layoutOf({ office: 3 }), plan({ office: 3 }));
    expect(found).toMatchObject({
      replicaCount: 3,
      readYourWrites: 'always',
      sum: { read: 2, write: 2, of: 3 },
      reads: { needed: 2, of: 3, scope: 'all' },
      standIns: false,
      warnings: [],
    });
    expect(found.survives[0]).toEqual({ loss: 'node', readable: true, writable: true });
  });

  it('LOCAL_QUORUM over two data centers holds only within one of them', () => {
    const local = { readLevel: 'LOCAL_QUORUM', writeLevel: 'LOCAL_QUORUM' } as const;
    const found = consequencesOf(layoutOf({ office: 3, shop: 3 }), plan({ office: 3, shop: 3 }, local));
    expect(found).toMatchObject({
      readYourWrites: 'within-data-center',
      readYourWritesIn: ['office', 'shop'],
      sum: null,
      writes: { needed: 2, of: 3, scope: 'own-data-center' },
    });
    const one = consequencesOf(layoutOf({ office: 3, shop: 3 }), plan({ office: 3 }, local));
    expect(one).toMatchObject({ readYourWrites: 'always', sum: { read: 2, write: 2, of: 3 } });
  });

  it('stand-ins take the promise away, where there are nodes that could stand in', () => {
    const sloppy = { sloppy: true };
    expect(consequencesOf(layoutOf({ office: 3 }), plan({ office: 3 }, sloppy))).toMatchObject({
      readYourWrites: 'always',
      standIns: false,
    });
    expect(consequencesOf(layoutOf({ office: 4 }), plan({ office: 3 }, sloppy))).toMatchObject({
      readYourWrites: 'no',
      readYourWritesIn: [],
      readYourWritesByLevels: 'always',
      standIns: true,
    });
    expect(consequencesOf(layoutOf({ office: 4 }), plan({ office: 3 }))).toMatchObject({
      readYourWrites: 'always',
      spareNodes: true,
      standIns: false,
    });
  });

  it('copies that nodes are missing for do not count', () => {
    const found = consequencesOf(layoutOf({ office: 2 }), plan({ office: 5 }, { readLevel: 'THREE' }));
    expect(found).toMatchObject({
      replicaCount: 2,
      readYourWrites: 'no',
      reads: { level: 'THREE', needed: 3, of: 2 },
      warnings: ['Replication factor 5 is unmet in office: add 3 nodes.'],
    });
  });

  it('the demand is that of the data center with least to spare', () => {
    const layout = layoutOf({ office: 3, shop: 1 });
    const each = plan({ office: 3, shop: 1 }, { writeLevel: 'EACH_QUORUM' });
    expect(consequencesOf(layout, each).writes).toEqual({
      level: 'EACH_QUORUM',
      needed: 1,
      of: 1,
      scope: 'each-data-center',
    });
  });

  it.each([
    [
      { office: 3 },
      { office: 1 },
      { office: 3 },
      ['All 3 copies are on one computer (pc 1): if it fails, they all do. Add a computer.'],
    ],
    [
      { office: 3, shop: 2 },
      { office: 3, shop: 1 },
      { shop: 2 },
      ['All 2 copies in shop are on one computer (pc 1): if it fails, they all do. Add a computer.'],
    ],
    [
      { office: 4 },
      { office: 2 },
      { office: 3 },
      ['office has 2 computers for 3 copies: some share one, and are lost together. Add a computer.'],
    ],
    [{ office: 1 }, { office: 1 }, { office: 1 }, []],
    [
      { office: 1 },
      { office: 1 },
      { office: 0 },
      ['No data center would hold a copy. Give at least one a factor of 1 or more.'],
    ],
  ])('warnings: nodes %j on computers %j with copies %j', (nodes, computers, factors, warnings) => {
    const found = consequencesOf(layoutOf(nodes as never, computers as never), plan(factors as never));
    expect(found.warnings).toEqual(warnings);
  });
});
