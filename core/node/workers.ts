/**
 * Runs the background workers of a node: each step by step, with one pace for all. While clients keep the node busy, or its own
 * timers come late, those that yield wait; a step that fails is told once and made again, each time after a longer rest. What
 * every one of them does now can be asked for: that is the list which people see.
 */
import type { WorkerName, WorkerState } from '../base/background.ts';
import { toCoterieError } from '../base/errors.ts';
import type { Cancellable, Clock, Timers } from '../ports/clock.ts';
import type { Log } from '../ports/log.ts';
import type { Worker, WorkerProgress } from '../ports/worker.ts';

/** A timer that comes this late shows a process with more to do than it can. */
const latenessMaxMs = 200;
/** While it yields, a worker looks again this often. */
const yieldMs = 1_000;
/** A step is put off for no longer than this: a round must end some time. */
const yieldMaxMs = 120_000;
const failureRestMinMs = 1_000;
const failureRestMaxMs = 60_000;

export interface WorkerStatus extends Omit<WorkerProgress, 'isBusy'> {
  readonly name: WorkerName;
  readonly state: WorkerState;
  /** Why its last step failed; null: it did not. */
  readonly problem: string | null;
  /** Until its next step, in milliseconds; null while one is under way. */
  readonly restMs: number | null;
}

interface Entry {
  readonly worker: Worker;
  state: WorkerState;
  problem: string | null;
  failures: number;
  dueMs: number;
  /** Since when a step is put off; null: it is not. */
  yieldingSinceMs: number | null;
  timer: Cancellable | null;
  /** Woken while a step was under way: the next follows at once. */
  again: boolean;
}

export class Workers {
  readonly #clock: Clock;
  readonly #timers: Timers;
  readonly #log: Log;
  readonly #isBusy: () => boolean;
  readonly #entries = new Map<WorkerName, Entry>();
  #closed = false;

  constructor(components: { clock: Clock; timers: Timers; log: Log; isBusy: () => boolean }) {
    this.#clock = components.clock;
    this.#timers = components.timers;
    this.#log = components.log;
    this.#isBusy = components.isBusy;
  }

  add(worker: Worker): void {
    const entry: Entry = {
      worker,
      state: 'resting',
      problem: null,
      failures: 0,
      dueMs: 0,
      yieldingSinceMs: null,
      timer: null,
      again: false,
    };
    this.#entries.set(worker.name, entry);
    this.#rest(entry, worker.firstAfterMs);
  }

  /** There is something to do: the next step is made now, or right after the one that is under way. */
  wake(name: WorkerName): void {
    const entry = this.#entries.get(name);
    if (entry === undefined || this.#closed) return;
    if (entry.timer === null) entry.again = true;
    else this.#rest(entry, 0);
  }

  /** No step is begun any more. */
  close(): void {
    this.#closed = true;
    for (const { timer } of this.#entries.values()) timer?.cancel();
  }

  list(): WorkerStatus[] {
    const nowMs = this.#clock.monotonicMs();
    return [...this.#entries.values()].map(({ worker, state, problem, dueMs, timer }) => {
      const { doneCount, partition, isBusy } = worker.progress();
      return {
        name: worker.name,
        state: isBusy && state === 'resting' ? 'working' : state,
        doneCount,
        partition,
        problem,
        restMs: timer === null ? null : Math.max(0, dueMs - nowMs),
      };
    });
  }

  #rest(entry: Entry, restMs: number): void {
    if (this.#closed) return;
    entry.timer?.cancel();
    entry.dueMs = this.#clock.monotonicMs() + restMs;
    entry.timer = this.#timers.after(restMs, () => {
      entry.timer = null;
      if (this.#putsOff(entry)) this.#rest(entry, yieldMs);
      else void this.#step(entry);
    });
  }

  #putsOff(entry: Entry): boolean {
    const nowMs = this.#clock.monotonicMs();
    const isLate = nowMs - entry.dueMs > latenessMaxMs;
    const sinceMs = entry.yieldingSinceMs ?? nowMs;
    const puts = entry.worker.yields && (isLate || this.#isBusy()) && nowMs - sinceMs < yieldMaxMs;
    entry.yieldingSinceMs = puts ? sinceMs : null;
    if (puts) entry.state = 'yielding';
    return puts;
  }

  async #step(entry: Entry): Promise<void> {
    entry.state = 'working';
    let restMs: number;
    try {
      restMs = await entry.worker.step();
      entry.failures = 0;
      entry.problem = null;
      entry.state = 'resting';
    } catch (cause) {
      restMs = Math.min(failureRestMaxMs, failureRestMinMs * 2 ** entry.failures);
      entry.failures++;
      entry.state = 'failing';
      this.#tell(entry, toCoterieError(cause, 'disk-failed').message);
    }
    const { again } = entry;
    entry.again = false;
    this.#rest(entry, again && entry.failures === 0 ? 0 : restMs);
  }

  #tell(entry: Entry, message: string): void {
    if (entry.problem === message) return;
    entry.problem = message;
    this.#log.warn('Work in the background could not go on. It is tried again.', {
      work: entry.worker.name,
      cause: message,
    });
  }
}
