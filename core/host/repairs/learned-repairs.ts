/** What other computers tell of repairs, taken where it is later than what is known here; and all that is told to them. */
import type { Clock } from '../../ports/clock.ts';
import type { Coverage } from './coverage.ts';
import type { JobBook, Self } from './job-book.ts';
import type { Schedules } from './schedules.ts';
import { isOver, isWhole, partitionsOf } from './segments.ts';
import type { SharedJob, SharedRecord } from './shared-records.ts';

interface Components {
  readonly clock: Clock;
  readonly self: () => Self;
  readonly jobs: JobBook;
  readonly schedules: Schedules;
  readonly coverage: Coverage;
  /** Ends what runs of the job here. */
  readonly halt: (job: SharedJob) => void;
  readonly noted: (subject: string, message: string, who: string | null) => void;
  readonly changed: () => void;
}

export class LearnedRepairs {
  readonly #parts: Components;

  constructor(parts: Components) {
    this.#parts = parts;
  }

  get records(): SharedRecord[] {
    const { jobs, schedules } = this.#parts;
    return [
      ...schedules.removals.map((removal) => ({ kind: 'removal' as const, format: 1 as const, removal })),
      ...schedules.all.map((schedule) => ({ kind: 'schedule' as const, format: 1 as const, schedule })),
      ...jobs.newestFirst.map((job) => ({ kind: 'job' as const, format: 1 as const, job })),
    ];
  }

  learn(record: SharedRecord): void {
    const { schedules, noted, changed } = this.#parts;
    switch (record.kind) {
      case 'job':
        this.#learnJob(record.job);
        return;
      case 'schedule': {
        const { keyspace, everyDays, at, askedBy, askedOn } = record.schedule;
        const what = schedules.learn(record.schedule);
        if (what === 'new') {
          noted(
            keyspace,
            `${keyspace} is repaired every ${everyDays} days at ${at}.`,
            whoIn(askedBy, askedOn),
          );
        }
        if (what !== null) changed();
        return;
      }
      case 'removal': {
        const removed = schedules.learnRemoval(record.removal);
        if (removed === null) return;
        noted(
          removed.keyspace,
          `A repair schedule of ${removed.keyspace} was removed at another computer.`,
          null,
        );
        changed();
      }
    }
  }

  #learnJob(job: SharedJob): void {
    const { jobs, self, halt, noted, changed } = this.#parts;
    const learned = jobs.learn(job);
    if (learned === null) return;
    const { before } = learned;
    const own = self().id;
    if (before === undefined && !isOver(job)) {
      const what = job.dryRun ? 'Counting differences' : 'Repair';
      noted(job.keyspace, `${what} of ${job.keyspace} was asked for.`, whoIn(job.askedBy, job.askedOn));
    }
    if (before?.mark.runner === own) {
      halt(before);
      if (!isOver(before) && !isOver(job) && job.mark.runner !== own) {
        const words = `The repair of ${job.keyspace} goes on at ${job.runsOn ?? 'another computer'}.`;
        noted(job.keyspace, words, null);
      }
    }
    this.#cover(job, before);
    changed();
  }

  /** What was compared elsewhere since the last copy was compared now; of a job that has ended, when it ended. */
  #cover(job: SharedJob, before: SharedJob | undefined): void {
    const { coverage, clock } = this.#parts;
    const done = new Set(
      before?.segments.filter(({ state }) => state === 'done').map(({ firstPartition }) => firstPartition),
    );
    const nowMs = clock.nowMs();
    const atMs = Math.min(job.endedAtMs ?? nowMs, nowMs);
    for (const segment of job.segments) {
      if (segment.state !== 'done' || done.has(segment.firstPartition) || !isWhole(job, segment)) continue;
      coverage.compared(job.keyspace, partitionsOf(segment), atMs);
    }
  }
}

/** "anna at Front desk". */
function whoIn(askedBy: string | null, askedOn: string | null): string | null {
  if (askedBy === null) return null;
  return askedOn === null ? askedBy : `${askedBy} at ${askedOn}`;
}
