/**
 * Work of a node that nobody waits for, in small steps: comparing replicas, reading everything again, forgetting what is dead,
 * handing over. Each kind says what one step is; who runs them, and when clients come first, is decided in one place
 * (core/node/workers.ts). After Garage's background workers.
 */
import type { WorkerName } from '../base/background.ts';

export interface WorkerProgress {
  /** Since the node started, in the worker's own unit: see core/contract/worker-words.ts. */
  readonly doneCount: number;
  /** The partition that its walk has come to; null: it walks over none. */
  readonly partition: number | null;
  /** It has something to do outside its steps, such as a transfer that goes on. */
  readonly isBusy: boolean;
}

export interface Worker {
  readonly name: WorkerName;
  /** Its steps wait while clients keep the node busy, though not for ever. */
  readonly yields: boolean;
  /** Before its first step, in milliseconds. */
  readonly firstAfterMs: number;
  /**
   * One step. Resolves with how long to rest before the next, in milliseconds. What it rejects with is told, and the step made
   * again later.
   */
  step(): Promise<number>;
  progress(): WorkerProgress;
}
