import { describe, expect, it } from 'vitest';
import { jsonPartsMax, parseBoundedJson } from '../../../core/base/bounded-json.ts';

const parsed = (text: string) => parseBoundedJson(Buffer.from(text));

describe('JSON from outside', () => {
  it.each([
    ['lists in lists', '['.repeat(jsonPartsMax + 1)],
    ['empty objects', `[${'{},'.repeat(jsonPartsMax)}{}]`],
    ['numbers', `[${'0,'.repeat(jsonPartsMax)}0]`],
    ['fields', `{${'"a":1,'.repeat(jsonPartsMax)}"a":1}`],
    ['lists behind a text with quotes', `["\\"\\\\",${'[],'.repeat(jsonPartsMax)}[]]`],
  ])('is refused before it is read when it has too many parts: %s', (_, text) => {
    expect(() => parsed(text)).toThrow(/more than 250000 parts/);
  });

  it.each([
    ['a long text', { value: 'a,b[{"'.repeat(200_000) }],
    ['a text that ends with what escapes', { value: `${','.repeat(300_000)}\\`, other: '\\"' }],
    ['as many parts as may be', Array.from({ length: jsonPartsMax - 1 }, () => 0)],
  ])('is read: %s', (_, value) => {
    expect(parsed(JSON.stringify(value))).toEqual(value);
  });

  it('is refused as such when it is none', () => {
    expect(() => parsed('{')).toThrow(SyntaxError);
    expect(() => parsed(`"${'x,'.repeat(300_000)}`)).toThrow(SyntaxError);
  });
});
