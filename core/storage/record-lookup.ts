/** Finds one record in the bytes of a place: a record by itself, or a cold block that holds many. */
import type { StoredRecord } from '../ports/storage-engine.ts';
import { fingerprintOf } from './key-index.ts';
import { keyAt, kind, type RecordHead, readHead, valueAt } from './record-format.ts';
import { eachInBlock, inflateBlock } from './segment-scan.ts';

/** What the index knows of a key: enough to tell it from its neighbours in a block. */
export interface KeyMark {
  readonly keyspace: number;
  readonly tokenHigh: number;
  readonly tokenLow: number;
  readonly fingerprint: number;
}

/**
 * The value of `key`; null when the bytes hold other keys only. The keyspace counts as well: one name in two keyspaces
 * may lie in one block.
 */
export function valueIn(bytes: Buffer, keyspace: number, key: Buffer): Buffer | null {
  const isIt = (head: RecordHead, found: Buffer) => head.keyspace === keyspace && found.equals(key);
  return recordWhere(bytes, isIt)?.value ?? null;
}

/** The record that an index entry stands for, when its key is not known yet. */
export function recordOf(bytes: Buffer, mark: KeyMark): StoredRecord | null {
  return recordWhere(
    bytes,
    (head, key) =>
      head.keyspace === mark.keyspace &&
      head.tokenHigh === mark.tokenHigh &&
      head.tokenLow === mark.tokenLow &&
      fingerprintOf(key) === mark.fingerprint,
  );
}

function recordWhere(bytes: Buffer, isIt: (head: RecordHead, key: Buffer) => boolean): StoredRecord | null {
  const head = readHead(bytes, 0);
  if (head === null) return null;
  if (head.kind !== kind.block) {
    const key = keyAt(bytes, 0, head);
    return isIt(head, key) ? { key, value: valueAt(bytes, 0, head) } : null;
  }
  const records = inflateBlock(head, valueAt(bytes, 0, head));
  let found: StoredRecord | null = null;
  eachInBlock(records, (inner, start) => {
    if (inner.kind !== kind.put) return false;
    const key = keyAt(records, start, inner);
    if (!isIt(inner, key)) return false;
    // Copies: slices would keep the whole block in memory.
    found = { key: Buffer.from(key), value: Buffer.from(valueAt(records, start, inner)) };
    return true;
  });
  return found;
}
