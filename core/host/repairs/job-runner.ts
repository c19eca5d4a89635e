/**
 * Which segment runs next, where, and what each job waits for. A segment is handed to a node that is one of its replicas; the
 * node compares and repairs (core/repair). One segment per replica at a time, over all jobs.
 */
import { toCoterieError } from '../../base/errors.ts';
import type { RepairIntensity, RepairSegment, RepairWait } from '../../contract/repair-views.ts';
import type { Layout } from '../../layout/layout.ts';
import type { RepairFigures, RepairWork } from '../../node-process/messages.ts';
import type { Clock } from '../../ports/clock.ts';
import { runSegment, type SegmentRun, sharesOf } from './segment-runner.ts';
import { isWhole, partitionsOf, replicasOf, SegmentReplicas } from './segments.ts';
import { reasonLengthMax, type SharedJob } from './shared-records.ts';

/** The work of one node for a segment, with the keyspace by its name. */
export type SegmentWork = Omit<RepairWork, 'keyspace'> & { readonly keyspace: string };

export interface RunnerSurroundings {
  readonly clock: Clock;
  layout(): Layout;
  isUp(nodeId: number): boolean;
  /** Runs some partitions on a node that replicates them all; rejects with the reason. */
  execute(nodeId: number, work: SegmentWork): SegmentRun;
  /** The end of the quiet time that the job has to keep now; null: none. */
  quietUntilMs(job: SharedJob): number | null;
  /** A job began to run. */
  began(job: SharedJob): void;
  /** A segment began or ended. */
  progressed(job: SharedJob): void;
  /** All replicas of these partitions hold the same now. */
  compared(keyspace: string, partitions: readonly number[]): void;
  /** A segment of some job has ended: another may begin. */
  step(): void;
}

const attemptsMax = 5;
const retryAfterMs = 2_000;
const restMs: Readonly<Record<RepairIntensity, number>> = { gentle: 2_000, normal: 200, fast: 0 };

interface Running {
  readonly jobId: string;
  readonly replicas: readonly number[];
  readonly stop: () => void;
}

/** What is known of a job's speed beside its record; starts anew with the host, and when it is resumed. */
interface Speed {
  readonly sinceMs: number;
  doneCount: number;
  restUntilMs: number;
}

export class JobRunner {
  readonly #around: RunnerSurroundings;
  readonly #running = new Map<RepairSegment, Running>();
  readonly #speeds = new Map<string, Speed>();
  readonly #retryAtMs = new Map<RepairSegment, number>();
  readonly #segmentReplicas = new SegmentReplicas();

  constructor(around: RunnerSurroundings) {
    this.#around = around;
  }

  /** Starts what can be started of the job, and says in it what it waits for. What it came to once nothing is left of it. */
  advance(job: SharedJob): 'done' | 'failed' | null {
    const running = job.segments.filter(({ state }) => state === 'running');
    if (!job.segments.some(({ state }) => state === 'open')) {
      if (running.length > 0) return null;
      return job.segments.some(({ state }) => state === 'failed') ? 'failed' : 'done';
    }
    const obstacle = running.length >= job.parallelism ? null : this.#startNext(job);
    const first = job.segments.find(({ state }) => state === 'running');
    if (first !== undefined) {
      const { firstPartition, lastPartition } = first;
      job.waitingFor = { for: 'comparison', firstPartition, lastPartition };
    } else if (obstacle !== null) job.waitingFor = obstacle;
    return null;
  }

  /** What runs of it counts for nothing, and is open again. */
  halt(job: SharedJob): void {
    this.#speeds.delete(job.id);
    for (const [segment, { jobId, stop }] of [...this.#running]) {
      if (jobId !== job.id) continue;
      this.#running.delete(segment);
      segment.state = 'open';
      stop();
    }
  }

  close(): void {
    for (const { stop } of this.#running.values()) stop();
  }

  /** Starts one open segment; or returns what stands in the way of all of them. */
  #startNext(job: SharedJob): RepairWait | null {
    const { clock, layout: present, isUp, quietUntilMs } = this.#around;
    const untilMs = quietUntilMs(job);
    if (untilMs !== null) return { for: 'quiet-time', untilMs };
    if (clock.monotonicMs() < this.#speedOf(job).restUntilMs) return { for: 'rest' };
    const layout = present();
    const replicasPer = replicasOf(layout, job.keyspace, job.dataCenters);
    const busy = new Set([...this.#running.values()].flatMap(({ replicas }) => replicas));
    let obstacle: RepairWait = { for: 'retry' };
    for (const segment of job.segments) {
      if (segment.state !== 'open' || clock.monotonicMs() < (this.#retryAtMs.get(segment) ?? 0)) continue;
      const replicas = this.#segmentReplicas.of(segment, replicasPer);
      const down = replicas.find((node) => !isUp(node));
      const taken = replicas.find((node) => busy.has(node));
      if (down !== undefined) obstacle = { for: 'node', node: nameOf(layout, down) };
      else if (taken !== undefined) obstacle = { for: 'other-repair', node: nameOf(layout, taken) };
      else {
        this.#start(job, segment, replicas, (partition) => replicasPer[partition]);
        return null;
      }
    }
    return obstacle;
  }

  #start(
    job: SharedJob,
    segment: RepairSegment,
    replicas: readonly number[],
    replicasOfPartition: (partition: number) => readonly number[],
  ): void {
    segment.state = 'running';
    job.startedAtMs ??= this.#around.clock.nowMs();
    if (job.state !== 'running') {
      job.state = 'running';
      this.#around.began(job);
    }
    const { keyspace, dryRun } = job;
    const { result, stop } = runSegment(
      sharesOf(partitionsOf(segment), replicasOfPartition),
      (node, partitions) => this.#around.execute(node, { keyspace, partitions, replicas, dryRun }),
    );
    const entry: Running = { jobId: job.id, replicas, stop };
    this.#running.set(segment, entry);
    const ended = (act: () => void) => {
      // Stopped meanwhile: its result counts for nothing.
      if (this.#running.get(segment) !== entry) return;
      this.#running.delete(segment);
      act();
      this.#around.progressed(job);
      this.#around.step();
    };
    result.then(
      (figures) => ended(() => this.#done(job, segment, figures)),
      (cause) => ended(() => this.#failed(segment, toCoterieError(cause, 'unavailable').message)),
    );
    this.#around.progressed(job);
  }

  #done(job: SharedJob, segment: RepairSegment, figures: RepairFigures): void {
    const nowMs = this.#around.clock.monotonicMs();
    Object.assign(segment, { state: 'done', differences: figures.keysDiffering, reason: '' });
    this.#retryAtMs.delete(segment);
    job.keysDiffering += figures.keysDiffering;
    job.recordsSent += figures.recordsSent;
    job.valueBytes += figures.valueBytes;
    job.treeBytes += figures.treeBytes;
    const speed = this.#speedOf(job);
    speed.doneCount++;
    speed.restUntilMs = nowMs + restMs[job.intensity];
    job.segmentsPerMinute = speed.doneCount / (Math.max(1, nowMs - speed.sinceMs) / 60_000);
    const left = job.segments.filter(({ state }) => state === 'open' || state === 'running').length;
    job.etaMs = Math.round((left / job.segmentsPerMinute) * 60_000);
    if (isWhole(job, segment)) this.#around.compared(job.keyspace, partitionsOf(segment));
  }

  #failed(segment: RepairSegment, reason: string): void {
    segment.attempts++;
    segment.reason = reason.slice(0, reasonLengthMax);
    segment.state = segment.attempts >= attemptsMax ? 'failed' : 'open';
    this.#retryAtMs.set(segment, this.#around.clock.monotonicMs() + retryAfterMs * segment.attempts);
  }

  #speedOf(job: SharedJob): Speed {
    let speed = this.#speeds.get(job.id);
    if (speed === undefined) {
      speed = { sinceMs: this.#around.clock.monotonicMs(), doneCount: 0, restUntilMs: 0 };
      this.#speeds.set(job.id, speed);
    }
    return speed;
  }
}

function nameOf(layout: Layout, nodeId: number): string {
  return layout.nodes.find((node) => node.id === nodeId)?.name ?? 'a node';
}
