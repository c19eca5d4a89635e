/**
 * Where a key lives. A token is 64 bits, kept as two unsigned 32-bit halves because JavaScript numbers hold 53 bits
 * exactly and big integers are slow. Its top 14 bits are the key's Redis Cluster slot (CRC16 mod 16384 with the hash
 * tag rule, Redis Cluster specification), the rest comes from a 64-bit hash of the whole key: a partition is 16 whole
 * slots, so a Redis Cluster client finds a replica by itself.
 */
import { crc16 } from './crc16.ts';
import { hash64 } from './hash.ts';

export const slotCount = 16_384;
export const partitionCount = 1_024;
export const slotsPerPartition = slotCount / partitionCount;

/** A key with its token and keyspace, computed once per request and handed down. */
export interface KeyAddress {
  /** The keyspace's number (0 to 65,535), stable for its life. */
  readonly keyspace: number;
  readonly tokenHigh: number;
  readonly tokenLow: number;
  readonly key: Buffer;
}

const openBrace = 0x7b;
const closeBrace = 0x7d;

/** The Redis Cluster slot: only the text within the first `{...}` counts, if there is any. */
export function slotOf(key: Buffer): number {
  const open = key.indexOf(openBrace);
  if (open >= 0) {
    const close = key.indexOf(closeBrace, open + 1);
    if (close > open + 1) return crc16(key, open + 1, close) % slotCount;
  }
  return crc16(key, 0, key.length) % slotCount;
}

export function addressOf(keyspace: number, key: Buffer): KeyAddress {
  const { high, low } = hash64(key);
  const tokenHigh = ((slotOf(key) << 18) | (high >>> 14)) >>> 0;
  return { keyspace, tokenHigh, tokenLow: low, key };
}

export function partitionOf(tokenHigh: number): number {
  return tokenHigh >>> 22;
}

/** The high half of the first token of a partition. */
export function firstTokenHigh(partition: number): number {
  return (partition << 22) >>> 0;
}

export function slotOfToken(tokenHigh: number): number {
  return tokenHigh >>> 18;
}

/**
 * The position of a key in scans: its partition, then 43 bits of its hash. The slot's own bits are left out on purpose: keys
 * that share a hash tag share them, and would otherwise crowd into a corner of their partition. Distinct keys may share a
 * position; scans therefore never stop between two keys of one.
 */
export function positionOf(tokenHigh: number, tokenLow: number): number {
  return partitionOf(tokenHigh) * 2 ** 43 + (tokenHigh & 0x3ffff) * 2 ** 25 + (tokenLow >>> 7);
}

/** The first position of a partition; `partitionStart(partitionCount)` is one past the last position of the ring. */
export function partitionStart(partition: number): number {
  return partition * 2 ** 43;
}

export function partitionOfPosition(position: number): number {
  return Math.floor(position / 2 ** 43);
}
