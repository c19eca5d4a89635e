/** What a node process was asked and has not answered yet: by number, and all failed at once when the process ends. */
import type { CoterieError } from '../../base/errors.ts';

interface Waiting {
  resolve(answer: unknown): void;
  reject(cause: CoterieError): void;
}

export class NodeTasks {
  #lastTask = 0;
  readonly #waiting = new Map<number, Waiting>();

  /** A number for the question, and what becomes of it. */
  open<T>(): { task: number; result: Promise<T> } {
    const task = ++this.#lastTask;
    const result = new Promise<T>((resolve, reject) => {
      this.#waiting.set(task, { resolve: resolve as (answer: unknown) => void, reject });
    });
    return { task, result };
  }

  answered(task: number, answer: unknown): void {
    this.#take(task)?.resolve(answer);
  }

  failed(task: number, cause: CoterieError): void {
    this.#take(task)?.reject(cause);
  }

  failAll(cause: CoterieError): void {
    for (const { reject } of this.#waiting.values()) reject(cause);
    this.#waiting.clear();
  }

  #take(task: number): Waiting | undefined {
    const waiting = this.#waiting.get(task);
    this.#waiting.delete(task);
    return waiting;
  }
}
