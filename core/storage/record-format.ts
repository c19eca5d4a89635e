/**
 * Records as they lie in a segment, big-endian:
 *    0  u32  CRC-32 of everything after it
 *    4  u8   kind: put, remove, drop (a keyspace), block (compressed records), clear (a keyspace's partition: that of the token)
 *    5  u8   flags: 1 = tombstone, 2 = twin (written while another key had the same token), 4 = the next record belongs to it:
 *              where a crash cut that one off, this one was not written either
 *    6  u16  keyspace
 *    8  u32  token, high half
 *   12  u32  token, low half
 *   16  u32  expiry tick (see expiryTickOf), 0 = never
 *   20  u32  key length (block: length of the records once uncompressed)
 *   24  u32  value length (block: compressed length)
 *   28       key, value
 * A block's value is a run of whole records, deflated; its flags name the codec, so that another may be added.
 */
import { crc32 } from 'node:zlib';
import { CoterieError } from '../base/errors.ts';

export const kind = { put: 1, remove: 2, drop: 3, block: 4, clear: 5 } as const;
export const codec = { none: 0, deflate: 1 } as const;
export const tombstoneFlag = 1;
export const twinFlag = 2;
export const togetherFlag = 4;
export const headBytes = 28;

/**
 * Key and value of one record together. Far more than a client may write at once, because a record holds the siblings of
 * several writers, and what was merged must fit; and just below what a frame between nodes may be (wire/peer-frames.ts), because
 * what fits here has to reach other replicas.
 */
export const putBytesMax = 250 * 1024 * 1024;
export function tooLarge(bytes: number, bytesMax: number): CoterieError {
  return new CoterieError(
    'too-large',
    `Key and value have ${bytes} bytes; at most ${bytesMax} are stored. Store smaller values.`,
  );
}

/** No record or block is longer; a block ends with the record that fills it, so it needs room beyond one record. */
const recordBytesMax = 2 * putBytesMax;

const expiryOriginMs = 1_577_836_800_000;
const tickMs = 256;
const tickMax = 0xffff_ffff;

/** Expiry in quarter seconds since 2020, rounded up: 32 bits reach 2054; later ones count as never. */
export function expiryTickOf(expiresAtMs: number): number {
  if (expiresAtMs === 0) return 0;
  const tick = Math.ceil((expiresAtMs - expiryOriginMs) / tickMs);
  return tick >= tickMax ? 0 : Math.max(1, tick);
}

export function isExpiredTick(tick: number, nowMs: number): boolean {
  return tick !== 0 && tick * tickMs + expiryOriginMs <= nowMs;
}

export interface RecordHead {
  readonly kind: number;
  readonly flags: number;
  readonly keyspace: number;
  readonly tokenHigh: number;
  readonly tokenLow: number;
  readonly expiryTick: number;
  readonly keyLength: number;
  readonly valueLength: number;
}

export function recordLength(head: RecordHead): number {
  return headBytes + (head.kind === kind.block ? 0 : head.keyLength) + head.valueLength;
}

export function writeRecord(
  bytes: Buffer,
  offset: number,
  head: RecordHead,
  key: Buffer,
  value: Buffer,
): number {
  const isBlock = head.kind === kind.block;
  bytes[offset + 4] = head.kind;
  bytes[offset + 5] = head.flags;
  bytes.writeUInt16BE(head.keyspace, offset + 6);
  bytes.writeUInt32BE(head.tokenHigh, offset + 8);
  bytes.writeUInt32BE(head.tokenLow, offset + 12);
  bytes.writeUInt32BE(head.expiryTick, offset + 16);
  bytes.writeUInt32BE(head.keyLength, offset + 20);
  bytes.writeUInt32BE(head.valueLength, offset + 24);
  let end = offset + headBytes;
  if (!isBlock) end += key.copy(bytes, end);
  end += value.copy(bytes, end);
  bytes.writeUInt32BE(crc32(bytes.subarray(offset + 4, end)), offset);
  return end - offset;
}

/** Null when fewer bytes than a head are left, or when the head cannot be one. */
export function readHead(bytes: Buffer, offset: number): RecordHead | null {
  if (bytes.length - offset < headBytes) return null;
  const found = bytes[offset + 4];
  if (found < kind.put || found > kind.clear) return null;
  const head: RecordHead = {
    kind: found,
    flags: bytes[offset + 5],
    keyspace: bytes.readUInt16BE(offset + 6),
    tokenHigh: bytes.readUInt32BE(offset + 8),
    tokenLow: bytes.readUInt32BE(offset + 12),
    expiryTick: bytes.readUInt32BE(offset + 16),
    keyLength: bytes.readUInt32BE(offset + 20),
    valueLength: bytes.readUInt32BE(offset + 24),
  };
  return recordLength(head) <= recordBytesMax ? head : null;
}

/** Whether a whole, undamaged record stands at `offset`. */
export function isSound(bytes: Buffer, offset: number, head: RecordHead): boolean {
  const end = offset + recordLength(head);
  return end <= bytes.length && crc32(bytes.subarray(offset + 4, end)) === bytes.readUInt32BE(offset);
}

export function keyAt(bytes: Buffer, offset: number, head: RecordHead): Buffer {
  return bytes.subarray(offset + headBytes, offset + headBytes + head.keyLength);
}

export function valueAt(bytes: Buffer, offset: number, head: RecordHead): Buffer {
  const start = offset + headBytes + (head.kind === kind.block ? 0 : head.keyLength);
  return bytes.subarray(start, start + head.valueLength);
}
