import { beforeEach, describe, expect, it } from 'vitest';
import type { CoterieError } from '../../../core/base/errors.ts';
import { systemRandom } from '../../../core/platform/system-random.ts';
import {
  type AccessRules,
  accessRules,
  openRules,
  type StoredUser,
  withoutUser,
  withPasswordOf,
  withUser,
} from '../../../core/security/access.ts';
import { mergeAccess } from '../../../core/security/access-merge.ts';
import {
  newToken,
  tokenCountMax,
  tokenNamed,
  tokenShown,
  withoutToken,
  withToken,
} from '../../../core/security/access-tokens.ts';
import { PasswordLogins } from '../../../core/security/password-logins.ts';
import { LogCapture } from '../../support/log-capture.ts';
import { VirtualTime } from '../../support/virtual-time.ts';

const userOf = (name: string, createdAtMs = 1): StoredUser => ({
  ...{ name, createdAtMs, version: 0, salt: '0'.repeat(32), hash: '0'.repeat(64) },
});
const start = withUser(withUser(openRules, userOf('anna')), userOf('ben'));

function make(rules: AccessRules, expiresAtMs: number | null = null, user = 'anna') {
  const wish = { user, name: 'till', createdAtMs: 10, expiresAtMs };
  const { stored, token } = newToken(rules, wish, systemRandom);
  return { rules: withToken(rules, stored), stored, token };
}

describe('tokens', () => {
  it('are long, different, and kept as a digest alone', () => {
    const [one, other] = [make(start), make(start)];
    expect(one.token).toMatch(/^coterie_[0-9a-f]{12}_[A-Za-z0-9_-]{32}$/);
    expect(one.token).not.toBe(other.token);
    expect(JSON.stringify(one.rules)).not.toContain(one.token.slice(-32));
    expect(accessRules.parse(JSON.parse(JSON.stringify(one.rules)))).toEqual(one.rules);
  });

  it('let in who shows one whole, until it ends', () => {
    const { rules, token, stored } = make(start, 20);
    expect(tokenShown(rules, token, 19)?.id).toBe(stored.id);
    const flipped = `${token.slice(0, -1)}${token.endsWith('A') ? 'B' : 'A'}`;
    for (const wrong of [flipped, '', stored.id, `${token}x`, token.slice(0, -1), 'coterie_']) {
      expect(tokenShown(rules, wrong, 19), wrong).toBeNull();
    }
    expect(tokenShown(rules, token, 20)).toBeNull();
  });

  it('end with their user, also for a later one of the same name, and not with its password', () => {
    const { rules, token } = make(start);
    expect(tokenShown(withPasswordOf(rules, userOf('anna', 5)), token, 11)).not.toBeNull();
    const removed = withoutUser(rules, 'anna');
    expect([removed.tokens.length, removed.goneTokens.length]).toEqual([0, 1]);
    // Made at a computer that did not know yet that the user was gone.
    const anew = mergeAccess(withUser(withoutUser(start, 'anna'), userOf('anna', 7)), rules);
    expect(anew.users.map(({ name }) => name)).toContain('anna');
    expect(tokenShown(anew, token, 11)).toBeNull();
  });

  it('that are revoked stay so, whatever a computer says that was away', () => {
    const { rules, token, stored } = make(start);
    const revoked = withoutToken(rules, stored);
    for (const both of [mergeAccess(revoked, rules), mergeAccess(rules, revoked)]) {
      expect(tokenShown(both, token, 11)).toBeNull();
    }
    const [one, other] = [make(start), make(start, null, 'ben')];
    const both = mergeAccess(one.rules, other.rules);
    for (const made of [one, other]) expect(tokenShown(both, made.token, 11)).not.toBeNull();
  });

  it('are found by the beginning of their id, are not too many, and are of users that there are', () => {
    let { rules, stored } = make(start, 20);
    expect(tokenNamed(rules, stored.id.slice(0, 6))).toEqual(stored === null ? null : rules.tokens[0]);
    expect(() => tokenNamed(rules, 'zzzz')).toThrow('coterie token list');
    expect(() => make(rules, null, 'carl')).toThrow('There is no user "carl"');
    for (let count = 1; count < tokenCountMax; count++) rules = make(rules).rules;
    expect(() => make(rules)).toThrow('Revoke one');
    const later = newToken(
      rules,
      { user: 'ben', name: '', createdAtMs: 21, expiresAtMs: null },
      systemRandom,
    );
    expect(withToken(rules, later.stored).tokens.length).toBe(tokenCountMax);
  });
});

describe('logins by token', () => {
  let time: VirtualTime;
  let log: LogCapture;
  let answers: string[];
  beforeEach(() => {
    time = new VirtualTime();
    log = new LogCapture();
    answers = [];
  });

  const loginsOf = (rules: AccessRules) =>
    new PasswordLogins({ clock: time, timers: time, log, random: systemRandom }, rules);
  const check = (logins: PasswordLogins, token: string) =>
    logins.checkToken(token, (error: CoterieError | null, user) =>
      answers.push(error === null ? String(user) : error.code),
    );

  it('let in at once, until the rules name the token no more, and remember when', async () => {
    const made = make(start);
    const logins = loginsOf(made.rules);
    expect(logins.tokenUsedAtMs(made.stored.id)).toBeNull();
    check(logins, made.token);
    await Promise.resolve();
    expect(answers).toEqual(['anna']);
    expect(logins.tokenUsedAtMs(made.stored.id)).toBe(time.nowMs());
    logins.set(withoutToken(made.rules, made.stored));
    check(logins, made.token);
    await time.advance(1_000);
    expect(answers).toEqual(['anna', 'null']);
    expect(logins.tokenUsedAtMs(made.stored.id)).toBeNull();
  });

  it('make wrong ones wait longer and longer, keep few waiting and tell of them, while right ones go on', async () => {
    const made = make(start);
    const logins = loginsOf(made.rules);
    for (let guess = 0; guess < 100; guess++) check(logins, `coterie_${guess}`);
    check(logins, made.token);
    await Promise.resolve();
    expect(answers.filter((answer) => answer === 'busy').length).toBe(100 - 64 - 2);
    expect(answers.at(-1)).toBe('anna');
    await time.advance(5_000);
    const soon = answers.length;
    expect(soon).toBeLessThan(60);
    await time.advance(400_000);
    expect(answers.length).toBe(101);
    expect(log.warnings[0].message).toContain('token');
  });
});
