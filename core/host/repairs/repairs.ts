/**
 * Repairs as people ask for them: run, pause, resume, cancel, try again, schedule. They are those of the whole cluster: every computer
 * knows all of them, and one of them runs each (who-runs.ts). They are kept in the catalog, so they go on after a restart of their host;
 * after a crash, at most a few seconds of work behind.
 */
import { CoterieError, toCoterieError } from '../../base/errors.ts';
import { partitionCount } from '../../base/token.ts';
import type { RepairRequest, RepairScheduleSettings, RepairsView } from '../../contract/repair-views.ts';
import { keyspaceNamed } from '../../layout/layout.ts';
import type { Cancellable, Timers } from '../../ports/clock.ts';
import type { Log } from '../../ports/log.ts';
import { Coverage } from './coverage.ts';
import { JobBook, type Origin, type Self } from './job-book.ts';
import { JobRunner, type RunnerSurroundings } from './job-runner.ts';
import { LearnedRepairs } from './learned-repairs.ts';
import { RepairExchange } from './repair-exchange.ts';
import { checkRequest } from './repair-request.ts';
import type { RepairStore, SavedRepairs } from './repair-store.ts';
import { type DueRun, Schedules } from './schedules.ts';
import { jobIdOf, type SharedJob, type SharedSchedule } from './shared-records.ts';
import { AwayWatch, clusterNowMs, isFirst, type Peer } from './who-runs.ts';

export interface RepairSurroundings
  extends Pick<RunnerSurroundings, 'clock' | 'layout' | 'isUp' | 'execute'> {
  readonly timers: Timers;
  readonly log: Log;
  readonly store: RepairStore;
  /** This computer. */
  self(): Self;
  /** The other computers of the cluster. */
  peers(): readonly Peer[];
  changed(): void;
  /** `who`: a person, in words; null: nobody asked for it. */
  noted(severity: 'info' | 'warning', subject: string, message: string, who: string | null): void;
}

const tickMs = 500;
const saveProgressEveryMs = 5_000;

export class Repairs {
  /** With the other computers. */
  readonly exchange: RepairExchange;
  readonly #around: RepairSurroundings;
  readonly #jobs: JobBook;
  readonly #schedules: Schedules;
  readonly #coverage: Coverage;
  readonly #runner: JobRunner;
  readonly #away = new AwayWatch();
  /** Jobs from before this start: another computer may have gone on with them. */
  readonly #older: ReadonlySet<string>;
  #progressSavedAtMs: number;
  #tick: Cancellable | null = null;
  #closed = false;

  constructor(around: RepairSurroundings, saved: SavedRepairs) {
    this.#around = around;
    this.#progressSavedAtMs = around.clock.monotonicMs();
    const { clock, layout, isUp, execute, store, self, peers, log } = around;
    const nowMs = () => clusterNowMs(clock.nowMs(), peers());
    this.#jobs = new JobBook(around, saved.jobs);
    this.#older = new Set(this.#jobs.active.map(({ id }) => id));
    this.#schedules = new Schedules({ store, self, nowMs }, saved.schedules, saved.removals);
    this.#coverage = new Coverage(around, saved.coverage);
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
    const learned = new LearnedRepairs({
      ...{ clock, self, jobs: this.#jobs, schedules: this.#schedules, coverage: this.#coverage },
      halt: (job) => this.#runner.halt(job),
      noted: (subject, message, who) => around.noted('info', subject, message, who),
      changed: around.changed,
    });
    this.exchange = new RepairExchange({
      ...{ clock, log, peers },
      records: () => learned.records,
      learn: (record) => learned.learn(record),
    });
  }

  /** Jobs run and schedules begin from now on. */
  start(): void {
    this.#tick = this.#around.timers.after(tickMs, () => {
      if (this.#around.clock.monotonicMs() - this.#progressSavedAtMs >= saveProgressEveryMs) {
        this.#saveProgress();
      }
      this.#takeOverOrphans();
      const { self, peers } = this.#around;
      if (this.exchange.isSettled && isFirst(self().id, peers())) {
        for (const due of this.#schedules.takeDue()) this.#runScheduled(due);
      }
      this.#step();
      if (!this.#closed) this.start();
    });
  }

  view(): RepairsView {
    const coverage = this.#around.layout().keyspaces.map(({ name }) => this.#coverage.viewOf(name));
    return { jobs: this.#jobs.newestFirst.map(told), schedules: this.#schedules.all.map(told), coverage };
  }

  /** The whole id of a repair, and the computer that runs it where that is another one, and is heard. Throws `not-found`. */
  whereIs(id: string): { readonly id: string; readonly computer: string | null } {
    const job = this.#jobs.named(id);
    const { runner } = job.mark;
    const host = this.#around
      .peers()
      .find(({ ids, isReached, takesPart }) => isReached && takesPart && ids.includes(runner));
    return { id: job.id, computer: host === undefined ? null : runner };
  }

  /** `who`: asks for it, in words. Throws `not-found`, `bad-input`, `busy`. */
  run(request: Required<RepairRequest>, who: string): SharedJob {
    return this.#run(request, { scheduleId: null, askedBy: who });
  }

  pause(id: string, who: string): void {
    const job = this.#jobs.open(id);
    this.#runner.halt(job);
    this.#jobs.takeOver(job);
    Object.assign(job, { state: 'paused', waitingFor: { for: 'person' } });
    this.#jobs.save(job);
    this.#note(job, `The repair of ${job.keyspace} is paused.`, who);
  }

  resume(id: string, who: string): void {
    const job = this.#jobs.open(id);
    if (job.state !== 'paused') throw new CoterieError('conflict', 'This repair is not paused.');
    const state = job.startedAtMs === null ? 'waiting' : 'running';
    this.#jobs.takeOver(job);
    Object.assign(job, { state, waitingFor: { for: 'turn' } });
    this.#jobs.save(job);
    this.#note(job, `The repair of ${job.keyspace} goes on.`, who);
    this.#step();
  }

  cancel(id: string, who: string): void {
    const job = this.#jobs.open(id);
    this.#runner.halt(job);
    this.#jobs.takeOver(job);
    this.#end(job, 'cancelled', who);
  }

  /** Tries the failed segments again. */
  retry(id: string, who: string): void {
    const job = this.#jobs.named(id);
    if (job.state !== 'failed') {
      throw new CoterieError('conflict', 'Only a failed repair can be tried again.');
    }
    this.#jobs.refuseMany();
    this.#jobs.takeOver(job);
    for (const segment of job.segments) {
      if (segment.state === 'failed') Object.assign(segment, { state: 'open', attempts: 0 });
    }
    Object.assign(job, { state: 'running', waitingFor: { for: 'turn' }, endedAtMs: null });
    this.#jobs.save(job);
    this.#note(job, `The repair of ${job.keyspace} is tried again.`, who);
    this.#step();
  }

  schedule(settings: RepairScheduleSettings, who: string): SharedSchedule {
    const { keyspace, everyDays, at } = settings;
    keyspaceNamed(this.#around.layout(), keyspace);
    const schedule = this.#schedules.add(settings, who);
    this.#note(schedule, `${keyspace} is repaired every ${everyDays} days at ${at}.`, who);
    return schedule;
  }

  unschedule(id: string, who: string): void {
    const schedule = this.#schedules.remove(id);
    this.#note(schedule, `A repair schedule of ${schedule.keyspace} was removed.`, who);
  }

  close(): void {
    this.#closed = true;
    this.#tick?.cancel();
    this.#runner.close();
    this.#saveProgress();
  }

  #run(request: Required<RepairRequest>, origin: Origin): SharedJob {
    const { keyspace, dryRun } = request;
    const layout = this.#around.layout();
    checkRequest(layout, request);
    this.#jobs.refuseMany();
    const job = this.#jobs.add(layout, request, origin, this.#around.clock.nowMs());
    const what = dryRun ? 'Counting differences' : 'Repair';
    this.#note(job, `${what} of ${keyspace} was asked for.`, origin.askedBy);
    this.#step();
    return job;
  }

  #saveProgress(): void {
    this.#progressSavedAtMs = this.#around.clock.monotonicMs();
    this.#jobs.saveProgress();
    this.#coverage.save();
  }

  /** Those whose computer is away, or was taken out, go on here when this one is the first of those that are there. */
  #takeOverOrphans(): void {
    const { self, peers, clock } = this.#around;
    const { id: own } = self();
    const others = this.#jobs.active
      .map(({ id, mark: { runner } }) => ({ id, runner }))
      .filter(({ runner }) => runner !== own);
    const due = this.#away.look(others, { self: own, peers: peers(), nowMs: clock.monotonicMs() });
    for (const id of due) {
      const job = this.#jobs.named(id);
      const before = job.runsOn ?? 'Its computer';
      this.#jobs.takeOver(job);
      job.waitingFor = { for: 'turn' };
      this.#note(job, `${before} is away: the repair of ${job.keyspace} goes on here.`, null);
    }
  }

  #runScheduled({ schedule, slotMs }: DueRun): void {
    const { id: scheduleId, keyspace, dataCenters, parallelism, intensity } = schedule;
    const id = jobIdOf(scheduleId, slotMs);
    // Another computer has begun it, and is away since.
    if (this.#jobs.has(id)) return;
    const warn = (message: string) => this.#around.noted('warning', keyspace, message, null);
    if (this.#jobs.hasOpen(keyspace)) {
      warn(`The scheduled repair of ${keyspace} is left out: the previous one still runs.`);
      return;
    }
    const everything = { firstPartition: 0, lastPartition: partitionCount - 1, dryRun: false };
    try {
      const request = { keyspace, dataCenters, parallelism, intensity, ...everything };
      this.#run(request, { id, scheduleId, askedBy: null });
    } catch (cause) {
      warn(`A scheduled repair cannot run: ${toCoterieError(cause, 'bad-input').message}`);
    }
  }

  #step(): void {
    if (this.#closed) return;
    const { keyspaces } = this.#around.layout();
    const { id: own } = this.#around.self();
    const isSettled = this.exchange.isSettled;
    for (const job of this.#jobs.active) {
      if (job.mark.runner !== own || (!isSettled && this.#older.has(job.id))) continue;
      const before = job.waitingFor;
      if (!keyspaces.some(({ name }) => name === job.keyspace)) this.#end(job, 'cancelled', null);
      else {
        const outcome = this.#runner.advance(job);
        if (outcome !== null) this.#end(job, outcome, null);
        else if (JSON.stringify(job.waitingFor) !== JSON.stringify(before)) {
          // The other computers show what it waits for as well.
          this.#jobs.progressed(job);
          this.#around.changed();
        }
      }
    }
  }

  #end(job: SharedJob, state: 'done' | 'failed' | 'cancelled', who: string | null): void {
    this.#runner.halt(job);
    this.#jobs.end(job, state, this.#around.clock.nowMs());
    const { keyspace, keysDiffering, dryRun } = job;
    const found = `${keysDiffering} ${keysDiffering === 1 ? 'key' : 'keys'} differed${dryRun ? '' : ' and were repaired'}.`;
    const words = {
      done: `The repair of ${keyspace} is done: ${found}`,
      failed: `The repair of ${keyspace} failed in part. Look at its reasons, then try it again.`,
      cancelled: `The repair of ${keyspace} was cancelled.`,
    }[state];
    this.#note(job, words, who, state === 'failed' ? 'warning' : 'info');
  }

  #note(
    { keyspace }: { keyspace: string },
    message: string,
    who: string | null,
    severity: 'info' | 'warning' = 'info',
  ): void {
    this.#around.noted(severity, keyspace, message, who);
    this.#around.changed();
  }
}

/** As people see it. */
export function told<T extends { mark: unknown }>({ mark: _, ...rest }: T): Omit<T, 'mark'> {
  return rest;
}
