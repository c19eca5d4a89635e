/** Patterns of KEYS and SCAN, and decimal sums of INCRBYFLOAT: the pure helpers of the gateway. */
import { describe, expect, test } from 'vitest';
import { addDecimals, parseDecimal } from '../../../core/gateway/resp/decimal.ts';
import { globMatches } from '../../../core/gateway/resp/glob.ts';

const matches = (pattern: string, text: string): boolean =>
  globMatches(Buffer.from(pattern), Buffer.from(text));

describe('globMatches', () => {
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

  test('a pattern of many stars costs no more than pattern times text', () => {
    expect(matches(`${'a*'.repeat(500)}b`, 'a'.repeat(5_000))).toBe(false);
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
