/**
 * Repair jobs: which segment runs next, where, and what each job waits for. A segment is handed to a node that is one of
 * its replicas; the node compares and repairs (core/repair). One segment per replica at a time, over all jobs. Jobs are
 * kept in the catalog, so they go on after a restart of their host; after a crash, at most a few seconds of work behind.
 */
import { randomUUID } from 'node:crypto';
import { CoterieError, toCoterieError } from '../../base/errors.ts';
import { partitionCount } from '../../base/token.ts';
import type {
  RepairIntensity,
  RepairJob,
  RepairRequest,
  RepairSchedule,
  RepairScheduleSettings,
  RepairSegment,
  RepairsView,
} from '../../contract/repair-views.ts';
import { keyspaceNamed, type Layout } from '../../layout/layout.ts';
import type { RepairFigures } from '../../node-process/messages.ts';
import type { Cancellable, Clock, Timers } from '../../ports/clock.ts';
import { blackoutEndMs, nextRunMs } from './schedule-times.ts';
import { runSegment, type SegmentRun, sharesOf } from './segment-runner.ts';
import {
  coverageOf,
  isOver,
  partitionsOf,
  refuseManyOpen,
  refuseManySchedules,
  replicasOf,
  SegmentReplicas,
  segmentsOf,
} from './segments.ts';

export interface SegmentWork {
  readonly keyspace: string;
  readonly partitions: readonly number[];
  /** The replicas to bring together, the executing node's id included. */
  readonly replicas: readonly number[];
  readonly dryRun: boolean;
}

export interface RepairStore {
  save(kind: 'job' | 'schedule' | 'coverage', id: string, document: unknown): void;
  remove(kind: 'job' | 'schedule' | 'coverage', id: string): void;
}

export interface RepairSurroundings {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly store: RepairStore;
  layout(): Layout;
  isUp(nodeId: number): boolean;
  /** Runs some partitions on a node that replicates them all; rejects with the reason. */
  execute(nodeId: number, work: SegmentWork): SegmentRun;
  changed(): void;
  noted(severity: 'info' | 'warning', subject: string, message: string, by: 'person' | 'system'): void;
}

export interface SavedRepairs {
  readonly jobs: readonly RepairJob[];
  readonly schedules: readonly RepairSchedule[];
  /** Per keyspace: when each partition was last compared. */
  readonly coverage: readonly { readonly keyspace: string; readonly comparedAtMs: (number | null)[] }[];
}

const tickMs = 500;
/** A job is written as a whole, some 20 KB: this often while segments end, and at each change of its state. */
const saveProgressEveryMs = 5_000;
const attemptsMax = 5;
const historyMax = 100;
const restMs: Readonly<Record<RepairIntensity, number>> = { gentle: 2_000, normal: 200, fast: 0 };

interface Running {
  readonly jobId: string;
  readonly replicas: readonly number[];
  readonly stop: () => void;
}

/** What the runner knows of a job beside its record; starts anew with the host. */
interface Pace {
  startedMs: number;
  doneCount: number;
  restUntilMs: number;
}

export class RepairJobs {
  readonly #around: RepairSurroundings;
  readonly #jobs: RepairJob[];
  readonly #schedules: RepairSchedule[];
  readonly #comparedAtMs = new Map<string, (number | null)[]>();
  readonly #running = new Map<RepairSegment, Running>();
  readonly #paces = new Map<string, Pace>();
  readonly #segmentReplicas = new SegmentReplicas();
  readonly #retryAtMs = new Map<RepairSegment, number>();
  /** Progress that the catalog does not hold yet: segments end faster than they are worth writing down one by one. */
  readonly #unsaved = new Set<RepairJob>();
  readonly #unsavedCoverage = new Set<string>();
  #progressSavedAtMs: number;
  #tick: Cancellable | null = null;
  #closed = false;

  constructor(around: RepairSurroundings, saved: SavedRepairs) {
    this.#around = around;
    this.#progressSavedAtMs = around.clock.monotonicMs();
    this.#jobs = [...saved.jobs].sort((a, b) => a.createdAtMs - b.createdAtMs);
    this.#schedules = [...saved.schedules];
    for (const { keyspace, comparedAtMs } of saved.coverage) this.#comparedAtMs.set(keyspace, comparedAtMs);
    for (const job of this.#jobs) {
      for (const segment of job.segments) if (segment.state === 'running') segment.state = 'open';
      if (job.state === 'running') job.waitingFor = 'the nodes to be ready';
    }
    this.#armTick();
  }

  view(): RepairsView {
    const coverage = this.#around.layout().keyspaces.map(({ name }) => ({
      keyspace: name,
      comparedAtMs: coverageOf(this.#comparedOf(name)),
    }));
    return { jobs: [...this.#jobs].reverse(), schedules: [...this.#schedules], coverage };
  }

  run(request: Required<RepairRequest>, scheduleId: string | null = null): RepairJob {
    const by = scheduleId === null ? 'person' : 'schedule';
    const { keyspace, dataCenters, firstPartition, lastPartition, dryRun, parallelism, intensity } = request;
    const layout = this.#around.layout();
    keyspaceNamed(layout, keyspace);
    refuseManyOpen(this.#jobs);
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
    const job: RepairJob = {
      id: randomUUID(),
      keyspace,
      dataCenters: [...dataCenters],
      dryRun,
      parallelism,
      intensity,
      by,
      scheduleId,
      state: 'waiting',
      waitingFor: 'its turn',
      createdAtMs: this.#around.clock.nowMs(),
      startedAtMs: null,
      endedAtMs: null,
      segments: segmentsOf(layout, firstPartition, lastPartition),
      segmentsPerMinute: null,
      etaMs: null,
      keysDiffering: 0,
      recordsSent: 0,
      valueBytes: 0,
      treeBytes: 0,
    };
    this.#jobs.push(job);
    this.#forgetOldest();
    this.#save(job);
    const what = dryRun ? 'Counting differences' : 'Repair';
    this.#around.noted('info', keyspace, `${what} of ${keyspace} was asked for.`, byOf(by));
    this.#step();
    return job;
  }

  pause(id: string): void {
    const job = this.#active(id);
    this.#stopSegments(job);
    job.state = 'paused';
    job.waitingFor = 'a person to resume it';
    this.#save(job);
    this.#around.noted('info', job.keyspace, `The repair of ${job.keyspace} is paused.`, 'person');
  }

  resume(id: string): void {
    const job = this.#active(id);
    if (job.state !== 'paused') throw new CoterieError('conflict', 'This repair is not paused.');
    job.state = job.startedAtMs === null ? 'waiting' : 'running';
    job.waitingFor = 'its turn';
    this.#paces.delete(id);
    this.#save(job);
    this.#around.noted('info', job.keyspace, `The repair of ${job.keyspace} goes on.`, 'person');
    this.#step();
  }

  cancel(id: string): void {
    const job = this.#active(id);
    this.#stopSegments(job);
    this.#end(job, 'cancelled', 'person');
  }

  /** Tries the failed segments again. */
  retry(id: string): void {
    const job = this.#job(id);
    if (job.state !== 'failed')
      throw new CoterieError('conflict', 'Only a failed repair can be tried again.');
    refuseManyOpen(this.#jobs);
    for (const segment of job.segments) {
      if (segment.state === 'failed') Object.assign(segment, { state: 'open', attempts: 0 });
    }
    Object.assign(job, { state: 'running', waitingFor: 'its turn', endedAtMs: null });
    this.#paces.delete(id);
    this.#save(job);
    this.#step();
  }

  schedule(settings: RepairScheduleSettings): RepairSchedule {
    keyspaceNamed(this.#around.layout(), settings.keyspace);
    refuseManySchedules(this.#schedules.length);
    const nowMs = this.#around.clock.nowMs();
    const schedule = {
      ...settings,
      id: randomUUID(),
      createdAtMs: nowMs,
      nextAtMs: nextRunMs(settings, null, nowMs),
    };
    this.#schedules.push(schedule);
    this.#around.store.save('schedule', schedule.id, schedule);
    const words = `${settings.keyspace} is repaired every ${settings.everyDays} days at ${settings.at}.`;
    this.#around.noted('info', settings.keyspace, words, 'person');
    this.#around.changed();
    return schedule;
  }

  unschedule(id: string): void {
    const index = this.#schedules.findIndex((schedule) => schedule.id.startsWith(id));
    if (index < 0) throw new CoterieError('not-found', 'This schedule is not there any more.');
    const [{ id: found, keyspace }] = this.#schedules.splice(index, 1);
    this.#around.store.remove('schedule', found);
    this.#around.noted('info', keyspace, `A repair schedule of ${keyspace} was removed.`, 'person');
    this.#around.changed();
  }

  close(): void {
    this.#closed = true;
    this.#tick?.cancel();
    for (const { stop } of this.#running.values()) stop();
    this.#saveProgress();
  }

  #saveProgress(): void {
    this.#progressSavedAtMs = this.#around.clock.monotonicMs();
    for (const job of this.#unsaved) this.#around.store.save('job', job.id, job);
    this.#unsaved.clear();
    for (const keyspace of this.#unsavedCoverage) {
      const comparedAtMs = this.#comparedOf(keyspace);
      this.#around.store.save('coverage', keyspace, { keyspace, comparedAtMs });
    }
    this.#unsavedCoverage.clear();
  }

  #armTick(): void {
    this.#tick = this.#around.timers.after(tickMs, () => {
      if (this.#around.clock.monotonicMs() - this.#progressSavedAtMs >= saveProgressEveryMs) {
        this.#saveProgress();
      }
      this.#startScheduled();
      this.#step();
      if (!this.#closed) this.#armTick();
    });
  }

  #startScheduled(): void {
    const nowMs = this.#around.clock.nowMs();
    for (const [index, schedule] of this.#schedules.entries()) {
      if (schedule.nextAtMs > nowMs) continue;
      const next = { ...schedule, nextAtMs: nextRunMs(schedule, schedule.nextAtMs, nowMs) };
      this.#schedules[index] = next;
      this.#around.store.save('schedule', next.id, next);
      const { keyspace, dataCenters, parallelism, intensity } = schedule;
      const isStillRunning = this.#jobs.some((job) => job.keyspace === keyspace && !isOver(job));
      if (isStillRunning) {
        const words = `The scheduled repair of ${keyspace} is left out: the previous one still runs.`;
        this.#around.noted('warning', keyspace, words, 'system');
        continue;
      }
      const range = { firstPartition: 0, lastPartition: partitionCount - 1 };
      try {
        this.run({ keyspace, dataCenters, parallelism, intensity, dryRun: false, ...range }, schedule.id);
      } catch (cause) {
        const { message } = toCoterieError(cause, 'bad-input');
        this.#around.noted('warning', keyspace, `A scheduled repair cannot run: ${message}`, 'system');
      }
    }
  }

  #step(): void {
    if (this.#closed) return;
    for (const job of this.#jobs) {
      if (job.state !== 'waiting' && job.state !== 'running') continue;
      const before = job.waitingFor;
      this.#advance(job);
      if (job.waitingFor !== before) this.#around.changed();
    }
  }

  #advance(job: RepairJob): void {
    const layout = this.#around.layout();
    if (!layout.keyspaces.some((keyspace) => keyspace.name === job.keyspace)) {
      this.#stopSegments(job);
      this.#end(job, 'cancelled', 'system');
      return;
    }
    const active = job.segments.filter((segment) => segment.state === 'running').length;
    if (!job.segments.some((segment) => segment.state === 'open')) {
      if (active > 0) return;
      const failed = job.segments.some((segment) => segment.state === 'failed');
      this.#end(job, failed ? 'failed' : 'done', 'system');
      return;
    }
    const reason = active >= job.parallelism ? null : this.#startNext(job, layout);
    const nowRunning = job.segments.filter((segment) => segment.state === 'running');
    if (nowRunning.length > 0) {
      const [{ firstPartition, lastPartition }] = nowRunning;
      job.waitingFor = `the replicas of partitions ${firstPartition} to ${lastPartition} to be compared`;
    } else if (reason !== null) job.waitingFor = reason;
  }

  /** Starts one open segment; or answers what stands in the way of all of them. */
  #startNext(job: RepairJob, layout: Layout): string | null {
    const { clock } = this.#around;
    const quiet = this.#quietUntil(job);
    if (quiet !== null) return `the end of the quiet time, ${new Date(quiet).toISOString()}`;
    const pace = this.#paceOf(job);
    if (clock.monotonicMs() < pace.restUntilMs) return 'a short rest between two segments';
    const replicasPer = replicasOf(layout, job.keyspace, job.dataCenters);
    const busy = new Set([...this.#running.values()].flatMap(({ replicas }) => replicas));
    let reason = 'a failed segment to be tried again';
    for (const segment of job.segments) {
      if (segment.state !== 'open' || clock.monotonicMs() < (this.#retryAtMs.get(segment) ?? 0)) continue;
      const replicas = this.#segmentReplicas.of(segment, replicasPer);
      const down = replicas.find((node) => !this.#around.isUp(node));
      const taken = replicas.find((node) => busy.has(node));
      if (down !== undefined) reason = `${nameOf(layout, down)} to come back`;
      else if (taken !== undefined) reason = `another repair at ${nameOf(layout, taken)} to end`;
      else {
        this.#start(job, segment, replicas, (partition) => replicasPer[partition]);
        return null;
      }
    }
    return reason;
  }

  #quietUntil(job: RepairJob): number | null {
    const schedule = this.#schedules.find((candidate) => candidate.id === job.scheduleId);
    return schedule === undefined ? null : blackoutEndMs(schedule, this.#around.clock.nowMs());
  }

  #start(
    job: RepairJob,
    segment: RepairSegment,
    replicas: readonly number[],
    replicasOfPartition: (partition: number) => readonly number[],
  ): void {
    const { clock } = this.#around;
    segment.state = 'running';
    job.startedAtMs ??= clock.nowMs();
    if (job.state !== 'running') {
      job.state = 'running';
      this.#save(job);
    }
    const shares = sharesOf(partitionsOf(segment), replicasOfPartition);
    const { keyspace, dryRun } = job;
    const { result, stop } = runSegment(shares, (node, partitions) =>
      this.#around.execute(node, { keyspace, partitions, replicas, dryRun }),
    );
    const entry: Running = { jobId: job.id, replicas, stop };
    this.#running.set(segment, entry);
    const ended = (act: () => void) => {
      // Stopped meanwhile: its result counts for nothing.
      if (this.#running.get(segment) !== entry) return;
      this.#running.delete(segment);
      act();
      this.#unsaved.add(job);
      this.#around.changed();
      this.#step();
    };
    result.then(
      (figures) => ended(() => this.#segmentDone(job, segment, figures)),
      (cause) => ended(() => this.#segmentFailed(segment, toCoterieError(cause, 'unavailable').message)),
    );
    this.#around.changed();
  }

  #segmentDone(job: RepairJob, segment: RepairSegment, figures: RepairFigures): void {
    const { clock } = this.#around;
    Object.assign(segment, { state: 'done', differences: figures.keysDiffering, reason: '' });
    this.#retryAtMs.delete(segment);
    job.keysDiffering += figures.keysDiffering;
    job.recordsSent += figures.recordsSent;
    job.valueBytes += figures.valueBytes;
    job.treeBytes += figures.treeBytes;
    const pace = this.#paceOf(job);
    pace.doneCount++;
    pace.restUntilMs = clock.monotonicMs() + restMs[job.intensity];
    const minutes = Math.max(1, clock.monotonicMs() - pace.startedMs) / 60_000;
    job.segmentsPerMinute = pace.doneCount / minutes;
    const open = job.segments.filter(({ state }) => state === 'open' || state === 'running').length;
    job.etaMs = Math.round((open / job.segmentsPerMinute) * 60_000);
    // A part of the replicas, or a count alone, leaves the range as it was.
    const isWhole = job.dataCenters.length === 0 && (!job.dryRun || figures.keysDiffering === 0);
    if (isWhole) this.compared(job.keyspace, partitionsOf(segment));
  }

  #segmentFailed(segment: RepairSegment, reason: string): void {
    segment.attempts++;
    segment.reason = reason;
    segment.state = segment.attempts >= attemptsMax ? 'failed' : 'open';
    this.#retryAtMs.set(segment, this.#around.clock.monotonicMs() + 2_000 * segment.attempts);
  }

  /** All replicas of these partitions were found equal, or made so. */
  compared(keyspace: string, partitions: readonly number[]): void {
    const nowMs = this.#around.clock.nowMs();
    const comparedAtMs = this.#comparedOf(keyspace);
    for (const partition of partitions) comparedAtMs[partition] = nowMs;
    this.#unsavedCoverage.add(keyspace);
  }

  #comparedOf(keyspace: string): (number | null)[] {
    let times = this.#comparedAtMs.get(keyspace);
    if (times === undefined) {
      times = new Array(partitionCount).fill(null);
      this.#comparedAtMs.set(keyspace, times);
    }
    return times;
  }

  #stopSegments(job: RepairJob): void {
    for (const [segment, { jobId, stop }] of [...this.#running]) {
      if (jobId !== job.id) continue;
      this.#running.delete(segment);
      segment.state = 'open';
      stop();
    }
  }

  #end(job: RepairJob, state: 'done' | 'failed' | 'cancelled', by: 'person' | 'system'): void {
    Object.assign(job, { state, waitingFor: '', etaMs: null, endedAtMs: this.#around.clock.nowMs() });
    this.#paces.delete(job.id);
    this.#save(job);
    const { keyspace, keysDiffering, dryRun } = job;
    const found = `${keysDiffering} ${keysDiffering === 1 ? 'key' : 'keys'} differed${dryRun ? '' : ' and were repaired'}.`;
    const words = {
      done: `The repair of ${keyspace} is done: ${found}`,
      failed: `The repair of ${keyspace} failed in part. Look at its reasons, then try it again.`,
      cancelled: `The repair of ${keyspace} was cancelled.`,
    }[state];
    this.#around.noted(state === 'failed' ? 'warning' : 'info', keyspace, words, by);
  }

  #paceOf(job: RepairJob): Pace {
    let pace = this.#paces.get(job.id);
    if (pace === undefined) {
      pace = { startedMs: this.#around.clock.monotonicMs(), doneCount: 0, restUntilMs: 0 };
      this.#paces.set(job.id, pace);
    }
    return pace;
  }

  #forgetOldest(): void {
    const over = this.#jobs.filter(isOver);
    for (const job of over.slice(0, Math.max(0, over.length - historyMax))) {
      this.#jobs.splice(this.#jobs.indexOf(job), 1);
      this.#around.store.remove('job', job.id);
    }
  }

  #job(id: string): RepairJob {
    const job = this.#jobs.find((candidate) => candidate.id === id || candidate.id.startsWith(id));
    if (job === undefined) throw new CoterieError('not-found', 'There is no such repair.');
    return job;
  }

  #active(id: string): RepairJob {
    const job = this.#job(id);
    if (isOver(job)) throw new CoterieError('conflict', `This repair has ended: ${job.state}.`);
    return job;
  }

  #save(job: RepairJob): void {
    this.#unsaved.delete(job);
    this.#around.store.save('job', job.id, job);
    this.#around.changed();
  }
}

function byOf(by: 'person' | 'schedule'): 'person' | 'system' {
  return by === 'person' ? 'person' : 'system';
}

function nameOf(layout: Layout, nodeId: number): string {
  return layout.nodes.find((node) => node.id === nodeId)?.name ?? 'a node';
}
