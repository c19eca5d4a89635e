/** Work that is done one after the other, in the order in which it was asked for. What fails, fails for whoever asked, and holds nobody up. */
export class InTurn {
  #last: Promise<unknown> = Promise.resolve();

  run<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#last.then(work);
    this.#last = done.catch(() => {});
    return done;
  }

  /** Resolves when all that was asked for so far has ended, well or not. */
  async ended(): Promise<void> {
    await this.#last;
  }
}
