/** Bits of strings, held against a row of characters 0 and 1; and common subsequences, against the definition. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { bytesWritten, readBitfield, runBitfield } from '../../../core/gateway/resp/bitfield.ts';
import {
  bitAt,
  bitsWithin,
  combineBits,
  countOnes,
  findBit,
  invertBits,
  withBit,
} from '../../../core/gateway/resp/bits.ts';
import { commonSubsequence, isTooMuchToCompare } from '../../../core/gateway/resp/lcs.ts';
import { MemoryStore } from '../../support/memory-store.ts';
import { VirtualGateway } from '../../support/virtual-gateway.ts';

const rowOf = (value: Buffer): string => [...value].map((byte) => byte.toString(2).padStart(8, '0')).join('');
const bytes = fc.uint8Array({ maxLength: 24 }).map((array) => Buffer.from(array));
const words = (text: string): Buffer[] => text.split(' ').map((word) => Buffer.from(word));
const valueBytesMax = 1_000;

describe('bits', () => {
  test('are set where they are read, and nowhere else', () => {
    fc.assert(
      fc.property(bytes, fc.nat(300), fc.constantFrom(0 as const, 1 as const), (value, offset, bit) => {
        const before = rowOf(value);
        const length = Math.max(value.length, Math.floor(offset / 8) + 1) * 8;
        const expected = before.padEnd(length, '0').split('');
        expected[offset] = String(bit);
        expect(rowOf(withBit(value, offset, bit))).toBe(expected.join(''));
        expect(bitAt(value, offset)).toBe(Number(before[offset] ?? 0));
        expect(rowOf(value)).toBe(before);
      }),
    );
  });

  test('are counted and found within a range of bytes or bits', () => {
    const ends = fc.integer({ min: -220, max: 220 });
    fc.assert(
      fc.property(
        bytes,
        ends,
        ends,
        fc.constantFrom('byte' as const, 'bit' as const),
        (value, from, to, unit) => {
          const count = unit === 'bit' ? value.length * 8 : value.length;
          const size = unit === 'bit' ? 1 : 8;
          const start = Math.max(0, from < 0 ? from + count : from);
          const end = Math.min(count - 1, Math.max(0, to < 0 ? to + count : to));
          const part = rowOf(value).slice(start * size, Math.max(start, end + 1) * size);
          const range = bitsWithin(value, { from, to, unit });
          expect(range === null).toBe(part === '');
          if (range === null) return;
          expect(countOnes(value, range.first, range.last)).toBe(part.replaceAll('0', '').length);
          for (const bit of [0, 1] as const) {
            const place = part.indexOf(String(bit));
            expect(findBit(value, bit, range.first, range.last)).toBe(place < 0 ? -1 : start * size + place);
          }
        },
      ),
    );
  });

  test('of strings of several lengths combine as if the shorter went on with zeros', () => {
    fc.assert(
      fc.property(bytes, bytes, (left, right) => {
        const length = Math.max(left.length, right.length);
        const at = (value: Buffer, index: number): number => value[index] ?? 0;
        const expected = (of: (a: number, b: number) => number): Buffer =>
          Buffer.from(Array.from({ length }, (_, index) => of(at(left, index), at(right, index))));
        expect(combineBits('and', left, right)).toEqual(expected((a, b) => a & b));
        expect(combineBits('or', left, right)).toEqual(expected((a, b) => a | b));
        expect(combineBits('xor', left, right)).toEqual(expected((a, b) => a ^ b));
        expect(invertBits(invertBits(left))).toEqual(left);
      }),
    );
  });
});

describe('integers in a string', () => {
  test('come back as they were set, at any place and of any width', () => {
    fc.assert(
      fc.property(
        bytes,
        fc.nat(100),
        fc.integer({ min: 1, max: 64 }),
        fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
        (value, offset, width, number) => {
          const set = runBitfield(
            value,
            readBitfield(words(`SET i${width} ${offset} ${number}`), valueBytesMax),
          );
          const read = runBitfield(set.value, readBitfield(words(`GET i${width} ${offset}`), valueBytesMax));
          expect(read.replies).toEqual([BigInt.asIntN(width, number)]);
          const before = rowOf(value).padEnd(set.value.length * 8, '0');
          const after = rowOf(set.value);
          expect(after.slice(0, offset)).toBe(before.slice(0, offset));
          expect(after.slice(offset + width)).toBe(before.slice(offset + width));
        },
      ),
    );
  });

  test('stay within their type: wrapped, at its end, or refused', () => {
    const run = (text: string) =>
      runBitfield(Buffer.from([0xff]), readBitfield(words(text), valueBytesMax)).replies;
    expect(run('INCRBY u8 0 1')).toEqual([0n]);
    expect(run('OVERFLOW SAT INCRBY u8 0 1')).toEqual([255n]);
    expect(run('OVERFLOW FAIL INCRBY u8 0 1 GET u8 0')).toEqual([null, 255n]);
    expect(run('OVERFLOW SAT INCRBY i8 0 -128')).toEqual([-128n]);
    expect(run('OVERFLOW SAT SET u4 #1 -1 GET u4 #1')).toEqual([15n, 15n]);
  });

  test('leave the value alone where nothing writes, and grow it for what does', () => {
    const value = Buffer.from('abc');
    expect(runBitfield(value, readBitfield(words('GET u8 800'), valueBytesMax)).value).toBe(value);
    const failed = readBitfield(words('OVERFLOW FAIL SET u2 80 5'), valueBytesMax);
    expect(bytesWritten(failed)).toBe(11);
    expect(runBitfield(value, failed)).toEqual({
      replies: [null],
      value: Buffer.concat([value, Buffer.alloc(8)]),
    });
  });

  test.each(['SET u8 7999 1', 'SET u8 7993 1', 'GET u8 8000', 'GET u8 -1', 'GET u8 #1000'])(
    'are not taken beyond the largest value: %s',
    (text) => {
      expect(() => readBitfield(words(text), valueBytesMax)).toThrow('bit offset is not an integer');
    },
  );

  test('are so many at once and no more', () => {
    expect(() => readBitfield(words('GET u8 0 '.repeat(10_001).trim()), valueBytesMax)).toThrow(
      'at most 10000',
    );
  });
});

describe('a common subsequence', () => {
  /** The definition, as a recursion with nothing saved. */
  const lengthOf = (left: string, right: string): number => {
    if (left === '' || right === '') return 0;
    if (left[0] === right[0]) return 1 + lengthOf(left.slice(1), right.slice(1));
    return Math.max(lengthOf(left.slice(1), right), lengthOf(left, right.slice(1)));
  };

  test('is the longest, and its runs are where they say', () => {
    const text = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), maxLength: 8 });
    fc.assert(
      fc.property(text, text, (left, right) => {
        const common = commonSubsequence(Buffer.from(left), Buffer.from(right));
        expect(common.bytes.length).toBe(lengthOf(left, right));
        const parts = (side: 'left' | 'right', of: string): string =>
          common.runs
            .map((run) => of.slice(run[side][0], run[side][1] + 1))
            .reverse()
            .join('');
        expect(parts('left', left)).toBe(common.bytes.toString());
        expect(parts('right', right)).toBe(common.bytes.toString());
      }),
    );
  });

  test('is not looked for where that would take too long', async () => {
    expect(isTooMuchToCompare(Buffer.alloc(2_047), Buffer.alloc(2_047))).toBe(false);
    expect(isTooMuchToCompare(Buffer.alloc(2_048), Buffer.alloc(2_047))).toBe(true);
    const gateway = new VirtualGateway(new MemoryStore());
    await gateway.run(['set', 'a', 'x'.repeat(3_000)]);
    await gateway.run(['set', 'b', 'x'.repeat(3_000)]);
    expect(await gateway.run(['lcs', 'a', 'b', 'len'])).toEqual([
      expect.stringMatching(/^-ERR these strings are too long to compare here: 3000 times 3000 bytes/),
    ]);
  });
});
