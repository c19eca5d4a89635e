/** Reads what a partition holds, by position: hashes of whole leaves, and single records. Never more than one page at a time. */
import { partitionStart, positionOf } from '../base/token.ts';
import type { PositionHash } from '../merkle/comparison.ts';
import { hashRecord, type RecordHash } from '../merkle/record-hash.ts';
import { firstOffset, offsetEnd } from '../merkle/tree.ts';
import type { LocalReplica } from '../ports/local-replica.ts';
import { scanPage } from '../ports/scan-page.ts';
import type { ScanResult } from '../ports/storage-engine.ts';
import { summarise } from '../versions/record-codec.ts';
import { type LeafRequest, type Listing, positionsPerAnswerMax } from '../wire/peer/exchange-codec.ts';
import { batchedBytes, type KeyedRecord } from '../wire/peer/record-batch-codec.ts';

/** Records read for a listing at once: their values are read with them and dropped. */
const pageCountMax = 256;

/** The leaves asked for, as ranges of offsets: neighbours are read as one. */
function rangesOf({ bits, leaves, fromOffset }: LeafRequest): { from: number; until: number }[] {
  const ranges: { from: number; until: number }[] = [];
  for (const leaf of leaves) {
    const from = Math.max(fromOffset, firstOffset(bits, leaf));
    const until = firstOffset(bits, leaf + 1);
    if (until <= from) continue;
    const last = ranges[ranges.length - 1];
    if (last !== undefined && last.until === from) last.until = until;
    else ranges.push({ from, until });
  }
  return ranges;
}

/** The hashes of everything in some leaves, from an offset on, up to about `positionsPerAnswerMax` positions. */
export async function listLeaves(
  replica: LocalReplica,
  keyspace: number,
  partition: number,
  request: LeafRequest,
): Promise<Listing> {
  const positions: PositionHash[] = [];
  const density = replica.recordCount(keyspace, partition) / offsetEnd;
  for (const { from, until } of rangesOf(request)) {
    let next: number | null = from;
    while (next !== null && next < until) {
      if (positions.length >= positionsPerAnswerMax) {
        return { positions, nextOffset: next, forgottenUntilMs: request.forgottenUntilMs };
      }
      const expected = Math.ceil((until - next) * density * 1.2) + 8;
      const page: ScanResult = await scanPage(replica, {
        keyspace,
        partition,
        fromPosition: partitionStart(partition) + next,
        countMax: Math.min(pageCountMax, expected),
      });
      append(positions, page, until, request.forgottenUntilMs);
      next = page.nextPosition === null ? null : page.nextPosition - partitionStart(partition);
    }
  }
  return { positions, nextOffset: offsetEnd, forgottenUntilMs: request.forgottenUntilMs };
}

function append(positions: PositionHash[], page: ScanResult, until: number, forgottenUntilMs: number): void {
  for (const { tokenHigh, tokenLow, key, value } of page.records) {
    const offset = positionOf(tokenHigh, tokenLow) % offsetEnd;
    if (offset >= until) return;
    if (forgottenUntilMs > 0 && isForgotten(value, forgottenUntilMs)) continue;
    const hash: RecordHash = { high: 0, low: 0 };
    hashRecord(key, value, hash);
    const last = positions[positions.length - 1];
    if (last?.offset === offset) {
      const low = last.low + hash.low;
      last.high = (last.high + hash.high + (low > 0xffff_ffff ? 1 : 0)) >>> 0;
      last.low = low >>> 0;
    } else positions.push({ offset, high: hash.high, low: hash.low });
  }
}

function isForgotten(record: Buffer, untilMs: number): boolean {
  try {
    const { forgettableAtMs } = summarise(record);
    return forgettableAtMs > 0 && forgettableAtMs <= untilMs;
  } catch {
    return false;
  }
}

/**
 * The records at some offsets until they fill `bytesMax`, at least those of one offset. Offsets that hold nothing any more
 * are answered with nothing.
 */
export async function readOffsets(
  replica: LocalReplica,
  keyspace: number,
  partition: number,
  offsets: readonly number[],
  bytesMax: number,
): Promise<{ answeredCount: number; records: KeyedRecord[] }> {
  const records: KeyedRecord[] = [];
  let bytes = 0;
  let answeredCount = 0;
  for (const offset of offsets) {
    if (bytes >= bytesMax) break;
    const fromPosition = partitionStart(partition) + offset;
    // One byte: the records of one position alone are read.
    const page = await scanPage(replica, { keyspace, partition, fromPosition, countMax: 1, bytesMax: 1 });
    for (const { tokenHigh, tokenLow, key, value } of page.records) {
      if (positionOf(tokenHigh, tokenLow) !== fromPosition) continue;
      records.push({ key, record: value });
      bytes += batchedBytes(records[records.length - 1]);
    }
    answeredCount++;
  }
  return { answeredCount, records };
}
