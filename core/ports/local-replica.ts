/** This node's own copy of the data as repair sees it: walked, changed by merging only, and watched. */
import type { CoterieError } from '../base/errors.ts';
import type { KeyAddress } from '../base/token.ts';
import type { ScanRequest, ScanResult } from './storage-engine.ts';

/** Told of every change of a record, in the turn in which it becomes visible. */
export interface RecordObserver {
  /** Null: the key holds nothing. */
  onChange(address: KeyAddress, before: Buffer | null, after: Buffer | null): void;
  /**
   * What a partition holds is not known any more: a write failed after it was visible, bytes on disk are damaged, or the
   * partition was forgotten as a whole.
   */
  onDoubt(keyspace: number, partition: number): void;
}

export interface LocalReplica {
  /** Whether this node is a replica of the partition by the present layout. */
  owns(keyspace: number, partition: number): boolean;
  /** Records of the partition that may be forgotten from this moment on or earlier are not here any more, and not taken in. */
  forgottenUntilMs(partition: number): number;
  /** An estimate of the records there. */
  recordCount(keyspace: number, partition: number): number;
  /** As the storage engine's: a page shows the records as of the call, whenever it comes. */
  scan(request: ScanRequest, done: (error: CoterieError | null, result: ScanResult | null) => void): void;
  read(address: KeyAddress, done: (error: CoterieError | null, record: Buffer | null) => void): void;
  /** Joins another replica's record; `done` runs once it is durable. Throws or fails with `corrupt` for malformed bytes. */
  merge(address: KeyAddress, record: Buffer, done: (error: CoterieError | null) => void): void;
}
