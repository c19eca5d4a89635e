/**
 * The storage engine as a port: an ordered-by-token map from (keyspace, key) to opaque bytes. It knows nothing of
 * versions, replicas or networks. Implementations: core/storage (log-structured, on disk) and the in-memory engine;
 * both pass test/conformance/storage-engine-suite.ts.
 *
 * Rules that every implementation keeps:
 * - A change (put, remove, dropKeyspace, dropPartition) is **refused**, or **applied** and later **durable** or **failed**. Refused: the call
 *   returns the reason, nothing has changed, `done` never runs. Applied: the call returns null, the change is visible to
 *   every later get and scan at once, and `done` runs exactly once, after the call has returned: without error when it is
 *   durable (durability `always`) or accepted (`interval`), with one when nobody knows whether a restart will find it.
 *   So whoever must not act on a refused change looks at what the call returned, and at nothing else.
 * - Changes of one key are applied in call order.
 * - The `done` of a get or a scan may run before the call returns (hot data) or later (disk). It runs exactly once.
 * - Buffers given in are copied if they are kept beyond the call; buffers handed out must not be changed by the caller,
 *   and may be kept.
 * - After a failed sync the engine refuses changes with `disk-failed`; when the disk is full, with `disk-full`, until
 *   there is room again; with `busy` while too much waits for the disk. Reads go on.
 */
import type { CoterieError } from '../base/errors.ts';
import type { Durability } from '../base/levels.ts';
import type { KeyAddress } from '../base/token.ts';

/** What the engine may know about a record without reading its value: enough to count live keys. */
export interface RecordFacts {
  readonly tombstone: boolean;
  /** Milliseconds since 1970 after which the record counts as gone; 0 = never. The engine counts in whole seconds. */
  readonly expiresAtMs: number;
}

/** With its address as the index has it: nobody hashes a stored key again. */
export interface StoredRecord extends KeyAddress {
  readonly value: Buffer;
}

export interface ScanRequest {
  readonly keyspace: number;
  readonly partition: number;
  /** First ring position (token.ts, positionOf) to return. */
  readonly fromPosition: number;
  /** Stop after about this many records; records of one position are never split. */
  readonly countMax: number;
  /** Stop after about this many bytes of keys and values; at least the records of one position are returned. */
  readonly bytesMax?: number;
  /** Only records that hold nothing for a reader: tombstones, and values that expired (to the second); or only the latter. */
  readonly deadOnly?: boolean | 'expired';
}

export interface ScanResult {
  /** Ascending by ring position. Tombstones and expired records included: the caller judges by their bytes. */
  readonly records: readonly StoredRecord[];
  /** Where to go on within this partition; null at its end. */
  readonly nextPosition: number | null;
}

export interface EngineStatistics {
  /** Live keys: neither tombstone nor (to the second) expired. */
  readonly liveKeyCount: number;
  readonly recordCount: number;
  readonly indexBytes: number;
  /** Bytes of the in-memory cache and its bound. */
  readonly hotBytes: number;
  readonly hotBytesMax: number;
  readonly hotHits: number;
  readonly hotMisses: number;
  readonly segmentCount: number;
  /** Bytes on disk, split by tier. */
  readonly warmDiskBytes: number;
  readonly coldDiskBytes: number;
  /** Uncompressed bytes of what the cold tier holds: cold ratio = coldRawBytes / coldDiskBytes. */
  readonly coldRawBytes: number;
  /** Bytes on disk that no key refers to any more. */
  readonly deadBytes: number;
  /** Bytes of changes that are on their way to the disk. */
  readonly pendingBytes: number;
  readonly syncCount: number;
  readonly compactionCount: number;
  readonly quarantinedSegmentCount: number;
}

/** What the engine found when it opened: the node takes a fresh epoch unless `clean`. */
export interface EngineRecovery {
  /** True only when the last run closed the engine in order and nothing was cut or set aside. */
  readonly clean: boolean;
  readonly tornBytes: number;
  /** Segments that were damaged, missing, or shorter than they had been: what they held is lost here. */
  readonly quarantinedSegments: readonly string[];
  readonly recordCount: number;
}

/**
 * A scan came upon a record that is damaged. Its key is unknown, and gets of it fail with `corrupt`, until `forget` is called:
 * then it is as if it had never been.
 */
export type DamageHandler = (keyspace: number, partition: number, forget: () => void) => void;

export interface Put {
  readonly address: KeyAddress;
  readonly value: Buffer;
  readonly facts: RecordFacts;
}

export interface StorageEngine {
  readonly recovery: EngineRecovery;

  /** At most one handler; without one damaged records stay, and scans leave them out. */
  onDamaged(handler: DamageHandler): void;

  /** Why a small put would be refused now; null when it would be taken. */
  readonly refusal: CoterieError | null;

  get(address: KeyAddress, done: (error: CoterieError | null, value: Buffer | null) => void): void;

  /** Bytes of the record as far as the index knows: 0 for none, and of several keys with one token the largest. */
  sizeOf(address: KeyAddress): number;

  /** Returns why the record is refused, or null: applied. */
  put(
    address: KeyAddress,
    value: Buffer,
    facts: RecordFacts,
    durability: Durability,
    done: (error: CoterieError | null) => void,
  ): CoterieError | null;

  /**
   * Several puts of different keys as one: all are refused, or all applied, and then durable or failed together. After a crash
   * either all of them are found or none. `done` runs once.
   */
  putAll(
    puts: readonly Put[],
    durability: Durability,
    done: (error: CoterieError | null) => void,
  ): CoterieError | null;

  /** Forgets a record as if it had never been (collection of tombstones). Durable like a put; nothing there is no error. */
  remove(address: KeyAddress, done: (error: CoterieError | null) => void): CoterieError | null;

  /**
   * Forgets a record without a trace on disk: a restart may bring it back, or an older record of the same key. Only for
   * records of which all that can come back is dead as well: values that have expired, after others that had.
   */
  forget(address: KeyAddress): void;

  scan(request: ScanRequest, done: (error: CoterieError | null, result: ScanResult | null) => void): void;

  /** Live keys of a keyspace in one partition, from the index alone. */
  countLive(keyspace: number, partition: number): number;

  /** Records of a keyspace, whatever is in them. */
  countRecords(keyspace: number): number;

  statistics(): EngineStatistics;

  /** Forgets every record of a dropped keyspace. Durable like a put. */
  dropKeyspace(keyspace: number, done: (error: CoterieError | null) => void): CoterieError | null;

  /** Forgets every record that a keyspace has in one partition, at the cost of one small record. Durable like a put. */
  dropPartition(
    keyspace: number,
    partition: number,
    done: (error: CoterieError | null) => void,
  ): CoterieError | null;

  /** Runs background work (compaction, expiry counting) until there is none: for tests and before a snapshot. */
  settle(): Promise<void>;

  /** Makes everything durable and leaves a mark that lets the next open be clean. */
  close(): Promise<void>;
}
