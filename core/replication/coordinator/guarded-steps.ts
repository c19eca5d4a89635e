/**
 * The guard of a job that goes from answer to answer. Every step, the first and those that answers lead to, runs in here,
 * one after the other and never within another: what a step throws ends the job, `done` runs exactly once, after the last
 * step, and a long row of answers that come at once does not deepen the stack.
 */
import type { CoterieError } from '../../base/errors.ts';

export class GuardedSteps<T> {
  readonly #done: (error: CoterieError | null, result: T | null) => void;
  #steps: (() => void)[] = [];
  #isRunning = false;
  #ending: { readonly result: T | null } | null = null;
  #hasEnded = false;

  constructor(done: (error: CoterieError | null, result: T | null) => void) {
    this.#done = done;
  }

  /** Runs the step now, or after the one that is running. A job that has ended takes none. */
  run(step: () => void): void {
    if (this.#hasEnded) return;
    this.#steps.push(step);
    if (this.#isRunning) return;
    this.#isRunning = true;
    let failure: unknown = null;
    while (this.#steps.length > 0 && failure === null && this.#ending === null) {
      try {
        this.#steps.shift()!();
      } catch (cause) {
        failure = cause ?? new Error('a step threw nothing');
      }
    }
    this.#isRunning = false;
    // A bug goes on as what it is: whoever is told of it can tell it from an operating condition.
    if (failure !== null) this.#finish(failure as CoterieError, null);
    else if (this.#ending !== null) this.#finish(null, this.#ending.result);
  }

  /** The job is done; for use within a step, as its last deed. */
  end(result: T | null): void {
    this.#ending = { result };
  }

  /** The callback of something that a step asks for: an error ends the job, an answer is the next step's. */
  onAnswer<A>(next: (answer: A) => void): (error: CoterieError | null, answer?: A | null) => void {
    return (error, answer) =>
      this.run(() => {
        if (error !== null) throw error;
        next(answer as A);
      });
  }

  #finish(error: CoterieError | null, result: T | null): void {
    this.#hasEnded = true;
    this.#steps = [];
    this.#done(error, result);
  }
}
