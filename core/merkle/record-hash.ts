/**
 * The hash of one record as it counts in a tree: the key and the record's header, which holds every dot, the
 * context, times, expiry, tombstone flags and lengths. Equal version sets have equal headers (versions/record-codec.ts,
 * headerOf: whatever the format in which each replica stores them), so replicas that agree hash alike. Values are left out on
 * purpose: a dot names one value for ever, merging would not
 * settle two values of one dot, and damage on disk is the storage engine's to find.
 *
 * Two lanes with the multipliers of MurmurHash3 x86_128 (Austin Appleby, public domain algorithm), each finished with the
 * other's state mixed in. The key counts with all its bytes: dots are a key's own, so two keys may have equal headers, and keys
 * can be made that share a token. Chosen records may still have sums that agree (the hash has no secret): then a difference
 * between replicas stays until one of these keys is read or written, which repairs it.
 */
import { headerLength, headerOf, isLatestFormat } from '../versions/record-codec.ts';

/** 64 bits in two halves. */
export interface RecordHash {
  high: number;
  low: number;
}

function finish(hash: number): number {
  let h = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

function mixLeft(state: number, word: number): number {
  let k = Math.imul(word, 0x239b961b);
  k = Math.imul((k << 15) | (k >>> 17), 0xab0e9789);
  const h = state ^ k;
  return (Math.imul((h << 19) | (h >>> 13), 5) + 0x561ccd1b) | 0;
}

function mixRight(state: number, word: number): number {
  let k = Math.imul(word, 0x38b34ae5);
  k = Math.imul((k << 16) | (k >>> 16), 0xa1e38b93);
  const h = state ^ k;
  return (Math.imul((h << 17) | (h >>> 15), 5) + 0x0bcaa747) | 0;
}

/** Starts with the bytes that count; a copy only of what an older version of this program wrote. */
function hashedBytes(record: Buffer): Buffer {
  return isLatestFormat(record) ? record : headerOf(record);
}

/** Writes the hash into `into`, so that the hot path makes no object. */
export function hashRecord(key: Buffer, record: Buffer, into: RecordHash): void {
  let bytes = record;
  let { length } = record;
  try {
    bytes = hashedBytes(record);
    length = headerLength(bytes);
  } catch {
    // One that this version cannot read counts with all its bytes: it must count, and the same everywhere.
  }
  states.a = 0x9747b28c;
  states.b = 0x2c1b3c6d;
  mixBytes(key, key.length);
  mixBytes(bytes, length);
  const a = (states.a + states.b) | 0;
  const b = (states.b + a) | 0;
  into.high = finish(a);
  into.low = finish(b ^ into.high);
}

/** The two lanes while a hash is made. */
const states = { a: 0, b: 0 };

function mixBytes(bytes: Buffer, length: number): void {
  let { a, b } = states;
  let index = 0;
  for (; index + 4 <= length; index += 4) {
    const word = bytes[index] | (bytes[index + 1] << 8) | (bytes[index + 2] << 16) | (bytes[index + 3] << 24);
    a = mixLeft(a, word);
    b = mixRight(b, word);
  }
  let tail = 0;
  for (let shift = 0; index < length; index++, shift += 8) tail |= bytes[index] << shift;
  states.a = mixLeft(a, tail) ^ length;
  states.b = mixRight(b, tail) ^ length;
}
