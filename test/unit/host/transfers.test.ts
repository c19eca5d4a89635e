/** How far a change is, by what nodes say. */
import { beforeEach, describe, expect, it } from 'vitest';
import { Transfers } from '../../../core/host/layouts/transfers.ts';
import { waitingInWords } from '../../../core/host/layouts/waiting-words.ts';
import type { NodeHandle } from '../../../core/host/nodes/node-handle.ts';
import { VirtualTime } from '../../support/virtual-time.ts';

interface Said {
  lacking: number;
  open: number[];
  receivedBytes: number;
}

const moving = [
  { name: 'old', gained: 0 },
  { name: 'new', gained: 600 },
  { name: 'mute', gained: 200 },
];

let time: VirtualTime;
let said: Record<string, Said | null>;
let transfers: Transfers;
beforeEach(() => {
  time = new VirtualTime();
  said = { old: { lacking: 0, open: [], receivedBytes: 70 }, new: null, mute: null };
  const handles = () => Object.entries(said).map(([name, layouts], id) => ({ node: { id, name }, layouts }));
  transfers = new Transfers(time, () => handles() as unknown as NodeHandle[]);
  transfers.begin();
});

describe('while data moves', () => {
  it('nodes that get copies are told one by one, and nobody has anything before it says so', async () => {
    const { nodes, partitionsDone, partitionsTotal } = transfers.progress(moving);
    expect(nodes.map(({ name }) => name)).toEqual(['new', 'mute']);
    expect({ partitionsDone, partitionsTotal }).toEqual({ partitionsDone: 0, partitionsTotal: 800 });
  });

  it('rate and rest follow from what came since it began', async () => {
    await time.advance(10_000);
    said.new = { lacking: 300, open: [4, 5], receivedBytes: 20_000 };
    said.old = { lacking: 0, open: [], receivedBytes: 70 };
    const progress = transfers.progress(moving);
    expect(progress).toMatchObject({ bytesMoved: 20_000, bytesPerSecond: 2_000, partitionsDone: 300 });
    // 300 of 600 in ten seconds.
    expect(progress.nodes[0]).toMatchObject({ partitionsDone: 300, remainingMs: 10_000, open: [4, 5] });
    expect(progress.nodes[1]).toMatchObject({ partitionsDone: 0, remainingMs: null });
  });

  it('a host that was started anew meanwhile goes on from there', async () => {
    const anew = new Transfers(time, () => []);
    expect(anew.progress(moving)).toMatchObject({ partitionsTotal: 800, partitionsDone: 0 });
  });
});

it('once it has ended, all of it is done, at the pace that the next change is reckoned by', async () => {
  transfers.progress(moving);
  await time.advance(4_000);
  said.new = { lacking: 0, open: [], receivedBytes: 8_000 };
  transfers.end();
  const over = { partitionsDone: 800, partitionsTotal: 800, bytesMoved: 8_000, nodes: [], remainingMs: null };
  expect(transfers.progress([])).toMatchObject(over);
  said.new = { lacking: 0, open: [], receivedBytes: 9_000 };
  expect(transfers.progress([])).toMatchObject(over);
  expect(transfers.durationOf(2_000)).toBe(1_000);
});

it('nodes that are waited for at one step are named in one sentence', () => {
  const words = waitingInWords(
    [
      { nodeId: 1, step: 'fetch' },
      { nodeId: 2, step: 'hear' },
      { nodeId: 3, step: 'fetch' },
    ],
    (nodeId) => `node-${nodeId}`,
  );
  expect(words).toHaveLength(2);
  expect(words[0]).toContain('node-2 has not taken the change yet.');
  expect(words[1]).toBe('node-1 and node-3 are getting their share.');
});
