/**
 * What the host is asked again and again for as long as somebody looks: it has no event for it. One question at a time;
 * nothing is asked while the window is hidden. An answer stays when the next question fails, and says when it came.
 */
import { CallError, messageOf } from './connection.ts';

export class Polled<T> {
  readonly #ask: () => Promise<T>;
  readonly #everyMs: number;
  /** Null: not answered yet. */
  value = $state.raw<T | null>(null);
  /** Why the last question failed. */
  problem = $state<string | null>(null);
  answeredAtMs = $state(0);
  /** Counts what was forgotten: an answer from before is dropped. */
  #round = 0;
  #isRunning = false;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #asking: Promise<void> | null = null;
  #isAskedAgain = false;

  constructor(ask: () => Promise<T>, everyMs: number) {
    this.#ask = ask;
    this.#everyMs = everyMs;
  }

  /** Returns the function that ends it. */
  start(): () => void {
    const onVisibility = () => {
      if (!document.hidden) void this.refresh();
    };
    this.#isRunning = true;
    document.addEventListener('visibilitychange', onVisibility);
    void this.refresh();
    return () => {
      this.#isRunning = false;
      clearTimeout(this.#timer);
      document.removeEventListener('visibilitychange', onVisibility);
    };
  }

  /** Resolves once a question that began no earlier than now is answered or has failed. */
  async refresh(): Promise<void> {
    this.#isAskedAgain = true;
    this.#asking ??= this.#askWhileWanted().finally(() => {
      this.#asking = null;
    });
    await this.#asking;
  }

  /** What was known is of a cluster that this computer left. */
  forget(): void {
    this.#round++;
    this.value = null;
    this.problem = null;
    this.answeredAtMs = 0;
  }

  async #askWhileWanted(): Promise<void> {
    let isAnswerable = true;
    while (this.#isAskedAgain) {
      this.#isAskedAgain = false;
      clearTimeout(this.#timer);
      isAnswerable = await this.#askOnce();
    }
    if (this.#isRunning && isAnswerable && !document.hidden)
      this.#timer = setTimeout(() => void this.refresh(), this.#everyMs);
  }

  /** False: this host will never answer it. */
  async #askOnce(): Promise<boolean> {
    const round = this.#round;
    try {
      const value = await this.#ask();
      if (round !== this.#round) return true;
      this.value = value;
      this.problem = null;
      this.answeredAtMs = Date.now();
    } catch (cause) {
      if (round === this.#round) this.problem = messageOf(cause);
      return !(cause instanceof CallError && cause.code === 'unsupported');
    }
    return true;
  }
}
