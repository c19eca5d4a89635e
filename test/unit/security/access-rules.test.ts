import { describe, expect, it } from 'vitest';
import { type AccessRules, isLater, openRules } from '../../../core/security/access.ts';

const rulesOf = (version: number, required: boolean): AccessRules => ({ ...openRules, version, required });

describe('which of two computers’ rules of access stand', () => {
  it('are those with more changes; rules from before there was a count come first', () => {
    expect(isLater(rulesOf(2, false), rulesOf(1, true))).toBe(true);
    expect(isLater(rulesOf(1, true), rulesOf(2, false))).toBe(false);
    expect([isLater(rulesOf(1, false), openRules), isLater(openRules, rulesOf(1, false))]).toEqual([
      true,
      false,
    ]);
    expect(isLater(openRules, openRules)).toBe(false);
  });

  it('are those that let in fewer where both were changed at once, and the same ones on every computer', () => {
    expect([
      isLater(rulesOf(3, true), rulesOf(3, false)),
      isLater(rulesOf(3, false), rulesOf(3, true)),
    ]).toEqual([true, false]);
    const user = (name: string) => ({ name, createdAtMs: 1, salt: '00', hash: '11' });
    const [one, other] = ['anna', 'ben'].map((name) => ({ ...rulesOf(3, true), users: [user(name)] }));
    expect(isLater(one, other)).toBe(!isLater(other, one));
  });
});
