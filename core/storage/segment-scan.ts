/** Reads a segment from its start, record by record, checking each: for recovery, for compaction, for lost summaries. */
import { inflateRawSync } from 'node:zlib';
import { CoterieError } from '../base/errors.ts';
import type { DiskFile } from '../ports/disk.ts';
import {
  codec,
  headBytes,
  isSound,
  kind,
  type RecordHead,
  readHead,
  recordLength,
  togetherFlag,
  valueAt,
} from './record-format.ts';
import { readSegmentHead } from './segment.ts';

const readBytes = 1024 * 1024;

/** `bytes` holds the record at `start`; `offset` is where it, or the block that holds it, lies in the segment. */
export type OnRecord = (
  head: RecordHead,
  bytes: Buffer,
  start: number,
  place: { offset: number; length: number },
) => void;

export interface ScanOutcome {
  /** Bytes up to the end of the last whole record, or of those that belong together. */
  readonly soundBytes: number;
  /** False when something other than a clean end follows. */
  readonly whole: boolean;
}

export function inflateBlock(head: RecordHead, value: Buffer): Buffer {
  if (head.flags === codec.none) return value;
  if (head.flags !== codec.deflate) {
    throw new CoterieError('corrupt', 'A block was compressed by a newer version. Update this computer.');
  }
  return inflateRawSync(value);
}

/** Records inside an uncompressed block. */
export function eachInBlock(records: Buffer, onRecord: (head: RecordHead, start: number) => boolean): void {
  for (let start = 0; start < records.length; ) {
    const head = readHead(records, start);
    if (head === null) throw new CoterieError('corrupt', 'A block holds something that is no record.');
    if (onRecord(head, start)) return;
    start += recordLength(head);
  }
}

/**
 * Stops at the first record that is not whole, or that belongs to one that is not (record-format.ts, `togetherFlag`). Blocks are opened; their records are told one by one. `betweenReads` lets the
 * caller work off what it was told before more comes: records never pile up beyond one read.
 */
export async function scanSegment(
  file: DiskFile,
  onRecord: OnRecord,
  betweenReads: () => Promise<void> = async () => {},
): Promise<ScanOutcome> {
  const size = await file.size();
  let window = await file.read(0, Math.min(size, readBytes));
  let windowStart = 0;
  const segmentHead = readSegmentHead(window);
  if (segmentHead === null) return { soundBytes: 0, whole: false };
  let offset = segmentHead.bytes;
  /** Told once the last one that belongs to them is there. */
  const together: (() => void)[] = [];
  let togetherStart = offset;
  const soundBytes = () => (together.length > 0 ? togetherStart : offset);
  while (offset < size) {
    let at = offset - windowStart;
    let head = readHead(window, at);
    if (head === null || at + recordLength(head) > window.length) {
      await betweenReads();
      const wanted = head === null ? headBytes : recordLength(head);
      window = await file.read(offset, Math.min(size - offset, Math.max(wanted, readBytes)));
      windowStart = offset;
      at = 0;
      head = readHead(window, 0);
      if (head !== null && recordLength(head) > window.length && offset + recordLength(head) <= size) {
        window = await file.read(offset, recordLength(head));
      }
    }
    if (head === null || !isSound(window, at, head)) return { soundBytes: soundBytes(), whole: false };
    const length = recordLength(head);
    const place = { offset, length };
    if (head.kind === kind.block) {
      const records = inflateBlock(head, valueAt(window, at, head));
      eachInBlock(records, (inner, start) => {
        onRecord(inner, records, start, place);
        return false;
      });
    } else {
      const isLast = (head.flags & togetherFlag) === 0;
      if (isLast && together.length === 0) onRecord(head, window, at, place);
      else {
        if (together.length === 0) togetherStart = offset;
        const found = { head, bytes: window, at };
        together.push(() => onRecord(found.head, found.bytes, found.at, place));
        if (isLast) for (const tell of together.splice(0)) tell();
      }
    }
    offset += length;
  }
  return { soundBytes: soundBytes(), whole: together.length === 0 };
}
