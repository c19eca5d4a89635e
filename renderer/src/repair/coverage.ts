/** How long ago the ranges of a keyspace were compared, in bands and in words. Pure. */
import type { RepairCoverage } from '../../../core/contract/repair-views.ts';
import type { KeyspaceView } from '../../../core/contract/views.ts';
import { formatDuration } from '../components/format.ts';

export const ageBands = ['day', 'week', 'month', 'older', 'not-yet', 'never'] as const;
export type AgeBand = (typeof ageBands)[number];

export const bandWords: Readonly<Record<AgeBand, string>> = {
  day: 'within a day',
  week: 'within a week',
  month: 'within 30 days',
  older: 'longer ago',
  'not-yet': 'not yet',
  never: 'never',
};

const dayMs = 24 * 3_600_000;

/**
 * A keyspace younger than this owes no repair: what its replicas missed they get from hints and from each other in the
 * background, and no deletion is forgotten before every replica has it. After a day "never" is worth a look.
 */
const repairDueAfterMs = dayMs;

export function repairIsDue({ createdAtMs }: Pick<KeyspaceView, 'createdAtMs'>, nowMs: number): boolean {
  return nowMs - createdAtMs > repairDueAfterMs;
}

/** `isDue`: the keyspace is old enough that some comparison should have been. */
export function bandOf(
  comparedAtMs: number | null,
  { nowMs, isDue }: { nowMs: number; isDue: boolean },
): AgeBand {
  if (comparedAtMs === null) return isDue ? 'never' : 'not-yet';
  const days = (nowMs - comparedAtMs) / dayMs;
  if (days <= 1) return 'day';
  if (days <= 7) return 'week';
  return days <= 30 ? 'month' : 'older';
}

export interface ComparedRange {
  readonly firstPartition: number;
  readonly lastPartition: number;
  readonly band: AgeBand;
  /** The oldest comparison in it; null: never. */
  readonly comparedAtMs: number | null;
}

export function rangesOf(
  { comparedAtMs }: RepairCoverage,
  partitionCount: number,
  at: { nowMs: number; isDue: boolean },
): ComparedRange[] {
  const width = partitionCount / comparedAtMs.length;
  return comparedAtMs.map((atMs, index) => ({
    firstPartition: Math.round(index * width),
    lastPartition: Math.round((index + 1) * width) - 1,
    band: bandOf(atMs, at),
    comparedAtMs: atMs,
  }));
}

/** Neighbours of one band as one range: the rows of the table. */
export function runsOf(ranges: readonly ComparedRange[]): ComparedRange[] {
  const runs: ComparedRange[] = [];
  for (const range of ranges) {
    const last = runs.at(-1);
    if (last === undefined || last.band !== range.band) {
      runs.push(range);
      continue;
    }
    const { lastPartition } = range;
    const comparedAtMs =
      last.comparedAtMs === null || range.comparedAtMs === null
        ? null
        : Math.min(last.comparedAtMs, range.comparedAtMs);
    runs[runs.length - 1] = { ...last, lastPartition, comparedAtMs };
  }
  return runs;
}

export function rangeWords({ firstPartition, lastPartition }: ComparedRange): string {
  return `${firstPartition} to ${lastPartition}`;
}

export interface CoverageSummary {
  readonly count: number;
  readonly neverCount: number;
  /** Of the ranges that were compared; null when none was. */
  readonly oldestMs: number | null;
  readonly newestMs: number | null;
}

export function summaryOf({ comparedAtMs }: RepairCoverage): CoverageSummary {
  const times = comparedAtMs.filter((atMs) => atMs !== null);
  return {
    count: comparedAtMs.length,
    neverCount: comparedAtMs.length - times.length,
    oldestMs: times.length === 0 ? null : Math.min(...times),
    newestMs: times.length === 0 ? null : Math.max(...times),
  };
}

export function summarySentence(
  summary: CoverageSummary,
  { nowMs, isDue }: { nowMs: number; isDue: boolean },
): string {
  const { count, neverCount, oldestMs, newestMs } = summary;
  if (oldestMs === null || newestMs === null) return isDue ? 'Never compared.' : 'Not compared yet.';
  const newest = formatDuration(nowMs - newestMs);
  if (neverCount > 0)
    return `${count - neverCount} of ${count} ranges were compared, the last ${newest} ago; ${neverCount} ${isDue ? 'never' : 'not yet'}.`;
  const oldest = formatDuration(nowMs - oldestMs);
  return oldest === newest
    ? `Last compared ${newest} ago, every range.`
    : `Last compared ${newest} ago; the oldest range ${oldest} ago.`;
}

/** Why a keyspace cannot be repaired; null when it can. */
export function nothingToCompare({ replicaCount }: Pick<KeyspaceView, 'replicaCount'>): string | null {
  return replicaCount < 2 ? 'There is one replica only: nothing to compare it with.' : null;
}
