/** How far a change is, by what nodes say. */
import { beforeEach, describe, expect, it } from 'vitest';
import { Transfers } from '../../../core/host/layouts/transfers.ts';
import type { NodeHandle } from '../../../core/host/nodes/node-handle.ts';
import type { Layout } from '../../../core/layout/layout.ts';
import type { MovingPartition } from '../../../core/repair/moving-partitions.ts';
import { VirtualTime } from '../../support/virtual-time.ts';

interface Said {
  version: number;
  lacking: number;
  open: number[];
  receivedBytes: number;
  moving?: MovingPartition[];
}

const moving = [
  { name: 'old', gained: 0, gains: [] },
  { name: 'new', gained: 600, gains: [4, 5, 6] },
  { name: 'mute', gained: 200, gains: [7] },
];

const from = { direction: 'from', keys: 1 } as const;

const present = () =>
  ({ version: 4, placed: 4, keyspaces: [{ id: 3, name: 'orders' }] }) as unknown as Layout;

let time: VirtualTime;
let said: Record<string, Said | null>;
let transfers: Transfers;
beforeEach(() => {
  time = new VirtualTime();
  said = { old: { version: 4, lacking: 0, open: [], receivedBytes: 70 }, new: null, mute: null };
  const handles = () => Object.entries(said).map(([name, layouts], id) => ({ node: { id, name }, layouts }));
  transfers = new Transfers(time, () => handles() as unknown as NodeHandle[], present);
  transfers.begin();
});

describe('while data moves', () => {
  it('nodes that get copies are told one by one, and nobody has anything before it says so', async () => {
    const { nodes, partitionsDone, partitionsTotal } = transfers.progress(moving);
    expect(nodes.map(({ name }) => name)).toEqual(['new', 'mute']);
    expect({ partitionsDone, partitionsTotal }).toEqual({ partitionsDone: 0, partitionsTotal: 800 });
  });

  it('nor before it has taken the change: what it lacked of the one before is another matter', () => {
    said.new = { version: 3, lacking: 0, open: [], receivedBytes: 0 };
    expect(transfers.progress(moving).nodes[0]).toMatchObject({ partitionsDone: 0, open: [4, 5, 6] });
    said.new = { ...said.new, version: 4 };
    expect(transfers.progress(moving).nodes[0].partitionsDone).toBe(600);
  });

  it('rate and rest follow from what came since it began', async () => {
    await time.advance(10_000);
    said.new = { version: 4, lacking: 300, open: [4, 5], receivedBytes: 20_000 };
    said.old = { version: 4, lacking: 0, open: [], receivedBytes: 70 };
    const progress = transfers.progress(moving);
    expect(progress).toMatchObject({ bytesMoved: 20_000, bytesPerSecond: 2_000, partitionsDone: 300 });
    // 300 of 600 in ten seconds.
    expect(progress.nodes[0]).toMatchObject({ partitionsDone: 300, remainingMs: 10_000, open: [4, 5] });
    expect(progress.nodes[1]).toMatchObject({ partitionsDone: 0, remainingMs: null });
  });

  it('partitions that come just now are told with whence, share, rate and rest', () => {
    said.new = {
      ...{ version: 4, lacking: 300, open: [4, 5], receivedBytes: 20_000 },
      moving: [
        { ...from, keyspace: 3, partition: 5, peer: 9, share: null, bytes: 0, tookMs: 0 },
        { ...from, keyspace: 3, partition: 4, peer: 0, share: 0.25, bytes: 3_000, tookMs: 1_500 },
      ],
    };
    const [{ moving: rows }, mute] = transfers.progress(moving).nodes;
    const named = { keyspace: 'orders', partition: 4, from: 'old', share: 0.25, bytesMoved: 3_000 };
    expect(rows).toEqual([
      { ...named, bytesPerSecond: 2_000, remainingMs: 4_500 },
      // Compared, from a node that nobody knows any more.
      {
        ...{ keyspace: 'orders', partition: 5, from: '00000009', share: null, bytesMoved: 0 },
        ...{ bytesPerSecond: null, remainingMs: null },
      },
    ]);
    expect(mute.moving).toEqual([]);
  });

  it('also of what a node gets back that it had lost', () => {
    transfers.end();
    const one = { ...from, keyspace: 3, partition: 7, peer: 0, share: 1, bytes: 100, tookMs: 10 };
    said.new = { version: 4, lacking: 2, open: [7, 8], receivedBytes: 0, moving: [one] };
    const [{ name, moving: rows }] = transfers.progress([]).nodes;
    expect(name).toBe('new');
    expect(rows).toMatchObject([{ partition: 7, from: 'old', bytesPerSecond: 10_000, remainingMs: null }]);
  });

  it('partitions that are given are told by who gives them, also when nothing moves any more', () => {
    const to = { direction: 'to', keyspace: 3, peer: 1 } as const;
    const told = {
      ...said.old!,
      moving: [
        { ...to, partition: 9, share: null, keys: 12, bytes: 3_000, tookMs: 1_500 },
        { ...to, partition: 2, share: null, keys: 0, bytes: 0, tookMs: 3 },
      ],
    };
    said.old = told;
    const rows = [
      {
        node: 'old',
        keyspace: 'orders',
        partition: 2,
        to: 'new',
        keysGiven: 0,
        bytesGiven: 0,
        bytesPerSecond: null,
      },
      {
        node: 'old',
        keyspace: 'orders',
        partition: 9,
        to: 'new',
        keysGiven: 12,
        bytesGiven: 3_000,
        bytesPerSecond: 2_000,
      },
    ];
    const { given, nodes } = transfers.progress(moving);
    expect(given).toEqual(rows);
    expect(nodes.every((node) => node.moving.length === 0)).toBe(true);
    transfers.end();
    expect(transfers.progress([])).toMatchObject({ nodes: [], given: rows });
    said.old = { ...told, moving: [] };
    expect(transfers.progress([]).given).toEqual([]);
  });

  it('a host that was started anew meanwhile goes on from there', async () => {
    const anew = new Transfers(time, () => [], present);
    expect(anew.progress(moving)).toMatchObject({ partitionsTotal: 800, partitionsDone: 0 });
  });
});

it('once it has ended, all of it is done, at the pace that the next change is reckoned by', async () => {
  transfers.progress(moving);
  await time.advance(4_000);
  said.new = { version: 4, lacking: 0, open: [], receivedBytes: 8_000 };
  transfers.end();
  const over = { partitionsDone: 800, partitionsTotal: 800, bytesMoved: 8_000, nodes: [], remainingMs: null };
  expect(transfers.progress([])).toMatchObject(over);
  said.new = { version: 4, lacking: 0, open: [], receivedBytes: 9_000 };
  expect(transfers.progress([])).toMatchObject(over);
  expect(transfers.durationOf(2_000)).toBe(1_000);
});
