/**
 * Repairs as people ask for them: run, pause, resume, cancel, try again, schedule. Jobs are kept in the catalog, so they go on
 * after a restart of their host; after a crash, at most a few seconds of work behind.
 */
import { CoterieError, toCoterieError } from '../../base/errors.ts';
import { partitionCount } from '../../base/token.ts';
import type {
  RepairJob,
  RepairRequest,
  RepairSchedule,
  RepairScheduleSettings,
  RepairsView,
} from '../../contract/repair-views.ts';
import { keyspaceNamed } from '../../layout/layout.ts';
import type { Cancellable, Timers } from '../../ports/clock.ts';
import { Coverage, type SavedCoverage } from './coverage.ts';
import { JobBook } from './job-book.ts';
import { JobRunner, type RunnerSurroundings } from './job-runner.ts';
import type { RepairStore } from './repair-store.ts';
import { Schedules } from './schedules.ts';
import { replicasOf } from './segments.ts';

export interface RepairSurroundings
  extends Pick<RunnerSurroundings, 'clock' | 'layout' | 'isUp' | 'execute'> {
  readonly timers: Timers;
  readonly store: RepairStore;
  changed(): void;
  noted(severity: 'info' | 'warning', subject: string, message: string, by: 'person' | 'system'): void;
}

export interface SavedRepairs {
  readonly jobs: readonly RepairJob[];
  readonly schedules: readonly RepairSchedule[];
  readonly coverage: readonly SavedCoverage[];
}

const tickMs = 500;
const saveProgressEveryMs = 5_000;

export class Repairs {
  readonly #around: RepairSurroundings;
  readonly #jobs: JobBook;
  readonly #schedules: Schedules;
  readonly #coverage: Coverage;
  readonly #runner: JobRunner;
  #progressSavedAtMs: number;
  #tick: Cancellable | null = null;
  #closed = false;

  constructor(around: RepairSurroundings, saved: SavedRepairs) {
    this.#around = around;
    this.#progressSavedAtMs = around.clock.monotonicMs();
    this.#jobs = new JobBook(around.store, saved.jobs);
    this.#schedules = new Schedules(around, saved.schedules);
    this.#coverage = new Coverage(around, saved.coverage);
    const { clock, layout, isUp, execute } = around;
    this.#runner = new JobRunner({
      ...{ clock, layout, isUp, execute },
      quietUntilMs: (job) => this.#schedules.quietUntilMs(job.scheduleId),
      began: (job) => this.#jobs.save(job),
      progressed: (job) => {
        this.#jobs.progressed(job);
        around.changed();
      },
      compared: (keyspace, partitions) => this.#coverage.compared(keyspace, partitions),
      step: () => this.#step(),
    });
    this.#armTick();
  }

  view(): RepairsView {
    const coverage = this.#around.layout().keyspaces.map(({ name }) => this.#coverage.viewOf(name));
    return { jobs: this.#jobs.newestFirst, schedules: this.#schedules.all, coverage };
  }

  /** Throws `not-found`, `bad-input`, `busy`. */
  run(request: Required<RepairRequest>, scheduleId: string | null = null): RepairJob {
    const { keyspace, dataCenters, firstPartition, lastPartition, dryRun } = request;
    const layout = this.#around.layout();
    keyspaceNamed(layout, keyspace);
    this.#jobs.refuseMany();
    for (const dataCenter of dataCenters) {
      if (layout.dataCenters.includes(dataCenter)) continue;
      const known = layout.dataCenters.join(', ');
      throw new CoterieError('not-found', `There is no data center "${dataCenter}". Data centers: ${known}.`);
    }
    if (lastPartition < firstPartition) {
      throw new CoterieError('bad-input', 'The last partition lies before the first one.');
    }
    if (replicasOf(layout, keyspace, dataCenters).every((replicas) => replicas.length < 2)) {
      throw new CoterieError('bad-input', 'There is one replica only: nothing to compare it with.');
    }
    const job = this.#jobs.add(layout, request, scheduleId, this.#around.clock.nowMs());
    const what = dryRun ? 'Counting differences' : 'Repair';
    const by = scheduleId === null ? 'person' : 'system';
    this.#note(job, `${what} of ${keyspace} was asked for.`, by);
    this.#step();
    return job;
  }

  pause(id: string): void {
    const job = this.#jobs.open(id);
    this.#runner.halt(job);
    Object.assign(job, { state: 'paused', waitingFor: { for: 'person' } });
    this.#jobs.save(job);
    this.#note(job, `The repair of ${job.keyspace} is paused.`);
  }

  resume(id: string): void {
    const job = this.#jobs.open(id);
    if (job.state !== 'paused') throw new CoterieError('conflict', 'This repair is not paused.');
    const state = job.startedAtMs === null ? 'waiting' : 'running';
    Object.assign(job, { state, waitingFor: { for: 'turn' } });
    this.#jobs.save(job);
    this.#note(job, `The repair of ${job.keyspace} goes on.`);
    this.#step();
  }

  cancel(id: string): void {
    this.#end(this.#jobs.open(id), 'cancelled', 'person');
  }

  /** Tries the failed segments again. */
  retry(id: string): void {
    const job = this.#jobs.named(id);
    if (job.state !== 'failed') {
      throw new CoterieError('conflict', 'Only a failed repair can be tried again.');
    }
    this.#jobs.refuseMany();
    for (const segment of job.segments) {
      if (segment.state === 'failed') Object.assign(segment, { state: 'open', attempts: 0 });
    }
    Object.assign(job, { state: 'running', waitingFor: { for: 'turn' }, endedAtMs: null });
    this.#jobs.save(job);
    this.#around.changed();
    this.#step();
  }

  schedule(settings: RepairScheduleSettings): RepairSchedule {
    const { keyspace, everyDays, at } = settings;
    keyspaceNamed(this.#around.layout(), keyspace);
    const schedule = this.#schedules.add(settings);
    this.#note(schedule, `${keyspace} is repaired every ${everyDays} days at ${at}.`);
    return schedule;
  }

  unschedule(id: string): void {
    const schedule = this.#schedules.remove(id);
    this.#note(schedule, `A repair schedule of ${schedule.keyspace} was removed.`);
  }

  close(): void {
    this.#closed = true;
    this.#tick?.cancel();
    this.#runner.close();
    this.#saveProgress();
  }

  #armTick(): void {
    this.#tick = this.#around.timers.after(tickMs, () => {
      if (this.#around.clock.monotonicMs() - this.#progressSavedAtMs >= saveProgressEveryMs) {
        this.#saveProgress();
      }
      for (const schedule of this.#schedules.takeDue()) this.#runScheduled(schedule);
      this.#step();
      if (!this.#closed) this.#armTick();
    });
  }

  #saveProgress(): void {
    this.#progressSavedAtMs = this.#around.clock.monotonicMs();
    this.#jobs.saveProgress();
    this.#coverage.save();
  }

  #runScheduled(schedule: RepairSchedule): void {
    const { id, keyspace, dataCenters, parallelism, intensity } = schedule;
    const warn = (message: string) => this.#around.noted('warning', keyspace, message, 'system');
    if (this.#jobs.hasOpen(keyspace)) {
      warn(`The scheduled repair of ${keyspace} is left out: the previous one still runs.`);
      return;
    }
    const everything = { firstPartition: 0, lastPartition: partitionCount - 1, dryRun: false };
    try {
      this.run({ keyspace, dataCenters, parallelism, intensity, ...everything }, id);
    } catch (cause) {
      warn(`A scheduled repair cannot run: ${toCoterieError(cause, 'bad-input').message}`);
    }
  }

  #step(): void {
    if (this.#closed) return;
    const { keyspaces } = this.#around.layout();
    for (const job of this.#jobs.active) {
      const before = job.waitingFor;
      if (!keyspaces.some(({ name }) => name === job.keyspace)) this.#end(job, 'cancelled', 'system');
      else {
        const outcome = this.#runner.advance(job);
        if (outcome !== null) this.#end(job, outcome, 'system');
        else if (JSON.stringify(job.waitingFor) !== JSON.stringify(before)) this.#around.changed();
      }
    }
  }

  #end(job: RepairJob, state: 'done' | 'failed' | 'cancelled', by: 'person' | 'system'): void {
    this.#runner.halt(job);
    this.#jobs.end(job, state, this.#around.clock.nowMs());
    const { keyspace, keysDiffering, dryRun } = job;
    const found = `${keysDiffering} ${keysDiffering === 1 ? 'key' : 'keys'} differed${dryRun ? '' : ' and were repaired'}.`;
    const words = {
      done: `The repair of ${keyspace} is done: ${found}`,
      failed: `The repair of ${keyspace} failed in part. Look at its reasons, then try it again.`,
      cancelled: `The repair of ${keyspace} was cancelled.`,
    }[state];
    this.#note(job, words, by, state === 'failed' ? 'warning' : 'info');
  }

  #note(
    { keyspace }: { keyspace: string },
    message: string,
    by: 'person' | 'system' = 'person',
    severity: 'info' | 'warning' = 'info',
  ): void {
    this.#around.noted(severity, keyspace, message, by);
    this.#around.changed();
  }
}
