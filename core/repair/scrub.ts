/**
 * Reads everything again, slowly: bytes that rot on disk are found before the last good copy of a record is needed. A damaged
 * record reports itself when it is read (StorageEngine.onDamaged); this only makes sure that each is read some time.
 */
import { partitionCount, partitionStart } from '../base/token.ts';
import type { Cancellable, Timers } from '../ports/clock.ts';
import type { LocalReplica } from '../ports/local-replica.ts';
import { scanPage } from '../ports/scan-page.ts';

export interface ScrubParts {
  readonly replica: LocalReplica;
  readonly timers: Timers;
  /** Numbers of the keyspaces there are now. */
  keyspaces(): readonly number[];
  isBusy(): boolean;
}

/** Records in one reading. */
const pageCount = 256;

export class Scrub {
  readonly #parts: ScrubParts;
  readonly #tickMs: number;
  #tick: Cancellable | null = null;
  #closed = false;
  #partition = 0;

  /** One partition of every keyspace each `tickMs`: all 1,024 in about four hours at 15 s. 0: never. */
  constructor(parts: ScrubParts, tickMs: number) {
    this.#parts = parts;
    this.#tickMs = tickMs;
    if (tickMs > 0) this.#arm();
  }

  close(): void {
    this.#closed = true;
    this.#tick?.cancel();
  }

  #arm(): void {
    this.#tick = this.#parts.timers.after(this.#tickMs, () => {
      void this.#look().finally(() => {
        if (!this.#closed) this.#arm();
      });
    });
  }

  async #look(): Promise<void> {
    if (this.#parts.isBusy()) return;
    const partition = this.#partition;
    this.#partition = (partition + 1) % partitionCount;
    for (const keyspace of this.#parts.keyspaces()) {
      let from: number | null = partitionStart(partition);
      while (from !== null && !this.#closed) from = await this.#read(keyspace, partition, from);
    }
  }

  /** Where to go on; null at the end, and when the disk cannot be read at all, which others report. */
  #read(keyspace: number, partition: number, fromPosition: number): Promise<number | null> {
    const request = { keyspace, partition, fromPosition, countMax: pageCount };
    return scanPage(this.#parts.replica, request).then(
      ({ nextPosition }) => nextPosition,
      () => null,
    );
  }
}
