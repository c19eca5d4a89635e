/**
 * Asks about something that keeps changing: a moment after the last change, one question at a time, and only the answer to
 * the newest question is told. Whatever is asked meanwhile waits for its turn; the answers to older questions are dropped.
 */
export interface AnswerSink<A> {
  /** The answer to what was asked last. */
  answered(answer: A): void;
  failed(cause: unknown): void;
}

/** A person who types changes more often than this. */
const restMs = 150;

export class LatestAnswer<Q, A> {
  readonly #ask: (question: Q) => Promise<A>;
  readonly #sink: AnswerSink<A>;
  readonly #after: (delayMs: number, action: () => void) => () => void;
  #cancel: () => void = () => {};
  #newest = 0;
  #isAsking = false;
  #next: { readonly question: Q } | null = null;

  constructor(
    ask: (question: Q) => Promise<A>,
    sink: AnswerSink<A>,
    after: (delayMs: number, action: () => void) => () => void = afterReal,
  ) {
    this.#ask = ask;
    this.#sink = sink;
    this.#after = after;
  }

  /** `atOnce`: without waiting for more changes, as when something is opened. */
  ask(question: Q, atOnce = false): void {
    this.#cancel();
    this.#newest++;
    this.#next = { question };
    if (atOnce) void this.#send();
    else this.#cancel = this.#after(restMs, () => void this.#send());
  }

  /** Nothing is told any more. */
  close(): void {
    this.#cancel();
    this.#newest++;
    this.#next = null;
  }

  async #send(): Promise<void> {
    if (this.#isAsking || this.#next === null) return;
    const { question } = this.#next;
    const number = this.#newest;
    this.#next = null;
    this.#isAsking = true;
    try {
      const answer = await this.#ask(question);
      if (number === this.#newest) this.#sink.answered(answer);
    } catch (cause) {
      if (number === this.#newest) this.#sink.failed(cause);
    } finally {
      this.#isAsking = false;
    }
    // Its rest is over or will be: sending now is never too early for a question that came while another was out.
    if (this.#next !== null) await this.#send();
  }
}

function afterReal(delayMs: number, action: () => void): () => void {
  const timer = setTimeout(action, delayMs);
  return () => clearTimeout(timer);
}
