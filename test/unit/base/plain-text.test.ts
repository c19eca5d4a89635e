import { describe, expect, it } from 'vitest';
import { isPlainLine, plainJson, plainLine, plainLines } from '../../../core/base/plain-text.ts';

describe('text from outside', () => {
  it.each([
    ['\u001b]0;title\u0007', '\\u{1b}]0;title\\u{7}'],
    ['\u009b2J', '\\u{9b}2J'],
    ['a\u007fb', 'a\\u{7f}b'],
    ['a\r\nb\tc', 'a\\u{d}\\u{a}b\\u{9}c'],
    ['safe\u202efdp.exe', 'safe\\u{202e}fdp.exe'],
    ['a\u2066b\u2069', 'a\\u{2066}b\\u{2069}'],
    ['a\u200eb\u061cc\u2028d\ufeff', 'a\\u{200e}b\\u{61c}c\\u{2028}d\\u{feff}'],
    ['\ud800x\udc00', '\\u{d800}x\\u{dc00}'],
    ['tag\u{e0041}', 'tag\\u{e0041}'],
  ])('shows by its number what a terminal obeys: %j', (text, shown) => {
    expect(plainLine(text)).toBe(shown);
    expect(isPlainLine(text)).toBe(false);
  });

  it.each(['Zoë’s café', '家族 👨‍👩‍👧', 'می‌خواهم', 'a\\u{1b}'])('leaves words as they are: %s', (text) => {
    expect(plainLine(text)).toBe(text);
  });

  it('keeps ends of lines and tabs where there may be several lines', () => {
    expect(plainLines('a\n\tb\r\u001b')).toBe('a\n\tb\\u{d}\\u{1b}');
  });

  it('stays the same JSON', () => {
    const value = { key: '\u001b[2J\u009b\u202e\u{e0041}\ud800 👨‍👩‍👧' };
    const json = plainJson(JSON.stringify(value));
    expect(JSON.parse(json)).toEqual(value);
    expect(plainLine(json)).toBe(json);
  });
});
