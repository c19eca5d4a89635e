/**
 * The records of repair jobs, of all computers of the cluster: those that wait, run or are paused, and the last hundred that have ended.
 * A job is written as a whole, some 20 KB, so progress within one is written now and then and each change of its state at once;
 * what is written is told to the other computers. Only the computer that runs a job changes it.
 */
import { randomUUID } from 'node:crypto';
import { CoterieError } from '../../base/errors.ts';
import type { RepairJob, RepairRequest, RepairState } from '../../contract/repair-views.ts';
import type { Layout } from '../../layout/layout.ts';
import type { RepairStore, SavedRepairs } from './repair-store.ts';
import { isOver, segmentsOf } from './segments.ts';
import { isLater, type SharedJob, stampOfJob } from './shared-records.ts';

/** Each one takes its turn at every step, and they share the same few nodes: more of them end no sooner. */
const openMax = 8;
/** What several computers that did not hear each other may have begun between them. */
const openKeptMax = 64;
const historyMax = 100;

/** A computer of the cluster. */
export interface Self {
  readonly id: string;
  readonly name: string;
}

/** Why there is a new job. `id`: of its record; absent: one is drawn. */
export interface Origin {
  readonly scheduleId: string | null;
  /** Who asked for it, in words; null: a schedule. */
  readonly askedBy: string | null;
  readonly id?: string;
}

export class JobBook {
  readonly #store: RepairStore;
  readonly #self: () => Self;
  #jobs: readonly SharedJob[];
  readonly #unsaved = new Set<SharedJob>();

  /** As they were when they were saved; none has a segment that runs here. Those of an older version are of this computer alone. */
  constructor({ store, self }: { store: RepairStore; self: () => Self }, saved: SavedRepairs['jobs']) {
    this.#store = store;
    this.#self = self;
    const { id, name } = self();
    const mark = { epoch: 0, version: 0, runner: id };
    this.#jobs = saved.map((job) => ({
      mark,
      ...job,
      askedBy: job.askedBy ?? null,
      askedOn: job.askedOn ?? name,
      runsOn: job.runsOn ?? name,
    }));
    for (const job of this.#jobs) {
      haltSegments(job);
      if (job.state === 'running') job.waitingFor = { for: 'nodes' };
    }
    this.#jobs = [...this.#jobs].sort(byAge);
  }

  /** Oldest first. */
  get all(): readonly SharedJob[] {
    return this.#jobs;
  }

  get newestFirst(): SharedJob[] {
    return [...this.#jobs].reverse();
  }

  /** Those that wait or run, oldest first. */
  get active(): SharedJob[] {
    return this.#jobs.filter(({ state }) => state === 'waiting' || state === 'running');
  }

  /** Throws `busy` while as many repairs wait, run or are paused as may. */
  refuseMany(): void {
    const open = this.#jobs.filter((job) => !isOver(job));
    if (open.length < openMax) return;
    const named = open.map(({ id, keyspace, state }) => `${id.slice(0, 8)} (${keyspace}, ${state})`);
    throw new CoterieError(
      'busy',
      `There are ${open.length} repairs that have not ended, and ${openMax} may be: ${named.join(', ')}. Wait for one to end, or cancel one, then ask again.`,
    );
  }

  hasOpen(keyspace: string): boolean {
    return this.#jobs.some((job) => job.keyspace === keyspace && !isOver(job));
  }

  has(id: string): boolean {
    return this.#jobs.some((job) => job.id === id);
  }

  add(layout: Layout, request: Required<RepairRequest>, origin: Origin, nowMs: number): SharedJob {
    const { firstPartition, lastPartition, dataCenters, ...asked } = request;
    const { id: runner, name } = this.#self();
    const { id = randomUUID(), scheduleId, askedBy } = origin;
    const job: SharedJob = {
      ...asked,
      id,
      mark: { epoch: 1, version: 0, runner },
      dataCenters: [...dataCenters],
      by: scheduleId === null ? 'person' : 'schedule',
      scheduleId,
      state: 'waiting',
      waitingFor: { for: 'turn' },
      ...{ askedBy, askedOn: name, runsOn: name },
      createdAtMs: nowMs,
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
    this.#put(job);
    this.save(job);
    return job;
  }

  /** `id`: or the beginning of it. Throws `not-found`. */
  named(id: string): SharedJob {
    const job = this.#jobs.find((candidate) => candidate.id === id || candidate.id.startsWith(id));
    if (job === undefined) throw new CoterieError('not-found', 'There is no such repair.');
    return job;
  }

  /** One that has not ended. Throws `not-found`, `conflict`. */
  open(id: string): SharedJob {
    const job = this.named(id);
    if (isOver(job)) throw new CoterieError('conflict', `This repair has ended: ${job.state}.`);
    return job;
  }

  end(job: SharedJob, state: Extract<RepairState, 'done' | 'failed' | 'cancelled'>, nowMs: number): void {
    Object.assign(job, { state, waitingFor: null, etaMs: null, endedAtMs: nowMs });
    this.save(job);
  }

  /** A person decided something here, or its computer is away: from now on it is run here, and no older copy of it counts. */
  takeOver(job: SharedJob): void {
    const { id: runner, name } = this.#self();
    if (job.mark.runner !== runner) haltSegments(job);
    job.mark = { ...job.mark, epoch: job.mark.epoch + 1, runner };
    job.runsOn = name;
    this.save(job);
  }

  save(job: SharedJob): void {
    job.mark = { ...job.mark, version: job.mark.version + 1 };
    this.#write(job);
  }

  /** Saved with the next `saveProgress`. */
  progressed(job: SharedJob): void {
    this.#unsaved.add(job);
  }

  saveProgress(): void {
    for (const job of [...this.#unsaved]) this.save(job);
  }

  /** A copy of another computer. What was known before, when the copy is later and is kept; null: the copy is let go. */
  learn(job: SharedJob): { readonly before: SharedJob | undefined } | null {
    const before = this.#jobs.find(({ id }) => id === job.id);
    if (before !== undefined && !isLater(stampOfJob(job), stampOfJob(before))) return null;
    if (before === undefined && !this.#hasRoomFor(job)) return null;
    // Written by this computer, which has forgotten it: nothing of it runs.
    if (job.mark.runner === this.#self().id) haltSegments(job);
    if (before !== undefined) this.#unsaved.delete(before);
    this.#put(job);
    this.#write(job);
    return { before };
  }

  #hasRoomFor(job: SharedJob): boolean {
    const open = this.#jobs.filter((other) => !isOver(other));
    if (!isOver(job)) return open.length < openKeptMax;
    const over = this.#jobs.filter(isOver);
    return over.length < historyMax || byAge(job, over[0]) > 0;
  }

  #write(job: SharedJob): void {
    this.#unsaved.delete(job);
    this.#store.save('job', job.id, job);
  }

  /** The same are forgotten at every computer: the oldest. */
  #put(job: SharedJob): void {
    const jobs = [...this.#jobs.filter(({ id }) => id !== job.id), job].sort(byAge);
    const over = jobs.filter(isOver);
    const forgotten = new Set(over.slice(0, Math.max(0, over.length - historyMax)));
    for (const { id } of forgotten) this.#store.remove('job', id);
    this.#jobs = jobs.filter((kept) => !forgotten.has(kept));
  }
}

function haltSegments(job: RepairJob): void {
  for (const segment of job.segments) if (segment.state === 'running') segment.state = 'open';
}

function byAge(one: RepairJob, other: RepairJob): number {
  return one.createdAtMs - other.createdAtMs || (one.id < other.id ? -1 : one.id > other.id ? 1 : 0);
}
