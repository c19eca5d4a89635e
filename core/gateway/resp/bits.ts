/**
 * Strings as rows of bits, the first bit the highest of the first byte, as in Redis. Pure; nothing here changes what it is
 * given, for the values belong to the store. Integers of any width are in bitfield.ts.
 */

/** Behind the end all bits are 0. */
export function bitAt(value: Buffer, offset: number): 0 | 1 {
  const index = Math.floor(offset / 8);
  if (index >= value.length) return 0;
  return ((value[index] >> (7 - (offset % 8))) & 1) as 0 | 1;
}

/** A copy of at least `length` bytes; what is new is zero. */
export function grownCopy(value: Buffer, length: number): Buffer {
  const copy = Buffer.alloc(Math.max(value.length, length));
  copy.set(value);
  return copy;
}

export function withBit(value: Buffer, offset: number, bit: 0 | 1): Buffer {
  const index = Math.floor(offset / 8);
  const copy = grownCopy(value, index + 1);
  const mask = 0x80 >> (offset % 8);
  copy[index] = bit === 1 ? copy[index] | mask : copy[index] & ~mask;
  return copy;
}

/** Both ends inclusive; negative ones count from the end. */
export interface BitRange {
  readonly from: number;
  readonly to: number;
  readonly unit: 'byte' | 'bit';
}

/** First and last bit, or null for none. */
export function bitsWithin(
  value: Buffer,
  { from, to, unit }: BitRange,
): { first: number; last: number } | null {
  const perUnit = unit === 'bit' ? 1 : 8;
  const count = (value.length * 8) / perUnit;
  const start = Math.max(from < 0 ? count + from : from, 0);
  const end = Math.min(Math.max(to < 0 ? count + to : to, 0), count - 1);
  return start > end ? null : { first: start * perUnit, last: (end + 1) * perUnit - 1 };
}

const onesInByte = Uint8Array.from({ length: 256 }, (_, byte) => {
  let ones = 0;
  for (let rest = byte; rest > 0; rest >>= 1) ones += rest & 1;
  return ones;
});

/** How many of the bits from `first` to `last` are 1; both are within the value. */
export function countOnes(value: Buffer, first: number, last: number): number {
  const firstByte = Math.floor(first / 8);
  const lastByte = Math.floor(last / 8);
  let ones = 0;
  for (let index = firstByte; index <= lastByte; index++) ones += onesInByte[value[index]];
  // What the first and the last byte have outside the range.
  ones -= onesInByte[value[firstByte] & ~(0xff >> (first % 8)) & 0xff];
  ones -= onesInByte[value[lastByte] & (0xff >> ((last % 8) + 1))];
  return ones;
}

/** The first such bit from `first` to `last`, or -1. */
export function findBit(value: Buffer, wanted: 0 | 1, first: number, last: number): number {
  const without = wanted === 1 ? 0x00 : 0xff;
  let offset = first;
  while (offset <= last) {
    if (offset % 8 === 0 && value[offset / 8] === without) offset += 8;
    else if (bitAt(value, offset) === wanted) return offset;
    else offset += 1;
  }
  return -1;
}

export type BitOperation = 'and' | 'or' | 'xor';

/** As long as the longer one; the shorter one counts as filled up with zeros. */
export function combineBits(operation: BitOperation, left: Buffer, right: Buffer): Buffer {
  const [short, long] = left.length < right.length ? [left, right] : [right, left];
  const shared = short.length;
  const result = Buffer.alloc(long.length);
  if (operation === 'and')
    for (let index = 0; index < shared; index++) result[index] = short[index] & long[index];
  else {
    result.set(long);
    if (operation === 'or') for (let index = 0; index < shared; index++) result[index] |= short[index];
    else for (let index = 0; index < shared; index++) result[index] ^= short[index];
  }
  return result;
}

export function invertBits(value: Buffer): Buffer {
  const result = Buffer.alloc(value.length);
  for (let index = 0; index < value.length; index++) result[index] = ~value[index];
  return result;
}
