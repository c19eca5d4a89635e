/** How much room the file system of a folder has. A file system that does not answer, as one over a network may, holds nobody up. */
import { statfs } from 'node:fs/promises';
import type { Clock } from '../ports/clock.ts';

export interface Space {
  readonly totalBytes: number;
  readonly usedBytes: number;
  /** For this account: less than the rest where the system keeps some for itself. */
  readonly freeBytes: number;
}

/** Rejects with what the system says. */
export async function spaceOf(folder: string): Promise<Space> {
  const { bsize, blocks, bfree, bavail } = await statfs(folder);
  return { totalBytes: blocks * bsize, usedBytes: (blocks - bfree) * bsize, freeBytes: bavail * bsize };
}

/** The last answer, asked anew at most once in `everyMs` and one at a time. */
export class DiskSpace {
  readonly #clock: Clock;
  readonly #ask: () => Promise<Space>;
  readonly #everyMs: number;
  #askedMs = Number.NEGATIVE_INFINITY;
  #isAsking = false;
  #last: Space | null = null;

  constructor({ clock, ask }: { clock: Clock; ask: () => Promise<Space> }, everyMs: number) {
    this.#clock = clock;
    this.#ask = ask;
    this.#everyMs = everyMs;
  }

  /** Null: not known yet, or it could not be told. Asks again where it is time; what is answered then is had the next time. */
  now(): Space | null {
    const nowMs = this.#clock.monotonicMs();
    if (!this.#isAsking && nowMs - this.#askedMs >= this.#everyMs) {
      this.#isAsking = true;
      this.#askedMs = nowMs;
      void this.#refresh();
    }
    return this.#last;
  }

  async #refresh(): Promise<void> {
    try {
      this.#last = await this.#ask();
    } catch {
      this.#last = null;
    } finally {
      this.#isAsking = false;
    }
  }
}
