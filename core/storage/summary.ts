/**
 * The summary of a segment: for each of its records the place, the head and the key, without the value, and one checksum for all.
 * It is written when the segment is durable to its end, so what it tells of has been there.
 */
import { crc32 } from 'node:zlib';
import type { Disk } from '../ports/disk.ts';
import { headBytes, kind, type RecordHead, readHead, recordLength, twinFlag } from './record-format.ts';
import { magic, summaryName } from './segment.ts';

const summaryHeadBytes = 12;

/** Gathers a segment's summary while the segment is written: for each record its place, its head and its key. */
export class SummaryBuilder {
  #bytes = Buffer.allocUnsafe(64 * 1024);
  #length = summaryHeadBytes;

  /** `length`: head and key of the record, without its value. */
  add(place: { offset: number; length: number }, record: Buffer, start: number, length: number): void {
    const needed = this.#length + 8 + length;
    if (needed > this.#bytes.length) {
      const grown = Buffer.allocUnsafe(Math.max(needed, this.#bytes.length * 2));
      this.#bytes.copy(grown, 0, 0, this.#length);
      this.#bytes = grown;
    }
    this.#bytes.writeUInt32BE(place.offset, this.#length);
    this.#bytes.writeUInt32BE(place.length, this.#length + 4);
    record.copy(this.#bytes, this.#length + 8, start, start + length);
    this.#length = needed;
  }

  finish(): Buffer {
    const bytes = this.#bytes.subarray(0, this.#length);
    bytes.writeUInt32BE(magic, 0);
    bytes.writeUInt32BE(this.#length, 4);
    bytes.writeUInt32BE(crc32(bytes.subarray(summaryHeadBytes)), 8);
    return bytes;
  }
}

/** The entries of a summary, or null when it cannot be trusted. */
function summaryBody(bytes: Buffer): Buffer | null {
  const sound =
    bytes.length >= summaryHeadBytes &&
    bytes.readUInt32BE(0) === magic &&
    bytes.readUInt32BE(4) === bytes.length &&
    bytes.readUInt32BE(8) === crc32(bytes.subarray(summaryHeadBytes));
  return sound ? bytes.subarray(summaryHeadBytes) : null;
}

export interface Survey {
  readonly body: Buffer;
  /** False: it tells of more than the segment holds. */
  readonly fits: boolean;
  readonly rawBytes: number;
  /** Of records that were written beside others of their tokens. */
  readonly twins: readonly RecordHead[];
}

/** Goes through a summary once before anything is made of it; null when it is damaged. */
export function survey(bytes: Buffer, segmentBytes: number): Survey | null {
  const body = summaryBody(bytes);
  if (body === null) return null;
  let fits = true;
  let rawBytes = 0;
  const twins: RecordHead[] = [];
  const isWhole = eachInSummary(body, (head, place) => {
    if (place.offset + place.length > segmentBytes) fits = false;
    rawBytes += recordLength(head);
    if (head.kind !== kind.drop && (head.flags & twinFlag) !== 0) twins.push(head);
    return true;
  });
  return isWhole ? { body, fits, rawBytes, twins } : null;
}

export async function readSummary(
  disk: Disk,
  folder: string,
  { number, size }: { number: number; size: number },
): Promise<Survey | null> {
  try {
    return survey(await disk.readFile(`${folder}/${summaryName(number)}`), size);
  } catch {
    return null;
  }
}

/** False as soon as `onEntry` says so, or when something is no entry. */
export function eachInSummary(
  body: Buffer,
  onEntry: (head: RecordHead, place: { offset: number; length: number }, at: number) => boolean,
): boolean {
  for (let at = 0; at < body.length; ) {
    const head = readHead(body, at + 8);
    if (head === null) return false;
    if (!onEntry(head, { offset: body.readUInt32BE(at), length: body.readUInt32BE(at + 4) }, at + 8))
      return false;
    at += 8 + headBytes + head.keyLength;
  }
  return true;
}
