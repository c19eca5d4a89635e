/**
 * Records of several keys that a replica takes as one, as the payload of `calls.putTogether`:
 *   u16 keyspace · u32 count · count × (u32 key length · u32 record length · key · record)
 * big-endian. The answer is a status (frames.ts) as one byte.
 */
import { CoterieError } from '../../base/errors.ts';

export interface KeyedRecord {
  readonly key: Buffer;
  readonly record: Buffer;
}

const headBytes = 6;
const entryHeadBytes = 8;

/** Keys of one such change: a transaction that needs more is several. */
export const togetherKeysMax = 1_024;
/** Keys and records of one such change: what a node has of it in memory several times over. */
export const togetherBytesMax = 64 * 1_024 * 1_024;

export function encodePutTogether(keyspace: number, records: readonly KeyedRecord[]): Buffer {
  const head = Buffer.allocUnsafe(headBytes);
  head.writeUInt16BE(keyspace, 0);
  head.writeUInt32BE(records.length, 2);
  const pieces: Buffer[] = [head];
  for (const { key, record } of records) {
    const entry = Buffer.allocUnsafe(entryHeadBytes);
    entry.writeUInt32BE(key.length, 0);
    entry.writeUInt32BE(record.length, 4);
    pieces.push(entry, key, record);
  }
  return Buffer.concat(pieces);
}

/** Throws `bad-input` for what ends too early, is too much, or names one key twice. */
export function parsePutTogether(payload: Buffer): { keyspace: number; records: KeyedRecord[] } {
  if (payload.length < headBytes) throw malformed();
  const count = payload.readUInt32BE(2);
  if (count > togetherKeysMax) throw malformed();
  const records: KeyedRecord[] = [];
  const names = new Set<string>();
  let at = headBytes;
  for (let index = 0; index < count; index++) {
    if (payload.length - at < entryHeadBytes) throw malformed();
    const keyEnd = at + entryHeadBytes + payload.readUInt32BE(at);
    const recordEnd = keyEnd + payload.readUInt32BE(at + 4);
    if (recordEnd > payload.length) throw malformed();
    const key = payload.subarray(at + entryHeadBytes, keyEnd);
    records.push({ key, record: payload.subarray(keyEnd, recordEnd) });
    names.add(key.toString('latin1'));
    at = recordEnd;
  }
  if (at !== payload.length || names.size !== count) throw malformed();
  return { keyspace: payload.readUInt16BE(0), records };
}

function malformed(): CoterieError {
  return new CoterieError('bad-input', 'Records from another node that belong together are malformed.');
}
