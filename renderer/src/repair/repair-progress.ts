/**
 * When each job last moved, as far as this page has seen: the host tells how far a job is, not since when. A job that
 * does not move for a minute has stalled.
 */
import type { RepairJob } from '../../../core/contract/repair-views.ts';
import { isOver } from './repair-words.ts';

const stallMs = 60_000;

interface Seen {
  readonly mark: string;
  readonly sinceMs: number;
}

function markOf({ state, segments }: RepairJob): string {
  return `${state} ${segments.filter((segment) => segment.state === 'done').length}`;
}

/** A job seen for the first time, and nothing of it done, has stood since it began. */
function firstSinceMs(job: RepairJob, nowMs: number): number {
  const begun = job.segments.some(({ state }) => state === 'done');
  if (begun) return nowMs;
  return job.state === 'waiting' ? job.createdAtMs : (job.startedAtMs ?? nowMs);
}

export class RepairProgress {
  #seen = new Map<string, Seen>();

  note(jobs: readonly RepairJob[], nowMs: number): void {
    const seen = new Map<string, Seen>();
    for (const job of jobs) {
      if (isOver(job)) continue;
      const mark = markOf(job);
      const before = this.#seen.get(job.id);
      const sinceMs = before === undefined ? firstSinceMs(job, nowMs) : nowMs;
      seen.set(job.id, before?.mark === mark ? before : { mark, sinceMs });
    }
    this.#seen = seen;
  }

  /** How long an active job has stood still when that is over a minute; null otherwise. Paused ones stand on purpose. */
  stalledMs(job: RepairJob, nowMs: number): number | null {
    const seen = this.#seen.get(job.id);
    if (seen === undefined || isOver(job) || job.state === 'paused') return null;
    const standingMs = nowMs - seen.sinceMs;
    return standingMs > stallMs ? standingMs : null;
  }
}
