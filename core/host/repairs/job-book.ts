/**
 * The records of repair jobs: those that wait, run or are paused, and the last hundred that have ended. A job is written as a
 * whole, some 20 KB, so progress within one is written now and then and each change of its state at once.
 */
import { randomUUID } from 'node:crypto';
import { CoterieError } from '../../base/errors.ts';
import type { RepairJob, RepairRequest, RepairState } from '../../contract/repair-views.ts';
import type { Layout } from '../../layout/layout.ts';
import type { RepairStore } from './repair-store.ts';
import { isOver, segmentsOf } from './segments.ts';

/** Each one takes its turn at every step, and they share the same few nodes: more of them end no sooner. */
const openMax = 8;
const historyMax = 100;

export class JobBook {
  readonly #store: RepairStore;
  readonly #jobs: RepairJob[];
  readonly #unsaved = new Set<RepairJob>();

  /** Oldest first, as they were when they were saved; none has a segment that runs. */
  constructor(store: RepairStore, saved: readonly RepairJob[]) {
    this.#store = store;
    this.#jobs = [...saved].sort((a, b) => a.createdAtMs - b.createdAtMs);
    for (const job of this.#jobs) {
      for (const segment of job.segments) if (segment.state === 'running') segment.state = 'open';
      if (job.state === 'running') job.waitingFor = { for: 'nodes' };
    }
  }

  get newestFirst(): RepairJob[] {
    return [...this.#jobs].reverse();
  }

  /** Those that wait or run, oldest first. */
  get active(): RepairJob[] {
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

  add(layout: Layout, request: Required<RepairRequest>, scheduleId: string | null, nowMs: number): RepairJob {
    const { firstPartition, lastPartition, dataCenters, ...asked } = request;
    const job: RepairJob = {
      ...asked,
      id: randomUUID(),
      dataCenters: [...dataCenters],
      by: scheduleId === null ? 'person' : 'schedule',
      scheduleId,
      state: 'waiting',
      waitingFor: { for: 'turn' },
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
    this.#jobs.push(job);
    this.#forgetOldest();
    this.save(job);
    return job;
  }

  /** `id`: or the beginning of it. Throws `not-found`. */
  named(id: string): RepairJob {
    const job = this.#jobs.find((candidate) => candidate.id === id || candidate.id.startsWith(id));
    if (job === undefined) throw new CoterieError('not-found', 'There is no such repair.');
    return job;
  }

  /** One that has not ended. Throws `not-found`, `conflict`. */
  open(id: string): RepairJob {
    const job = this.named(id);
    if (isOver(job)) throw new CoterieError('conflict', `This repair has ended: ${job.state}.`);
    return job;
  }

  end(job: RepairJob, state: Extract<RepairState, 'done' | 'failed' | 'cancelled'>, nowMs: number): void {
    Object.assign(job, { state, waitingFor: null, etaMs: null, endedAtMs: nowMs });
    this.save(job);
  }

  save(job: RepairJob): void {
    this.#unsaved.delete(job);
    this.#store.save('job', job.id, job);
  }

  /** Saved with the next `saveProgress`. */
  progressed(job: RepairJob): void {
    this.#unsaved.add(job);
  }

  saveProgress(): void {
    for (const job of [...this.#unsaved]) this.save(job);
  }

  #forgetOldest(): void {
    const over = this.#jobs.filter(isOver);
    for (const job of over.slice(0, Math.max(0, over.length - historyMax))) {
      this.#jobs.splice(this.#jobs.indexOf(job), 1);
      this.#store.remove('job', job.id);
    }
  }
}
