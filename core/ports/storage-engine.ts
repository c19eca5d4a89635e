/**
 * The storage engine as a port: an ordered-by-token map from (keyspace, key) to opaque bytes. It knows nothing of
 * versions, replicas or networks. Implementations: core/storage (log-structured, on disk) and the in-memory engine;
 * both pass test/conformance/storage-engine-suite.ts.
 *
 * Rules that every implementation keeps:
 * - A put is visible to every later get and scan of this engine at once, before it is durable. Its `done` runs after it
 *   is durable (durability `always`), or after it is accepted (`interval`).
 * - Puts of one key are applied in call order.
 * - A `done` may run before the call returns (hot data) or later (disk). It runs exactly once.
 * - Buffers given in are copied if they are kept beyond the call; buffers handed out must not be changed by the caller,
 *   and may be kept.
 * - After a failed sync the engine refuses writes with `disk-failed`; when the disk is full, with `disk-full`, until
 *   there is room again. Reads go on.
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

export interface StoredRecord {
  readonly key: Buffer;
  readonly value: Buffer;
}

export interface ScanRequest {
  readonly keyspace: number;
  readonly partition: number;
  /** First ring position (token.ts, positionOf) to return. */
  readonly fromPosition: number;
  /** Stop after about this many records; records of one position are never split. */
  readonly countMax: number;
  /** Only records that hold nothing for a reader: tombstones, and values that expired (to the second). */
  readonly deadOnly?: boolean;
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
  readonly syncCount: number;
  readonly compactionCount: number;
  readonly quarantinedSegmentCount: number;
}

/** What the engine found when it opened: the node takes a fresh epoch unless `clean`. */
export interface EngineRecovery {
  /** True only when the last run closed the engine in order and nothing was cut or set aside. */
  readonly clean: boolean;
  readonly tornBytes: number;
  readonly quarantinedSegments: readonly string[];
  readonly recordCount: number;
}

/**
 * A scan came upon a record that is damaged. Its key is unknown, and gets of it fail with `corrupt`, until `forget` is called:
 * then it is as if it had never been.
 */
export type DamageHandler = (keyspace: number, partition: number, forget: () => void) => void;

export interface StorageEngine {
  readonly recovery: EngineRecovery;

  /** At most one handler; without one damaged records stay, and scans leave them out. */
  onDamaged(handler: DamageHandler): void;

  get(address: KeyAddress, done: (error: CoterieError | null, value: Buffer | null) => void): void;

  put(
    address: KeyAddress,
    value: Buffer,
    facts: RecordFacts,
    durability: Durability,
    done: (error: CoterieError | null) => void,
  ): void;

  /** Forgets a record as if it had never been (collection of tombstones). Durable like a put. */
  remove(address: KeyAddress, done: (error: CoterieError | null) => void): void;

  scan(request: ScanRequest, done: (error: CoterieError | null, result: ScanResult | null) => void): void;

  /** Live keys of a keyspace in one partition, from the index alone. */
  countLive(keyspace: number, partition: number): number;

  statistics(): EngineStatistics;

  /** Forgets every record of a dropped keyspace. */
  dropKeyspace(keyspace: number, done: (error: CoterieError | null) => void): void;

  /** Runs background work (compaction, expiry counting) until there is none: for tests and before a snapshot. */
  settle(): Promise<void>;

  /** Makes everything durable and leaves a mark that lets the next open be clean. */
  close(): Promise<void>;
}
