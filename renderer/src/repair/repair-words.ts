/** Repairs in words: states, intensities, what a job waits for, how it stands. Pure. */
import type {
  RepairIntensity,
  RepairJob,
  RepairScheduleSettings,
  RepairState,
} from '../../../core/contract/repair-views.ts';
import { listWords, plural } from '../components/format.ts';

export const stateWords: Readonly<Record<RepairState, string>> = {
  waiting: 'Waiting',
  running: 'Running',
  paused: 'Paused',
  done: 'Done',
  failed: 'Failed',
  cancelled: 'Cancelled',
};

export const intensityWords: Readonly<Record<RepairIntensity, string>> = {
  gentle: 'Rests for seconds after each segment: clients hardly notice it, and it takes longest.',
  normal: 'Rests shortly after each segment: clients keep most of the time.',
  fast: 'Does not rest: it ends soonest, and clients may wait longer meanwhile.',
};

export function isOver({ state }: Pick<RepairJob, 'state'>): boolean {
  return state === 'done' || state === 'failed' || state === 'cancelled';
}

export interface JobProgress {
  readonly total: number;
  readonly doneCount: number;
  readonly failedCount: number;
  /** 0 to 1. */
  readonly share: number;
}

export function progressOf({ segments }: Pick<RepairJob, 'segments'>): JobProgress {
  let doneCount = 0;
  let failedCount = 0;
  for (const { state } of segments) {
    if (state === 'done') doneCount++;
    else if (state === 'failed') failedCount++;
  }
  return {
    total: segments.length,
    doneCount,
    failedCount,
    share: segments.length === 0 ? 1 : doneCount / segments.length,
  };
}

/** "partitions 0 to 255", "whole ring", and where. */
export function scopeWords({ segments, dataCenters }: RepairJob, partitionCount: number): string {
  const first = segments[0]?.firstPartition ?? 0;
  const last = segments.at(-1)?.lastPartition ?? partitionCount - 1;
  const whole = first === 0 && last === partitionCount - 1;
  const range = whole ? 'Whole ring' : `Partitions ${first} to ${last}`;
  return dataCenters.length === 0 ? range : `${range} in ${listWords(dataCenters)}`;
}

/** "by anna (command line)". */
export function askerWords({ by, askedBy }: Pick<RepairJob, 'by' | 'askedBy'>): string {
  return by === 'schedule' ? 'by a schedule' : `by ${askedBy ?? 'a person'}`;
}

/** Failures that a later whole repair of the keyspace has made good are history. */
export function isMadeGood(job: RepairJob, jobs: readonly RepairJob[]): boolean {
  const first = job.segments[0]?.firstPartition ?? 0;
  const last = job.segments.at(-1)?.lastPartition ?? 0;
  return jobs.some(
    (other) =>
      other.keyspace === job.keyspace &&
      other.state === 'done' &&
      !other.dryRun &&
      other.dataCenters.length === 0 &&
      other.createdAtMs > job.createdAtMs &&
      (other.segments[0]?.firstPartition ?? 0) <= first &&
      (other.segments.at(-1)?.lastPartition ?? 0) >= last,
  );
}

export interface JobGroups {
  readonly failed: readonly RepairJob[];
  readonly active: readonly RepairJob[];
  readonly history: readonly RepairJob[];
}

/** `jobs`: newest first. */
export function groupsOf(jobs: readonly RepairJob[]): JobGroups {
  const failed = jobs.filter((job) => job.state === 'failed' && !isMadeGood(job, jobs));
  return {
    failed,
    active: jobs.filter((job) => !isOver(job)),
    history: jobs.filter((job) => isOver(job) && !failed.includes(job)),
  };
}

export function scheduleSentence({ everyDays, at, timeZone }: RepairScheduleSettings): string {
  return `${everyDays === 1 ? 'Every day' : `Every ${plural(everyDays, 'day')}`} at ${at}, ${timeZone}`;
}

export function quietSentence({ blackouts }: Pick<RepairScheduleSettings, 'blackouts'>): string {
  if (blackouts.length === 0) return 'No quiet hours';
  return `Quiet from ${listWords(blackouts.map(({ from, until }) => `${from} to ${until}`))}`;
}
