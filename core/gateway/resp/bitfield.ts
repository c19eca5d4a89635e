/** Integers of 1 to 64 bits at any bit of a string: what BITFIELD reads, sets and adds to. Pure, and with Redis's rules for overflow. */
import { readInteger } from './arguments.ts';
import { grownCopy } from './bits.ts';
import { CommandError, errorTexts } from './errors.ts';

type Overflow = 'wrap' | 'sat' | 'fail';

interface BitfieldStep {
  readonly kind: 'get' | 'set' | 'incrby';
  readonly isSigned: boolean;
  readonly width: number;
  /** In bits. */
  readonly offset: number;
  /** What is set or added; 0 for reading. */
  readonly operand: bigint;
  readonly overflow: Overflow;
}

/** Each costs about a microsecond, all in one turn. */
const stepCountMax = 10_000;

const bitOffsetError = 'ERR bit offset is not an integer or out of range';

/** `#3` is the place of the third integer of this width. The byte there must be one that a value may have. */
export function readBitOffset(bytes: Buffer, valueBytesMax: number, width = 0): number {
  const isIndex = width > 0 && bytes[0] === 0x23;
  const read = Number(readInteger(isIndex ? bytes.subarray(1) : bytes, bitOffsetError));
  const offset = isIndex ? read * width : read;
  if (offset < 0 || offset / 8 >= valueBytesMax) throw new CommandError(bitOffsetError);
  return offset;
}

function readType(bytes: Buffer): { isSigned: boolean; width: number } {
  const parts = /^([iu])([1-9][0-9]?)$/.exec(bytes.toString('latin1', 0, 4));
  const width = Number(parts?.[2] ?? 0);
  if (parts === null || width > (parts[1] === 'i' ? 64 : 63)) {
    throw new CommandError(
      'ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is.',
    );
  }
  return { isSigned: parts[1] === 'i', width };
}

function readOverflow(bytes: Buffer): Overflow {
  const text = bytes.toString('latin1').toLowerCase();
  if (text === 'wrap' || text === 'sat' || text === 'fail') return text;
  throw new CommandError('ERR Invalid OVERFLOW type specified');
}

/** The words behind the key. Throws CommandError in Redis's words, and for more than may be asked at once. */
export function readBitfield(words: readonly Buffer[], valueBytesMax: number): BitfieldStep[] {
  const steps: BitfieldStep[] = [];
  let overflow: Overflow = 'wrap';
  for (let index = 0; index < words.length; ) {
    const kind = words[index].toString('latin1', 0, 9).toLowerCase();
    const left = words.length - 1 - index;
    if (kind === 'overflow' && left >= 1) {
      overflow = readOverflow(words[index + 1]);
      index += 2;
      continue;
    }
    const isWrite = kind === 'set' || kind === 'incrby';
    if (!(kind === 'get' && left >= 2) && !(isWrite && left >= 3)) throw new CommandError(errorTexts.syntax);
    if (steps.length === stepCountMax) {
      throw new CommandError(`ERR at most ${stepCountMax} integers are read or changed at once`);
    }
    const { isSigned, width } = readType(words[index + 1]);
    const offset = readBitOffset(words[index + 2], valueBytesMax, width);
    if (isWrite && offset + width > valueBytesMax * 8) throw new CommandError(bitOffsetError);
    const operand = isWrite ? BigInt(readInteger(words[index + 3])) : 0n;
    steps.push({ kind: kind as BitfieldStep['kind'], isSigned, width, offset, operand, overflow });
    index += isWrite ? 4 : 3;
  }
  return steps;
}

/** Bytes that a value must have for what is written to it; 0 when nothing is. */
export function bytesWritten(steps: readonly BitfieldStep[]): number {
  let most = 0;
  for (const { kind, offset, width } of steps) {
    if (kind !== 'get') most = Math.max(most, Math.ceil((offset + width) / 8));
  }
  return most;
}

/** As an unsigned number. In two halves of plain numbers: a BigInt for each bit would cost more than all else. */
function readBits(value: Buffer, offset: number, width: number): bigint {
  let high = 0;
  let low = 0;
  for (let bit = offset; bit < offset + width; bit++) {
    const index = Math.floor(bit / 8);
    const next = index < value.length ? (value[index] >> (7 - (bit % 8))) & 1 : 0;
    high = ((high << 1) | (low >>> 31)) >>> 0;
    low = ((low << 1) | next) >>> 0;
  }
  return (BigInt(high) << 32n) | BigInt(low);
}

/** The lowest `width` bits of the number; the value is long enough. */
function writeBits(value: Buffer, offset: number, width: number, number: bigint): void {
  const low = Number(BigInt.asUintN(32, number));
  const high = Number(BigInt.asUintN(32, number >> 32n));
  for (let place = 0; place < width; place++) {
    const bit = offset + width - 1 - place;
    const mask = 0x80 >> (bit % 8);
    const index = Math.floor(bit / 8);
    const isOne = ((place < 32 ? low >>> place : high >>> (place - 32)) & 1) === 1;
    value[index] = isOne ? value[index] | mask : value[index] & ~mask;
  }
}

/** The number as this type keeps it, or null where it does not fit and that is a failure. */
function heldAs(number: bigint, { isSigned, width, overflow }: BitfieldStep): bigint | null {
  const max = (1n << BigInt(isSigned ? width - 1 : width)) - 1n;
  const min = isSigned ? -max - 1n : 0n;
  if (number >= min && number <= max) return number;
  if (overflow === 'fail') return null;
  if (overflow === 'sat') return number > max ? max : min;
  return isSigned ? BigInt.asIntN(width, number) : BigInt.asUintN(width, number);
}

export interface BitfieldOutcome {
  /** One for each step; null where an overflow failed. */
  readonly replies: readonly (bigint | null)[];
  /** What the value is now; the one that was given when no step has written. */
  readonly value: Buffer;
}

/** The value grows to what the steps that write need even where they fail, as Redis's does. */
export function runBitfield(before: Buffer, steps: readonly BitfieldStep[]): BitfieldOutcome {
  const length = bytesWritten(steps);
  const value = length === 0 ? before : grownCopy(before, length);
  const replies = steps.map((step) => {
    const { kind, isSigned, width, offset, operand } = step;
    const bits = readBits(value, offset, width);
    const present = isSigned ? BigInt.asIntN(width, bits) : bits;
    if (kind === 'get') return present;
    // Redis takes what is set in an unsigned field as 64 bits without sign: -1 is the largest there is.
    const wanted = kind === 'incrby' ? present + operand : isSigned ? operand : BigInt.asUintN(64, operand);
    const next = heldAs(wanted, step);
    if (next === null) return null;
    writeBits(value, offset, width, next);
    return kind === 'set' ? present : next;
  });
  return { replies, value };
}
