/** The segments of a job as cells of a strip: a few hundred segments share 128 cells, each showing its worst. Pure. */
import type { RepairSegment } from '../../../core/contract/repair-views.ts';
import { plural } from '../components/format.ts';

export const cellTones = ['failed', 'running', 'open', 'differs', 'done'] as const;
/** differs: done, and replicas differed there. */
export type CellTone = (typeof cellTones)[number];

export const toneWords: Readonly<Record<CellTone, string>> = {
  failed: 'failed',
  running: 'being compared',
  open: 'open',
  differs: 'compared, differed',
  done: 'compared, equal',
};

const cellCountMax = 128;

export interface SegmentCell {
  readonly firstPartition: number;
  readonly lastPartition: number;
  readonly tone: CellTone;
  readonly differences: number;
  readonly attempts: number;
}

export function toneOf({ state, differences }: RepairSegment): CellTone {
  return state === 'done' && differences > 0 ? 'differs' : state;
}

export function cellsOf(segments: readonly RepairSegment[]): SegmentCell[] {
  const width = Math.max(1, Math.ceil(segments.length / cellCountMax));
  const cells: SegmentCell[] = [];
  for (let from = 0; from < segments.length; from += width) {
    const inside = segments.slice(from, from + width);
    const tones = inside.map(toneOf);
    cells.push({
      firstPartition: inside[0].firstPartition,
      lastPartition: inside.at(-1)!.lastPartition,
      tone: cellTones.find((tone) => tones.includes(tone))!,
      differences: inside.reduce((sum, segment) => sum + segment.differences, 0),
      attempts: Math.max(...inside.map((segment) => segment.attempts)),
    });
  }
  return cells;
}

export function cellTitle(cell: SegmentCell): string {
  const differing = cell.differences > 0 ? `, ${plural(cell.differences, 'key')} differed` : '';
  return `Partitions ${cell.firstPartition} to ${cell.lastPartition}: ${toneWords[cell.tone]}${differing}`;
}

/** How many segments are in each state. */
export function toneCounts(segments: readonly RepairSegment[]): { tone: CellTone; count: number }[] {
  const counts = new Map<CellTone, number>();
  for (const segment of segments) {
    const tone = toneOf(segment);
    counts.set(tone, (counts.get(tone) ?? 0) + 1);
  }
  return cellTones.flatMap((tone) => {
    const count = counts.get(tone) ?? 0;
    return count === 0 ? [] : [{ tone, count }];
  });
}
