/**
 * The dead records of a partition as nodes speak about them: by position and hash, in pages. A hash stands for the key and
 * exactly one set of its versions (merkle/record-hash.ts), so two nodes that name the same hash hold the same record.
 *
 * A question names some of them within a range of positions:
 *   u16 keyspace · u16 partition · u48 from · u48 until · (u48 offset · u56 hash)*
 * The answer has a byte for each: 1, nothing at the other node speaks against collecting it.
 */
import { CoterieError } from '../../base/errors.ts';
import { type KeyAddress, partitionCount, partitionStart, positionOf } from '../../base/token.ts';
import { hashRecord, type RecordHash } from '../../merkle/record-hash.ts';
import { offsetEnd } from '../../merkle/tree.ts';
import { scanPage } from '../../ports/scan-page.ts';
import type { ScanResult, StorageEngine, StoredRecord } from '../../ports/storage-engine.ts';
import { summarise } from '../../versions/record-codec.ts';

/** Named in one question. */
const pageCount = 512;
const pageBytes = 4 * 1024 * 1024;
const headBytes = 16;
const entryBytes = 13;

export interface DeadRecord {
  /** Position within the partition. */
  readonly offset: number;
  /** 53 bits: exact as a number. */
  readonly hash: number;
}

/** Offsets of a partition, `until` not included. */
export interface Range {
  readonly from: number;
  readonly until: number;
}

export interface DeadPage extends Range {
  readonly keyspace: number;
  readonly partition: number;
  readonly records: readonly DeadRecord[];
}

export function encodePage({ keyspace, partition, from, until, records }: DeadPage): Buffer {
  const bytes = Buffer.allocUnsafe(headBytes + records.length * entryBytes);
  bytes.writeUInt16BE(keyspace, 0);
  bytes.writeUInt16BE(partition, 2);
  bytes.writeUIntBE(from, 4, 6);
  bytes.writeUIntBE(until, 10, 6);
  let at = headBytes;
  for (const { offset, hash } of records) {
    bytes.writeUIntBE(offset, at, 6);
    bytes.writeUIntBE(Math.floor(hash / 2 ** 32), at + 6, 3);
    bytes.writeUInt32BE(hash % 2 ** 32, at + 9);
    at += entryBytes;
  }
  return bytes;
}

/** Throws `bad-input`, also for a record beyond the range: nobody looks there, so nothing would speak against it. */
export function decodePage(bytes: Buffer): DeadPage {
  const count = (bytes.length - headBytes) / entryBytes;
  const malformed = () =>
    new CoterieError('bad-input', 'A question about deletions from another node is malformed.');
  if (!Number.isInteger(count) || count < 0) throw malformed();
  const partition = bytes.readUInt16BE(2);
  const from = bytes.readUIntBE(4, 6);
  const until = bytes.readUIntBE(10, 6);
  if (partition >= partitionCount || until > offsetEnd || from > until) throw malformed();
  const records = Array.from({ length: count }, (_, index): DeadRecord => {
    const at = headBytes + index * entryBytes;
    const offset = bytes.readUIntBE(at, 6);
    const hash = bytes.readUIntBE(at + 6, 3) * 2 ** 32 + bytes.readUInt32BE(at + 9);
    if (offset < from || offset >= until || !Number.isSafeInteger(hash)) throw malformed();
    return { offset, hash };
  });
  return { keyspace: bytes.readUInt16BE(0), partition, from, until, records };
}

const hashed: RecordHash = { high: 0, low: 0 };

export function nameOf({ tokenHigh, tokenLow, key }: KeyAddress, record: Buffer): DeadRecord {
  hashRecord(key, record, hashed);
  const hash = (hashed.high % 2 ** 21) * 2 ** 32 + hashed.low;
  return { offset: positionOf(tokenHigh, tokenLow) % offsetEnd, hash };
}

/**
 * Whether a record holds nothing for a reader, and has not for `marginMs`, so that clocks a little apart agree. What a node
 * forgets by itself is none of it (expired-values.ts).
 */
export function isDead(record: Buffer, nowMs: number, marginMs: number): boolean {
  try {
    const { tombstone, expiresAtMs, forgettableAtMs } = summarise(record);
    if (tombstone) return true;
    const isExpired = expiresAtMs > 0 && expiresAtMs + marginMs < nowMs;
    return isExpired && (forgettableAtMs === 0 || forgettableAtMs > nowMs);
  } catch {
    // Not to be understood, so not to be judged.
    return false;
  }
}

/** Goes through the records of a range, a page at a time, until `visit` returns false; `deadOnly`: what the index takes for dead. */
export async function visitPages(
  engine: Pick<StorageEngine, 'scan'>,
  where: { readonly keyspace: number; readonly partition: number; readonly deadOnly: boolean } & Range,
  visit: (records: readonly StoredRecord[], range: Range) => Promise<boolean> | boolean,
): Promise<void> {
  const { keyspace, partition, deadOnly } = where;
  const start = partitionStart(partition);
  let from: number | null = where.from;
  while (from !== null && from < where.until) {
    const page: ScanResult = await scanPage(engine, {
      keyspace,
      partition,
      fromPosition: start + from,
      countMax: pageCount,
      bytesMax: pageBytes,
      deadOnly,
    });
    const next: number | null = page.nextPosition === null ? null : page.nextPosition - start;
    const until = Math.min(next ?? offsetEnd, where.until);
    const records = page.records.filter(
      ({ tokenHigh, tokenLow }) => positionOf(tokenHigh, tokenLow) % offsetEnd < until,
    );
    if (!(await visit(records, { from, until }))) return;
    from = next;
  }
}
