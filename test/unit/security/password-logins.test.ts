import { beforeEach, describe, expect, it } from 'vitest';
import type { CoterieError } from '../../../core/base/errors.ts';
import { systemRandom } from '../../../core/platform/system-random.ts';
import {
  type AccessRules,
  newUser,
  openRules,
  userCountMax,
  withoutUser,
  withRequired,
  withUser,
} from '../../../core/security/access.ts';
import { PasswordLogins } from '../../../core/security/password-logins.ts';
import { LogCapture } from '../../support/log-capture.ts';
import { VirtualTime } from '../../support/virtual-time.ts';

const made = await newUser('shop', 5, systemRandom);
const renewed = await newUser('shop', 6, systemRandom);
const rulesWith = (...users: AccessRules['users']): AccessRules => ({
  ...openRules,
  required: true,
  users,
});

describe('logins by password', () => {
  let time: VirtualTime;
  let log: LogCapture;
  let logins: PasswordLogins;
  /** Checks that were answered, as `user: answer`. */
  let answers: string[];

  beforeEach(() => {
    time = new VirtualTime();
    log = new LogCapture();
    logins = new PasswordLogins(
      { clock: time, timers: time, log, random: systemRandom },
      rulesWith(made.user),
    );
    answers = [];
  });

  const check = (user: string, password: string) => {
    // Guesses of an earlier test may still be under way.
    const mine = answers;
    logins.check(user, Buffer.from(password), (error: CoterieError | null, isRight) =>
      mine.push(`${user}: ${error === null ? isRight : error.code}`),
    );
  };
  /** Lets timers and hashing go on until so many are answered. */
  const until = async (count: number) => {
    while (answers.length < count) {
      await time.advance(1_000);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  };

  it('let in who knows the password, and nobody else', async () => {
    check('shop', made.password);
    check('shop', `${made.password}x`);
    check('shop', '');
    check('Shop', made.password);
    check('__proto__', made.password);
    await until(5);
    expect(answers.filter((answer) => answer.endsWith('true'))).toEqual(['shop: true']);
    expect(answers.length).toBe(5);
  });

  it('let in whose password is checked while the rules of others change, and not who has another one by then', async () => {
    check('shop', made.password);
    await time.advance(1);
    logins.set(rulesWith({ ...made.user }, { ...renewed.user, name: 'till' }));
    await until(1);
    check('till', renewed.password);
    await time.advance(1);
    logins.set(rulesWith({ ...made.user }, { ...made.user, name: 'till' }));
    await until(2);
    expect(answers).toEqual(['shop: true', 'till: false']);
  });

  it('know a password at once that was right before, while somebody else is guessing', async () => {
    check('shop', made.password);
    await until(1);
    for (let guess = 0; guess < 60; guess++) check('shop', `guess ${guess}`);
    check('shop', made.password);
    await new Promise((resolve) => setTimeout(resolve, 1));
    expect(answers).toEqual(['shop: true', 'shop: true']);
  });

  it('make guesses wait longer and longer, and keep few waiting', async () => {
    for (let guess = 0; guess < 100; guess++) check('shop', `guess ${guess}`);
    await new Promise((resolve) => setTimeout(resolve, 1));
    expect(answers.filter((answer) => answer === 'shop: busy').length).toBe(100 - 64 - 2);
    const startedMs = time.monotonicMs();
    await until(60);
    // 24 guesses one after the other, of which the later ones wait 5 s each, two at a time.
    expect(time.monotonicMs() - startedMs).toBeGreaterThan(20_000);
    expect(log.warnings.length).toBeGreaterThan(0);
    expect(log.warnings.length).toBeLessThan(20);
  });

  it('forget who came in when the rules change, and tell so', async () => {
    check('shop', made.password);
    await until(1);
    let changes = 0;
    logins.onChange(() => changes++);
    const stamp = logins.stampOf('shop');
    logins.set(rulesWith(renewed.user));
    expect({ changes, same: logins.stampOf('shop') === stamp }).toEqual({ changes: 1, same: false });
    check('shop', made.password);
    check('shop', renewed.password);
    await until(3);
    expect(answers.slice(1).sort()).toEqual(['shop: false', 'shop: true']);
    logins.set(rulesWith());
    expect(logins.stampOf('shop')).toBe(null);
  });

  it('answer no check by rules that are no more', async () => {
    check('shop', made.password);
    await time.advance(0);
    logins.set(rulesWith(renewed.user));
    await until(1);
    expect(answers).toEqual(['shop: false']);
  });
});

describe('rules of access', () => {
  it('hold a user once, and not too many', () => {
    const rules = withUser(openRules, made.user);
    expect(() => withUser(rules, made.user)).toThrow('There is a user "shop" already');
    const many = Array.from({ length: userCountMax }, (_, index) => ({
      ...made.user,
      name: `user-${index}`,
    }));
    expect(() => withUser({ ...rules, users: many }, made.user)).toThrow('Remove one first');
  });

  it('never leave a cluster that nobody could use', () => {
    expect(() => withRequired(openRules, true)).toThrow('coterie user add');
    const rules = withRequired(withUser(openRules, made.user), true);
    expect(() => withoutUser(rules, 'shop')).toThrow('last user');
    expect(() => withoutUser(rules, 'other')).toThrow('Users: shop');
    expect(withoutUser(withRequired(rules, false), 'shop').users).toEqual([]);
  });

  it('make passwords that are long, readable and different', async () => {
    expect(made.password).toMatch(/^([a-z2-9]{5}-){3}[a-z2-9]{5}$/);
    expect(made.password).not.toMatch(/[ilo01]/);
    expect(renewed.password).not.toBe(made.password);
    expect(JSON.stringify(made.user)).not.toContain(made.password);
  });
});
