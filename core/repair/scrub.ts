/**
 * Reads everything again, slowly: bytes that rot on disk are found before the last good copy of a record is needed. A damaged
 * record reports itself when it is read (StorageEngine.onDamaged); this only makes sure that each is read some time.
 */
import { partitionCount, partitionStart } from '../base/token.ts';
import type { LocalReplica } from '../ports/local-replica.ts';
import { scanPage } from '../ports/scan-page.ts';
import type { Worker, WorkerProgress } from '../ports/worker.ts';

export interface ScrubParts {
  readonly replica: LocalReplica;
  /** Numbers of the keyspaces there are now. */
  keyspaces(): readonly number[];
}

/** Records in one reading. */
const pageCount = 256;

export class Scrub implements Worker {
  readonly name = 'scrub';
  readonly yields = true;
  readonly firstAfterMs: number;
  readonly #parts: ScrubParts;
  #closed = false;
  #partition = 0;
  /** Partitions read to the end. */
  #doneCount = 0;

  /** One partition of every keyspace each `tickMs`: all 1,024 in about four hours at 15 s. */
  constructor(parts: ScrubParts, tickMs: number) {
    this.#parts = parts;
    this.firstAfterMs = tickMs;
  }

  close(): void {
    this.#closed = true;
  }

  progress(): WorkerProgress {
    return { doneCount: this.#doneCount, partition: this.#partition, isBusy: false };
  }

  async step(): Promise<number> {
    const partition = this.#partition;
    this.#partition = (partition + 1) % partitionCount;
    for (const keyspace of this.#parts.keyspaces()) {
      let from: number | null = partitionStart(partition);
      while (from !== null && !this.#closed) from = await this.#read(keyspace, partition, from);
    }
    this.#doneCount++;
    return this.firstAfterMs;
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
