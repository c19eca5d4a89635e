/**
 * How many values are read for HTTP at a time. How large a value is shows when it is there, so few are asked for at once, and
 * a key that was large lately needs its size in the budget before it is asked for again. An answer counts until it has been
 * written to the client, or the client is gone.
 */
import { createHash } from 'node:crypto';
import { CoterieError } from '../../base/errors.ts';
import type { Timers } from '../../ports/clock.ts';
import type { ByteBudget, Share } from './byte-budget.ts';
import { type Exchange, isOver, whenOver } from './exchange.ts';

/** Values of 50 MiB, all of them never read before: 400 MiB for a moment. */
const atOnceMax = 8;
const waitingMax = 1_024;
const waitMaxMs = 5_000;
const usualBytes = 4 * 1024;
const largeBytes = 64 * 1024;
const largeKeysMax = 1_024;

export class ReadGate {
  readonly #budget: ByteBudget;
  readonly #timers: Timers;
  /** Digest of keyspace and key → bytes of its last answer. */
  readonly #large = new Map<string, number>();
  readonly #waiting = new Set<() => void>();
  #atOnce = 0;

  constructor(components: { budget: ByteBudget; timers: Timers }) {
    this.#budget = components.budget;
    this.#timers = components.timers;
  }

  /**
   * Runs `read` when it is its turn; `bytesOf` says what its answer takes until the exchange is over (null: until it is read).
   * Throws `busy` when too many wait or there is no room for it, `unavailable` when the client went away before its turn.
   */
  async run<T>(
    name: { keyspace: string; key: Buffer },
    exchange: Exchange | null,
    read: () => Promise<T>,
    bytesOf: (answer: T) => number,
  ): Promise<T> {
    const id = createHash('sha256').update(`${name.keyspace}/`).update(name.key).digest('base64');
    await this.#turn();
    let share: Share | null = null;
    try {
      if (exchange !== null && isOver(exchange)) throw new CoterieError('unavailable', 'The caller is gone.');
      share = this.#budget.take(this.#large.get(id) ?? usualBytes);
      const answer = await read();
      const bytes = bytesOf(answer);
      this.#remember(id, bytes);
      share.force(bytes);
      const held = share;
      if (exchange === null) held.release();
      else whenOver(exchange, () => held.release());
      return answer;
    } catch (cause) {
      share?.release();
      throw cause;
    } finally {
      this.#atOnce--;
      const [next] = this.#waiting;
      next?.();
    }
  }

  #turn(): Promise<void> {
    if (this.#atOnce < atOnceMax) {
      this.#atOnce++;
      return Promise.resolve();
    }
    const busy = new CoterieError('busy', 'Too many values are being read at this moment. Try again.');
    if (this.#waiting.size >= waitingMax) return Promise.reject(busy);
    return new Promise((resolve, reject) => {
      const timer = this.#timers.after(waitMaxMs, () => {
        this.#waiting.delete(go);
        reject(busy);
      });
      const go = () => {
        this.#waiting.delete(go);
        timer.cancel();
        this.#atOnce++;
        resolve();
      };
      this.#waiting.add(go);
    });
  }

  #remember(id: string, bytes: number): void {
    this.#large.delete(id);
    if (bytes < largeBytes) return;
    this.#large.set(id, bytes);
    const [oldest] = this.#large.keys();
    if (this.#large.size > largeKeysMax) this.#large.delete(oldest);
  }
}
