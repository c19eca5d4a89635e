/** Patterns of KEYS and SCAN, and decimal sums of INCRBYFLOAT: the pure helpers of the gateway. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { addDecimals, parseDecimal } from '../../../core/gateway/resp/decimal.ts';
import { Glob, patternBytesMax } from '../../../core/gateway/resp/glob.ts';

const matches = (pattern: string, text: string): boolean =>
  new Glob(Buffer.from(pattern, 'latin1')).matches(Buffer.from(text, 'latin1'));

/** Redis's stringmatchlen as it is written, recursion and all: right, and slow beyond bounds. */
function simpleMatches(pattern: string, text: string): boolean {
  if (pattern === '') return text === '';
  const [first] = pattern;
  if (first === '*') {
    for (let from = 0; from <= text.length; from++) {
      if (simpleMatches(pattern.slice(1), text.slice(from))) return true;
    }
    return false;
  }
  if (text === '') return false;
  if (first === '[') {
    let index = 1;
    const negated = pattern[index] === '^';
    if (negated) index++;
    let found = false;
    for (; index < pattern.length && pattern[index] !== ']'; index++) {
      if (pattern[index] === '\\' && index + 1 < pattern.length) {
        index++;
        found ||= pattern[index] === text[0];
      } else if (index + 2 < pattern.length && pattern[index + 1] === '-') {
        const [low, high] = [pattern[index], pattern[index + 2]].sort();
        found ||= text[0] >= low && text[0] <= high;
        index += 2;
      } else found ||= pattern[index] === text[0];
    }
    return found !== negated && simpleMatches(pattern.slice(index + 1), text.slice(1));
  }
  const literal = first === '\\' && pattern.length > 1 ? 2 : 1;
  const fits = first === '?' || pattern[literal - 1] === text[0];
  return fits && simpleMatches(pattern.slice(literal), text.slice(1));
}

describe('Glob', () => {
  test.each([
    ['*', '', true],
    ['h?llo', 'hello', true],
    ['h?llo', 'hllo', false],
    ['h*o', 'heeeello', true],
    ['h[ae]llo', 'hallo', true],
    ['h[ae]llo', 'hillo', false],
    ['h[^e]llo', 'hallo', true],
    ['h[^e]llo', 'hello', false],
    ['h[a-b]llo', 'hbllo', true],
    ['h[b-a]llo', 'hallo', true],
    ['h[a-b]llo', 'hcllo', false],
    ['\\*', '*', true],
    ['\\*', 'x', false],
    ['[\\]]', ']', true],
    ['[abc', 'b', true],
    ['a*b*c', 'a1b2b3c', true],
    ['a*b*c', 'a1b2b3', false],
    ['', '', true],
    ['', 'a', false],
    ['{a}*', '{a}x', true],
    ['abc\\', 'abc\\', true],
  ])('%s on %s is %s', (pattern, text, expected) => {
    expect(matches(pattern, text)).toBe(expected);
  });

  test('says of every text what Redis says', () => {
    // Few different bytes, so that much nearly fits.
    const piece = fc.constantFrom(
      '*',
      '*',
      '?',
      'a',
      'b',
      '[ab]',
      '[^a]',
      '[a-c]',
      '[c-a]',
      '\\',
      '\\*',
      '[',
      ']',
      '^',
      '-',
    );
    const pattern = fc.array(piece, { maxLength: 9 }).map((pieces) => pieces.join(''));
    const text = fc.string({
      unit: fc.constantFrom('a', 'b', 'c', '*', ']', '-', '\\', '\xff'),
      maxLength: 10,
    });
    fc.assert(
      fc.property(pattern, text, (wanted, given) => {
        expect(matches(wanted, given)).toBe(simpleMatches(wanted, given));
      }),
      { numRuns: 20_000 },
    );
  });

  test('finds long pieces as it finds short ones', () => {
    const letters = fc.string({ unit: fc.constantFrom('a', 'b'), minLength: 20, maxLength: 110 });
    const wild = fc.array(fc.nat(109), { maxLength: 4 });
    fc.assert(
      fc.property(letters, letters, letters, wild, (before, piece, after, places) => {
        const wanted = [...piece].map((letter, index) => (places.includes(index) ? '?' : letter)).join('');
        expect(matches(`*${wanted}*`, before + piece + after)).toBe(true);
        expect(matches(`*${wanted}*`, before + after)).toBe(
          new RegExp(wanted.replaceAll('?', '.')).test(before + after),
        );
      }),
      { numRuns: 2_000 },
    );
  });

  test.each([
    ['many stars', 'a*'.repeat(511)],
    ['one long piece', `*${'a'.repeat(1_000)}b*`],
    ['any byte in between', `*${'a?'.repeat(400)}b*`],
    ['many classes', `*${'[ab]'.repeat(200)}[c]*`],
    ['short pieces in front of one that is not there', `${'*aaaaaaa'.repeat(100)}*b`],
  ])('the longest key costs no more than its length times the words of the pattern: %s', (_, pattern) => {
    const glob = new Glob(Buffer.from(pattern));
    const key = Buffer.alloc(65_536, 0x61);
    expect(glob.costOf(key.length)).toBeLessThanOrEqual(32 + 65_536 * 32);
    const startedMs = performance.now();
    for (let round = 0; round < 20; round++) glob.matches(key);
    // Some 5 ms each where it was seen; going back for each star took seconds.
    expect((performance.now() - startedMs) / 20).toBeLessThan(100);
  });

  test('a pattern longer than any key is likely to be is refused', () => {
    expect(new Glob(Buffer.alloc(patternBytesMax, 0x61)).matches(Buffer.from('a'))).toBe(false);
    expect(() => new Glob(Buffer.alloc(patternBytesMax + 1, 0x61))).toThrow(
      /^ERR the pattern has 1025 bytes/,
    );
  });
});

describe('addDecimals', () => {
  const sum = (left: string, right: string): string | null =>
    addDecimals(parseDecimal(Buffer.from(left))!, parseDecimal(Buffer.from(right))!);

  test.each([
    ['1', '0.25', '1.25'],
    ['3.0e3', '200', '3200'],
    ['1', '-1.1', '-0.1'],
    ['10.5', '0.1', '10.6'],
    ['0.1', '0.2', '0.3'],
    ['-5', '5', '0'],
    ['1e20', '1', '100000000000000000001'],
    ['0', '1e-17', '0.00000000000000001'],
    ['0', '1e-18', '0'],
    ['.5', '5.', '5.5'],
    ['0', '0.024390243902439025', '0.02439024390243902'],
    ['0.02439024390243902', '-0.024390243902439025', '0'],
    ['0', '0.000000000000000015', '0.00000000000000002'],
  ])('%s + %s = %s', (left, right, expected) => {
    expect(sum(left, right)).toBe(expected);
  });

  test('an infinite operand has no sum', () => {
    expect(sum('1', '+inf')).toBeNull();
    expect(sum('-infinity', '1')).toBeNull();
  });

  test('what is no number is refused', () => {
    for (const text of ['', ' 1', '1 ', 'abc', 'nan', '1e99999', '--1', '.', 'e5', '1.2.3']) {
      expect(parseDecimal(Buffer.from(text)), text).toBeNull();
    }
  });
});
