/**
 * A storage engine under observation. Whatever a node accepts, as coordinator, as replica or from a repair, passes through
 * `put`: here it is seen, and held against the one law that every merge relies on.
 */
import type { CoterieError } from '../../../core/base/errors.ts';
import type { Durability } from '../../../core/base/levels.ts';
import type { KeyAddress } from '../../../core/base/token.ts';
import type {
  DamageHandler,
  EngineRecovery,
  EngineStatistics,
  Put,
  RecordFacts,
  ScanRequest,
  ScanResult,
  StorageEngine,
} from '../../../core/ports/storage-engine.ts';
import { decodeRecord } from '../../../core/versions/record-codec.ts';
import { epochOf, nodeIdOf } from '../../../core/versions/version-set.ts';

/** Numbers from here on are the nodes' own keyspaces: what they hold are no records of versions. */
const ownKeyspaces = 0xff00;

/** What a page of a scan holds at most, where nobody asks for less. */
const pageBytesMax = 4 * 1024 * 1024;

export interface EngineWatch {
  /** Every record that was taken, not those that were refused. */
  onPut(address: KeyAddress, value: Buffer): void;
  /** A page that held more in memory at once than it may. */
  onLargePage(recordCount: number, bytes: number): void;
}

export class WatchedEngine implements StorageEngine {
  readonly #engine: StorageEngine;
  readonly #watch: EngineWatch;

  constructor(engine: StorageEngine, watch: EngineWatch) {
    this.#engine = engine;
    this.#watch = watch;
  }

  get recovery(): EngineRecovery {
    return this.#engine.recovery;
  }

  get refusal(): CoterieError | null {
    return this.#engine.refusal;
  }

  onDamaged(handler: DamageHandler): void {
    this.#engine.onDamaged(handler);
  }

  get(address: KeyAddress, done: (error: CoterieError | null, value: Buffer | null) => void): void {
    this.#engine.get(address, done);
  }

  sizeOf(address: KeyAddress): number {
    return this.#engine.sizeOf(address);
  }

  put(
    address: KeyAddress,
    value: Buffer,
    facts: RecordFacts,
    durability: Durability,
    done: (error: CoterieError | null) => void,
  ): CoterieError | null {
    const refusal = this.#engine.put(address, value, facts, durability, done);
    if (refusal === null && address.keyspace < ownKeyspaces) this.#watch.onPut(address, value);
    return refusal;
  }

  putAll(
    puts: readonly Put[],
    durability: Durability,
    done: (error: CoterieError | null) => void,
  ): CoterieError | null {
    const refusal = this.#engine.putAll(puts, durability, done);
    if (refusal !== null) return refusal;
    for (const { address, value } of puts) {
      if (address.keyspace < ownKeyspaces) this.#watch.onPut(address, value);
    }
    return null;
  }

  remove(address: KeyAddress, done: (error: CoterieError | null) => void): CoterieError | null {
    return this.#engine.remove(address, done);
  }

  forget(address: KeyAddress): void {
    this.#engine.forget(address);
  }

  scan(request: ScanRequest, done: (error: CoterieError | null, result: ScanResult | null) => void): void {
    this.#engine.scan(request, (error, result) => {
      const sizes = result?.records.map(({ key, value }) => key.length + value.length) ?? [];
      // Records of one position come together: beyond the bound there is at most one of them.
      const bytes = sizes.slice(0, -1).reduce((sum, size) => sum + size, 0);
      if (bytes > (request.bytesMax ?? pageBytesMax)) this.#watch.onLargePage(sizes.length, bytes);
      done(error, result);
    });
  }

  countRecords(keyspace: number): number {
    return this.#engine.countRecords(keyspace);
  }

  countLive(keyspace: number, partition: number): number {
    return this.#engine.countLive(keyspace, partition);
  }

  statistics(): EngineStatistics {
    return this.#engine.statistics();
  }

  dropKeyspace(keyspace: number, done: (error: CoterieError | null) => void): CoterieError | null {
    return this.#engine.dropKeyspace(keyspace, done);
  }

  dropPartition(
    keyspace: number,
    partition: number,
    done: (error: CoterieError | null) => void,
  ): CoterieError | null {
    return this.#engine.dropPartition(keyspace, partition, done);
  }

  settle(): Promise<void> {
    return this.#engine.settle();
  }

  close(): Promise<void> {
    return this.#engine.close();
  }
}

/**
 * One dot, one value: an event of an actor names the same bytes wherever it is held. A merge keeps one of two versions of
 * one dot without looking at them, so where this is broken replicas differ for ever and nothing notices.
 */
export class DotBook {
  readonly #values = new Map<string, string>();
  readonly #violate: (words: string) => void;

  constructor(violate: (words: string) => void) {
    this.#violate = violate;
  }

  note({ keyspace, key }: KeyAddress, record: Buffer, where: string): void {
    for (const { actor, counter, timestamp, tombstone, value } of decodeRecord(record).versions) {
      const dot = `${keyspace}:${key.toString('latin1')} ${nodeIdOf(actor)}.${epochOf(actor)}.${counter}`;
      const shown = tombstone ? 'a deletion' : `"${value.toString('latin1', 0, 40)}"`;
      const content = `${shown} at ${timestamp}`;
      const known = this.#values.get(dot);
      if (known === undefined) this.#values.set(dot, content);
      else if (known !== content) {
        this.#violate(`${where} takes ${content} as event ${dot}, which is ${known} elsewhere`);
      }
    }
  }
}
