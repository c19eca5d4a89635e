/**
 * The messages of an exchange that carry records (exchange-codec.ts has the rest and the head of every question).
 *
 *   fetch    u16 partition · (u48 offset)*                          → u32 offsets answered · (u32 length · key · u32 length · record)*
 *   stream   u16 partition · u48 from offset · u32 bytes at most         → u48 next offset · (u32 length · key · u32 length · record)*
 *   store    u16 partition · (u32 length · key · u32 length · record)*                → u32 records refused
 */

import { offsetEnd } from '../../merkle/tree.ts';
import { headBytes, malformed, partitionAt, question, questionKind } from './exchange-codec.ts';

/** Bytes of records in one message, unless a single one is larger. */
export const batchBytesMax = 1024 * 1024;
/** Records asked for in one message. */
export const offsetsPerFetchMax = 256;

export function encodeFetch(
  exchange: number,
  keyspace: number,
  partition: number,
  offsets: readonly number[],
): Buffer {
  const bytes = question(questionKind.fetch, exchange, keyspace, 2 + offsets.length * 6);
  bytes.writeUInt16BE(partition, headBytes);
  for (const [index, offset] of offsets.entries()) bytes.writeUIntBE(offset, headBytes + 2 + index * 6, 6);
  return bytes;
}

export function decodeFetch(body: Buffer): { partition: number; offsets: number[] } {
  const partition = partitionAt(body, 0);
  const count = (body.length - 2) / 6;
  if (!Number.isInteger(count) || count > offsetsPerFetchMax) throw malformed();
  const offsets = Array.from({ length: count }, (_, index) => body.readUIntBE(2 + index * 6, 6));
  if (offsets.some((offset) => offset >= offsetEnd)) throw malformed();
  return { partition, offsets };
}

export interface KeyedRecord {
  readonly key: Buffer;
  readonly record: Buffer;
}

/** Bytes that a record takes in a batch. */
export function batchedBytes({ key, record }: KeyedRecord): number {
  return 8 + key.length + record.length;
}

function writeBatch(bytes: Buffer, start: number, records: readonly KeyedRecord[]): void {
  let at = start;
  for (const { key, record } of records) {
    for (const field of [key, record]) {
      bytes.writeUInt32BE(field.length, at);
      field.copy(bytes, at + 4);
      at += 4 + field.length;
    }
  }
}

function readBatch(bytes: Buffer, start: number): KeyedRecord[] {
  let at = start;
  const field = (): Buffer => {
    if (at + 4 > bytes.length) throw malformed();
    const end = at + 4 + bytes.readUInt32BE(at);
    if (end > bytes.length) throw malformed();
    const value = bytes.subarray(at + 4, end);
    at = end;
    return value;
  };
  const records: KeyedRecord[] = [];
  while (at < bytes.length) records.push({ key: field(), record: field() });
  return records;
}

const sizeOf = (records: readonly KeyedRecord[]) =>
  records.reduce((sum, record) => sum + batchedBytes(record), 0);

export function encodeFetched(answeredCount: number, records: readonly KeyedRecord[]): Buffer {
  const bytes = Buffer.allocUnsafe(4 + sizeOf(records));
  bytes.writeUInt32BE(answeredCount, 0);
  writeBatch(bytes, 4, records);
  return bytes;
}

export function decodeFetched(bytes: Buffer): { answeredCount: number; records: KeyedRecord[] } {
  if (bytes.length < 4) throw malformed();
  return { answeredCount: bytes.readUInt32BE(0), records: readBatch(bytes, 4) };
}

export interface PageRequest {
  readonly partition: number;
  readonly fromOffset: number;
  /** About so many bytes of records; at least those of one position come. */
  readonly bytesMax: number;
}

export function encodePageRequest(
  exchange: number,
  keyspace: number,
  { partition, fromOffset, bytesMax }: PageRequest,
): Buffer {
  const bytes = question(questionKind.stream, exchange, keyspace, 12);
  bytes.writeUInt16BE(partition, headBytes);
  bytes.writeUIntBE(fromOffset, headBytes + 2, 6);
  bytes.writeUInt32BE(bytesMax, headBytes + 8);
  return bytes;
}

export function decodePageRequest(body: Buffer): PageRequest {
  if (body.length !== 12) throw malformed();
  const fromOffset = body.readUIntBE(2, 6);
  if (fromOffset >= offsetEnd) throw malformed();
  return { partition: partitionAt(body, 0), fromOffset, bytesMax: body.readUInt32BE(8) };
}

/** Records of a partition in the order of the ring. */
export interface RecordPage {
  /** Where to go on; `offsetEnd`: that was all. */
  readonly nextOffset: number;
  readonly records: readonly KeyedRecord[];
}

export function encodeRecordPage({ nextOffset, records }: RecordPage): Buffer {
  const bytes = Buffer.allocUnsafe(6 + sizeOf(records));
  bytes.writeUIntBE(nextOffset, 0, 6);
  writeBatch(bytes, 6, records);
  return bytes;
}

/** A peer that does not get any further would be asked for ever, so that is refused. */
export function decodeRecordPage(bytes: Buffer, fromOffset: number): RecordPage {
  if (bytes.length < 6) throw malformed();
  const nextOffset = bytes.readUIntBE(0, 6);
  if (nextOffset <= fromOffset || nextOffset > offsetEnd) throw malformed();
  return { nextOffset, records: readBatch(bytes, 6) };
}

export function encodeStore(
  exchange: number,
  keyspace: number,
  partition: number,
  records: readonly KeyedRecord[],
): Buffer {
  const bytes = question(questionKind.store, exchange, keyspace, 2 + sizeOf(records));
  bytes.writeUInt16BE(partition, headBytes);
  writeBatch(bytes, headBytes + 2, records);
  return bytes;
}

export function encodeRefused(count: number): Buffer {
  const bytes = Buffer.allocUnsafe(4);
  bytes.writeUInt32BE(count, 0);
  return bytes;
}

export function decodeRefused(bytes: Buffer): number {
  if (bytes.length !== 4) throw malformed();
  return bytes.readUInt32BE(0);
}

export function decodeStore(body: Buffer): { partition: number; records: KeyedRecord[] } {
  return { partition: partitionAt(body, 0), records: readBatch(body, 2) };
}
