/** Finds one record in the bytes of a place: a record by itself, or a cold block that holds many. */
import type { StoredRecord } from '../ports/storage-engine.ts';
import type { Fingerprint } from './fingerprint.ts';
import type { KeyMark } from './key-index.ts';
import { keyAt, kind, type RecordHead, readHead, valueAt } from './record-format.ts';
import { eachInBlock, inflateBlock } from './segment-scan.ts';

/**
 * The value of `key`; null when the bytes hold other keys only. The keyspace counts as well: one name in two keyspaces
 * may lie in one block.
 */
export function valueIn(bytes: Buffer, keyspace: number, key: Buffer): Buffer | null {
  const head = readHead(bytes, 0);
  if (head === null) return null;
  const isIt = (one: RecordHead, found: Buffer) => one.keyspace === keyspace && found.equals(key);
  if (head.kind !== kind.block) return isIt(head, keyAt(bytes, 0, head)) ? valueAt(bytes, 0, head) : null;
  const records = inflateBlock(head, valueAt(bytes, 0, head));
  let value: Buffer | null = null;
  eachInBlock(records, (inner, start) => {
    if (inner.kind !== kind.put || !isIt(inner, keyAt(records, start, inner))) return false;
    // A copy: a slice would keep the whole block in memory.
    value = Buffer.from(valueAt(records, start, inner));
    return true;
  });
  return value;
}

/**
 * The records that index entries stand for whose keys are not known yet, all in one place; null for those that are not
 * there. A block is unpacked once for all of them.
 */
export function recordsOf(
  bytes: Buffer,
  marks: readonly KeyMark[],
  fingerprint: Fingerprint,
): (StoredRecord | null)[] {
  const found: (StoredRecord | null)[] = new Array(marks.length).fill(null);
  const head = readHead(bytes, 0);
  if (head === null) return found;
  if (head.kind !== kind.block) {
    const key = keyAt(bytes, 0, head);
    marks.forEach((mark, at) => {
      if (isMarked(head, key, mark, fingerprint)) found[at] = stored(head, key, valueAt(bytes, 0, head));
    });
    return found;
  }
  const records = inflateBlock(head, valueAt(bytes, 0, head));
  let left = marks.length;
  eachInBlock(records, (inner, start) => {
    if (inner.kind !== kind.put) return false;
    const key = keyAt(records, start, inner);
    const at = marks.findIndex(
      (mark, index) => found[index] === null && isMarked(inner, key, mark, fingerprint),
    );
    if (at < 0) return false;
    // Copies: slices would keep the whole block in memory.
    found[at] = stored(inner, Buffer.from(key), Buffer.from(valueAt(records, start, inner)));
    return --left === 0;
  });
  return found;
}

function stored({ keyspace, tokenHigh, tokenLow }: RecordHead, key: Buffer, value: Buffer): StoredRecord {
  return { keyspace, tokenHigh, tokenLow, key, value };
}

function isMarked(head: RecordHead, key: Buffer, mark: KeyMark, fingerprint: Fingerprint): boolean {
  return (
    head.tokenLow === mark.tokenLow &&
    head.tokenHigh === mark.tokenHigh &&
    head.keyspace === mark.keyspace &&
    (mark.key === null
      ? fingerprint(key) === mark.fingerprint && mark.denied?.some((one) => one.equals(key)) !== true
      : mark.key.equals(key))
  );
}
