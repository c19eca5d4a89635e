/**
 * Clock and Timers that move only when told: for tests and for the simulation. Actions of one moment run in the order in
 * which they were planned, so a run is a function of its inputs.
 */
import type { Cancellable, Clock, Timers } from '../../core/ports/clock.ts';
import { Agenda, type Planned } from './agenda.ts';

interface PlannedAction extends Planned {
  readonly action: () => void;
  cancelled: boolean;
}

const startWallMs = 1_800_000_000_000;

export class VirtualTime implements Clock, Timers {
  #nowMs = 0;
  #order = 0;
  readonly #agenda = new Agenda<PlannedAction>();
  /** Added to the wall clock alone: a person or a time server set it. */
  wallSkewMs = 0;

  nowMs(): number {
    return Math.floor(startWallMs + this.#nowMs + this.wallSkewMs);
  }

  monotonicMs(): number {
    return this.#nowMs;
  }

  after(delayMs: number, action: () => void): Cancellable {
    const planned = {
      atMs: this.#nowMs + Math.max(0, delayMs),
      order: this.#order++,
      action,
      cancelled: false,
    };
    this.#agenda.add(planned);
    return {
      cancel: () => {
        planned.cancelled = true;
      },
    };
  }

  atTurnEnd(action: () => void): void {
    this.after(0, action);
  }

  get pendingCount(): number {
    return this.#agenda.count;
  }

  /** Runs the next action; false when there is none. Promise reactions it causes run before the next step. */
  async step(): Promise<boolean> {
    const next = this.#agenda.take();
    if (next === undefined) return false;
    this.#nowMs = next.atMs;
    if (!next.cancelled) next.action();
    await settleMicrotasks();
    return true;
  }

  /** Moves on by `durationMs`, running all that falls due. */
  async advance(durationMs: number): Promise<void> {
    await settleMicrotasks();
    const untilMs = this.#nowMs + durationMs;
    while ((this.#agenda.first?.atMs ?? Number.POSITIVE_INFINITY) <= untilMs) await this.step();
    this.#nowMs = untilMs;
  }

  /** Runs until `promise` is settled, or until nothing is planned any more, which is an error. */
  async until<T>(promise: Promise<T>): Promise<T> {
    let settled = false;
    const mark = () => {
      settled = true;
    };
    promise.then(mark, mark);
    await settleMicrotasks();
    while (!settled) {
      if (!(await this.step()) && !settled) throw new Error('Nothing is planned, yet something is awaited.');
    }
    return promise;
  }
}

/**
 * Lets every promise reaction that is due run. One macrotask turn does it: the queue of microtasks is emptied before the
 * next macrotask, however long the chains are.
 */
function settleMicrotasks(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
