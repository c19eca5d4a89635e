/** A change of records of this node (local-records.ts), as whoever makes it sees it. */
import type { CoterieError } from '../../base/errors.ts';
import { mergeRecords, type RecordSummary, summarise } from '../../versions/record-codec.ts';

/** The summary saves a second scan of the header. */
export interface Change {
  readonly record: Buffer;
  readonly summary: RecordSummary;
}

/** What a replica holds once it has joined a record that came from another one. */
export function joined(current: Buffer | null, record: Buffer, newestOnly: boolean): Change {
  const merged = current === null ? record : mergeRecords(current, record, newestOnly);
  return { record: merged, summary: summarise(merged) };
}

export interface ChangeHandler {
  /**
   * Runs at most once with the key's current record; must return at once. Null: nothing is to be written. `remove`: the
   * record is forgotten, as if it had never been; `forget`: the same without a trace on disk, so that a restart may bring it
   * back (ports/storage-engine.ts tells when that may be). A thrown CoterieError becomes `onRefused`.
   */
  transform(current: Buffer | null): Change | 'remove' | 'forget' | null;
  /** Nothing has changed, and nothing more is heard of it. */
  onRefused(error: CoterieError): void;
  /** The change is visible to reads of this node, not yet durable. `record` is what the key holds now. */
  onApplied(record: Buffer | null, changed: boolean): void;
  /** The change is as durable as the keyspace asks; follows onApplied. Not called when nothing changed. */
  onDurable(): void;
  /** Follows onApplied: the change is visible here, and nobody knows whether a restart will find it. */
  onFailed(error: CoterieError): void;
}

/** One change of several keys: as `ChangeHandler`, with the records in the order of the keys. */
export interface TogetherHandler {
  /** Null, for one: it stays as it is. */
  transform(current: readonly (Buffer | null)[]): readonly (Change | null)[];
  onRefused(error: CoterieError): void;
  onApplied(records: readonly (Buffer | null)[], changed: readonly boolean[]): void;
  onDurable(): void;
  onFailed(error: CoterieError): void;
}
