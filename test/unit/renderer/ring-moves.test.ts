/** A change as the ring shows it. */
import { describe, expect, it } from 'vitest';
import type { LayoutPreview } from '../../../core/contract/layout-views.ts';
import type { RingView } from '../../../core/contract/views.ts';
import { rimPaths, veilPath } from '../../../renderer/src/ring/rim-geometry.ts';
import {
  changeInWords,
  mostMoved,
  rangesInWords,
  ringChangeOf,
} from '../../../renderer/src/ring/ring-moves.ts';

const band = { outer: 200, inner: 190 };
const sectorsIn = (path: string) => path.split('z').length - 1;

describe('the rim of a change', () => {
  it('is one piece for neighbouring partitions, and never a whole circle in one', () => {
    const [path] = rimPaths([[0, 1, 2, 5]], 16, () => band);
    expect(sectorsIn(path)).toBe(2);
    const everything = Array.from({ length: 16 }, (_, partition) => partition);
    const [circle] = rimPaths([everything], 16, () => band);
    expect(sectorsIn(circle)).toBe(2);
  });

  it('stacks nodes that get the same partition, so that none hides another', () => {
    const lanes: string[] = [];
    rimPaths([[3], [3, 4]], 16, (lane, laneCount) => {
      lanes.push(`${lane} of ${laneCount}`);
      return band;
    });
    expect(lanes).toEqual(['0 of 2', '1 of 2', '0 of 2']);
  });

  it('leaves no veil over what moves', () => {
    expect(sectorsIn(veilPath(new Set([2, 3, 9]), 16, band))).toBe(3);
    expect(veilPath(new Set([0, 1]), 2, band)).toBe('');
  });
});

describe('a change in words', () => {
  it('names who gets copies and who lets them go', () => {
    const node = { dataCenter: 'here', color: '', open: [] };
    const moves = [
      { ...node, name: 'new', gains: [1, 2], releases: [] },
      { ...node, name: 'old', gains: [7], releases: [1] },
    ];
    expect(changeInWords({ state: 'staged', moves })).toBe(
      'Staged: what would move. new gets copies of 2 partitions. old gets copies of 1 partition and lets 1 partition go.',
    );
  });

  it('names the nodes with most to move where there are many', () => {
    const moves = Array.from({ length: 12 }, (_, index) => ({
      ...{ name: `n${index}`, dataCenter: 'here', color: '', releases: [], open: [] },
      gains: Array.from({ length: index + 1 }, (_, partition) => partition),
    }));
    expect(mostMoved(moves)[0].name).toBe('n11');
    expect(changeInWords({ state: 'under-way', moves })).toMatch(
      /n4 gets copies of 5 partitions\. And 4 more nodes\.$/,
    );
  });

  it('tells partitions as ranges, and how many more there are', () => {
    expect(rangesInWords([0, 1, 2, 40])).toBe('0–2, 40');
    expect(rangesInWords([1, 3, 5, 7, 9, 11])).toBe('1, 3, 5, 7 and 2 more ranges');
  });
});

describe('what the ring shows', () => {
  const ring = (names: readonly string[]): RingView => ({
    dataCenter: 'here',
    owners: [],
    nodes: names.map((name) => ({ id: name, name, weight: 1, arcCount: 0 })) as unknown as RingView['nodes'],
  });
  const rings = [ring(['old', 'new'])];
  const moves = (name: string, gains: number[], releases: number[]) => ({
    ...{ name, dataCenter: 'here', gains, releases },
  });
  const preview = (changes: string[], nodes: object[], underWay: object[]) =>
    ({ changes, nodes, underWay }) as unknown as LayoutPreview;
  const progress = (name: string, open: number[]) => ({
    ...{ name, open, partitionsDone: 0, partitionsTotal: 0, bytesMoved: 0, remainingMs: null },
    moving: [],
  });
  const underWay = [moves('new', [1, 2, 3], []), moves('old', [], [1, 2, 3])];

  it('is what is staged, before what is under way', () => {
    const shown = preview(['add'], [moves('new', [9], [])], underWay);
    const change = ringChangeOf({ preview: shown, isStaged: true, rings, progress: [progress('new', [9])] });
    expect(change).toMatchObject({ state: 'staged', moves: [{ name: 'new', gains: [9], open: [] }] });
  });

  it('tells what has come from what is still to come', () => {
    const shown = preview([], [], underWay);
    const change = ringChangeOf({
      preview: shown,
      isStaged: false,
      rings,
      progress: [progress('new', [2, 3, 8])],
    });
    expect(change).toMatchObject({
      state: 'under-way',
      moves: [{ name: 'new', open: [2, 3] }, { open: [] }],
    });
  });

  it('is which copies are missing where nothing changes, and nothing where all are there', () => {
    const lost = [progress('old', [4, 5])];
    const change = ringChangeOf({ preview: preview([], [], []), isStaged: false, rings, progress: lost });
    expect(change).toMatchObject({ state: 'lacking', moves: [{ name: 'old', gains: [4, 5], open: [4, 5] }] });
    expect(changeInWords(change!)).toContain('old lacks 2 partitions');
    expect(ringChangeOf({ preview: preview([], [], []), isStaged: false, rings, progress: [] })).toBeNull();
  });
});
