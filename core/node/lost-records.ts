/**
 * A record that is on disk but damaged: noticed when somebody wants it, or when all are looked at in turn. It is forgotten here and comes back from the other
 * replicas. Its events may be among those that they know, and must not be numbered again, so the node takes a new epoch
 * first; until it has been compared it has no vote on reads of that partition.
 */
import { toCoterieError } from '../base/errors.ts';
import { type KeyAddress, partitionOf } from '../base/token.ts';
import type { Timers } from '../ports/clock.ts';
import type { Log } from '../ports/log.ts';
import type { StorageEngine } from '../ports/storage-engine.ts';
import { type HintStore, hintKeyspace } from '../replication/handoff/hint-store.ts';
import type { Counters, Writer } from '../replication/parts.ts';
import type { LocalRecords } from '../replication/replica/local-records.ts';
import type { ReadEligibility } from '../replication/replica/read-eligibility.ts';
import type { Topology } from '../replication/topology.ts';
import type { Actor } from '../versions/version-set.ts';

const tellEveryMs = 60_000;

interface Components {
  readonly engine: StorageEngine;
  /** What is held in this partition is not what the tree says. */
  doubt(keyspace: number, partition: number): void;
  readonly records: LocalRecords;
  readonly hints: HintStore;
  readonly eligibility: ReadEligibility;
  readonly writer: Writer;
  readonly counters: Pick<Counters, 'damagedRecords'>;
  readonly log: Log;
  readonly timers: Timers;
  readonly topology: () => Topology;
  rebuild(): Promise<void>;
}

export class LostRecords {
  readonly #parts: Components;
  readonly #renewActor: () => Promise<Actor>;
  readonly #waiting = new Map<string, KeyAddress>();
  readonly #forgets: (() => void)[] = [];
  #recovering = false;
  /** Damaged records that nobody was told of yet. */
  #untold = 0;
  #telling = false;

  /** `renewActor` takes a new epoch durably. */
  constructor(parts: Components, renewActor: () => Promise<Actor>) {
    this.#parts = parts;
    this.#renewActor = renewActor;
  }

  watch(): void {
    const { records, engine, doubt } = this.#parts;
    records.onLost((address) => this.#onLost(address));
    engine.onDamaged((keyspace, partition, forget) => {
      this.#forgets.push(() => {
        forget();
        doubt(keyspace, partition);
        this.#countHints(keyspace, partition);
      });
      this.#begin(keyspace, partition);
    });
  }

  /** A hint is a record as well: one that is gone is owed no more. */
  #countHints(keyspace: number, partition: number): void {
    if (keyspace !== hintKeyspace) return;
    this.#parts.hints.recount(partition).catch((cause) => {
      this.#parts.log.warn('Writes kept for another node could not be counted again.', {
        cause: toCoterieError(cause, 'disk-failed').message,
      });
    });
  }

  #onLost(address: KeyAddress): void {
    this.#waiting.set(`${address.keyspace}:${address.key.toString('latin1')}`, {
      ...address,
      key: Buffer.from(address.key),
    });
    this.#begin(address.keyspace, partitionOf(address.tokenHigh));
  }

  #begin(keyspace: number, partition: number): void {
    const { eligibility, topology } = this.#parts;
    eligibility.lost(topology(), keyspace, partition);
    if (this.#recovering) return;
    this.#recovering = true;
    this.#recover()
      .catch((cause) => {
        const { message } = toCoterieError(cause, 'disk-failed');
        this.#parts.log.error('A damaged record could not be set aside; it is tried again.', {
          cause: message,
        });
      })
      .finally(() => {
        this.#recovering = false;
      });
  }

  async #recover(): Promise<void> {
    const { records, writer, counters } = this.#parts;
    writer.actor = await this.#renewActor();
    // More may have turned up meanwhile: one new epoch serves them all.
    while (this.#waiting.size > 0 || this.#forgets.length > 0) {
      counters.damagedRecords += this.#forgets.length + this.#waiting.size;
      for (const forget of this.#forgets.splice(0)) forget();
      const lost = [...this.#waiting.values()];
      this.#untold += lost.length;
      this.#waiting.clear();
      for (const address of lost) {
        await new Promise<void>((resolve, reject) => {
          records.discard(address, (error) => (error === null ? resolve() : reject(error)));
        });
        this.#countHints(address.keyspace, partitionOf(address.tokenHigh));
      }
    }
    this.#tell();
    void this.#parts.rebuild();
  }

  /** Once for many: a disk that rots does so in thousands of records. */
  #tell(): void {
    if (this.#telling || this.#untold === 0) return;
    this.#telling = true;
    this.#parts.log.warn('Records on disk are damaged. They come back from the other replicas.', {
      records: this.#untold,
    });
    this.#untold = 0;
    this.#parts.timers.after(tellEveryMs, () => {
      this.#telling = false;
      this.#tell();
    });
  }
}
