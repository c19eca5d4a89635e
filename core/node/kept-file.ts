/**
 * A small file that follows a state in memory: replaced as a whole, the newest state last, one write at a time. A disk that does
 * not take it now is asked again until it does; states in between may be skipped.
 */

import { toCoterieError } from '../base/errors.ts';
import type { Timers } from '../ports/clock.ts';
import type { Disk } from '../ports/disk.ts';
import type { Log } from '../ports/log.ts';
import { pause } from '../ports/pause.ts';

const retryAfterMs = 1_000;

export class KeptFile {
  readonly #disk: Disk;
  readonly #timers: Timers;
  readonly #log: Log;
  readonly #path: string;
  #wanted: string | null = null;
  #writing: Promise<void> | null = null;
  #closed = false;

  constructor(components: { disk: Disk; timers: Timers; log: Log }, path: string) {
    this.#disk = components.disk;
    this.#timers = components.timers;
    this.#log = components.log;
    this.#path = path;
  }

  /** Resolves once this state, or a later one, is durable, or the file was closed. */
  keep(state: unknown): Promise<void> {
    this.#wanted = JSON.stringify(state);
    this.#writing ??= this.#writeAll().finally(() => {
      this.#writing = null;
    });
    return this.#writing;
  }

  close(): void {
    this.#closed = true;
  }

  async #writeAll(): Promise<void> {
    while (this.#wanted !== null && !this.#closed) {
      const text = this.#wanted;
      this.#wanted = null;
      try {
        await this.#disk.replaceFile(this.#path, Buffer.from(text));
      } catch (cause) {
        this.#log.warn(`${this.#path} could not be written; it is tried again.`, {
          cause: toCoterieError(cause, 'disk-failed').message,
        });
        this.#wanted ??= text;
        await pause(this.#timers, retryAfterMs);
      }
    }
  }
}
