/** What `coterie layout show` says while data moves. */
import { expect, it } from 'vitest';
import { viewText } from '../../../core/cli/layout-text.ts';
import type { LayoutView, NodeProgress } from '../../../core/contract/layout-views.ts';

const node: NodeProgress = {
  ...{
    name: 'node-4',
    partitionsDone: 3,
    partitionsTotal: 12,
    bytesMoved: 2_048,
    remainingMs: 9_000,
    open: [417],
  },
  moving: [
    {
      ...{ keyspace: 'default', partition: 417, from: 'node-2', share: 0.629, bytesMoved: 6_501_171 },
      ...{ bytesPerSecond: 3_250_585, remainingMs: 1_200 },
    },
    {
      ...{ keyspace: 'default', partition: 418, from: 'node-1', share: null, bytesMoved: 0 },
      ...{ bytesPerSecond: null, remainingMs: null },
    },
  ],
};
const view: LayoutView = {
  ...{ version: 4, state: 'changing', staged: 0, changes: [], joinsByItself: false, transfer: 'normal' },
  progress: {
    ...{ partitionsDone: 3, partitionsTotal: 12, bytesMoved: 2_048, bytesPerSecond: 1_024 },
    ...{ remainingMs: 9_000, nodes: [node], given: [] },
  },
  waitsFor: ['node-4 is getting its share.'],
};

it('each partition that comes just now has its line under its node', () => {
  expect(viewText(view).split('\n')).toEqual([
    'Layout 4, changing.',
    '3 of 12 copies moved, 2.0 KiB, 1.0 KiB a second, some 9 s left.',
    '- node-4: 3 of 12, 2.0 KiB, some 9 s left',
    '  partition 417 of default from node-2: 62 %, 3.1 MiB a second, some 2 s left',
    '  partition 418 of default from node-1: compared',
    'node-4 is getting its share.',
  ]);
});

it('what a node gets back that it had lost is told though nothing changes', () => {
  const progress = { ...view.progress, nodes: [{ ...node, moving: node.moving.slice(1) }] };
  expect(viewText({ ...view, state: 'settled', waitsFor: [], progress }).split('\n')).toEqual([
    'Layout 4, settled.',
    'Copies are missing, and come back:',
    '- node-4: 12 still missing',
    '  partition 418 of default from node-1: compared',
  ]);
});

it('what former replicas give has a line each, also once the change is over', () => {
  const one = { node: 'node-1', keyspace: 'default', partition: 9, to: 'node-4' };
  const given = [
    { ...one, keysGiven: 1_200, bytesGiven: 2_048, bytesPerSecond: 1_024 },
    { ...one, partition: 10, keysGiven: 0, bytesGiven: 0, bytesPerSecond: null },
  ];
  const progress = { ...view.progress, nodes: [], given };
  expect(viewText({ ...view, state: 'settled', waitsFor: [], progress }).split('\n')).toEqual([
    'Layout 4, settled.',
    'Given to those that have it from now on:',
    '- node-1: partition 9 of default to node-4: 1200 keys, 2.0 KiB, 1.0 KiB a second',
    '- node-1: partition 10 of default to node-4: compared',
  ]);
});
