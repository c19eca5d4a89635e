import { describe, expect, it } from 'vitest';
import {
  type AccessRules,
  accessRules,
  closedRules,
  openRules,
  recordCountMax,
  type StoredUser,
  withoutUser,
  withPasswordOf,
  withRequired,
  withUser,
} from '../../../core/security/access.ts';
import { isSameAccess, mergeAccess } from '../../../core/security/access-merge.ts';

const userOf = (name: string, secret = '0'): StoredUser => ({
  ...{ name, createdAtMs: 1, version: 0 },
  ...{ salt: secret.repeat(32), hash: secret.repeat(64) },
});
const namesIn = ({ users }: AccessRules) => users.map(({ name }) => name);
/** Whoever is asked says the same. */
function merged(one: AccessRules, other: AccessRules): AccessRules {
  const both = mergeAccess(one, other);
  expect(mergeAccess(other, one)).toEqual(both);
  expect(mergeAccess(both, one)).toEqual(both);
  expect(mergeAccess(other, both)).toEqual(both);
  return both;
}
const read = (value: unknown) => accessRules.parse(JSON.parse(JSON.stringify(value)));

const common = withUser(withUser(openRules, userOf('anna')), userOf('ben'));

describe('rules of access that were changed at two computers', () => {
  it('keep the changes of two users that were made at once', () => {
    const one = withPasswordOf(common, userOf('anna', '1'));
    const other = withPasswordOf(common, userOf('ben', '2'));
    const both = merged(one, other);
    expect(both.users.map(({ name, salt }) => [name, salt[0]])).toEqual([
      ['anna', '1'],
      ['ben', '2'],
    ]);
    expect(namesIn(merged(withUser(common, userOf('carl')), withUser(common, userOf('dora'))))).toEqual([
      ...['anna', 'ben', 'carl', 'dora'],
    ]);
    expect(namesIn(merged(withoutUser(common, 'anna'), withoutUser(common, 'ben')))).toEqual([]);
  });

  it('take the later of two records of one user wholly, and the same one everywhere at the same number', () => {
    const one = withPasswordOf(common, userOf('anna', '1'));
    const later = withPasswordOf(withPasswordOf(common, userOf('anna', '2')), userOf('anna', '3'));
    expect(merged(one, later).users[0].salt[0]).toBe('3');
    const [salt] = merged(one, withPasswordOf(common, userOf('anna', '4'))).users[0].salt;
    expect(['1', '4']).toContain(salt);
  });

  it('delete a user that was deleted later or at the same number, and keep one that was changed later', () => {
    const deleted = withoutUser(common, 'anna');
    const changed = withPasswordOf(common, userOf('anna', '1'));
    expect(namesIn(merged(deleted, changed))).toEqual(['ben']);
    expect(namesIn(merged(deleted, withPasswordOf(changed, userOf('anna', '2'))))).toEqual(['anna', 'ben']);
  });

  it('do not bring back who was deleted, also after others came and went, but let it be made anew', () => {
    const deleted = withoutUser(withUser(common, userOf('carl')), 'anna');
    expect(namesIn(merged(deleted, common))).toEqual(['ben', 'carl']);
    const anew = withUser(deleted, userOf('anna', '5'));
    expect(merged(anew, common).users.find(({ name }) => name === 'anna')?.salt[0]).toBe('5');
    expect(namesIn(merged(anew, deleted))).toContain('anna');
  });

  it('require a login by who said it last, and where two said it at once', () => {
    const on = withRequired(common, true);
    const off = withRequired(on, false);
    expect([merged(on, off).required, merged(common, on).required]).toEqual([false, true]);
    expect(merged(on, withRequired(common, false)).required).toBe(true);
    expect(merged(closedRules, openRules).required).toBe(true);
  });

  it('remember so many deletions, the latest ones', () => {
    let rules = common;
    for (let index = 0; index < recordCountMax + 5; index++) {
      rules = withoutUser(withUser(rules, userOf(`guest-${index}`)), `guest-${index}`);
    }
    const { users, gone } = merged(rules, common);
    expect(users.length + gone.length).toBe(recordCountMax);
    expect(gone.some(({ key }) => key === `guest-${recordCountMax + 4}`)).toBe(true);
    expect(gone.some(({ key }) => key === 'guest-0')).toBe(false);
    expect(read(rules)).toEqual(rules);
  });

  it('are the same whatever the order of users and fields', () => {
    const { version, users, ...rest } = common;
    const turned = { users: [...users].reverse(), ...rest, version } as AccessRules;
    expect(isSameAccess(common, turned)).toBe(true);
    expect(isSameAccess(common, withPasswordOf(common, userOf('anna', '1')))).toBe(false);
  });
});

describe('rules of access of an older version', () => {
  const old = (version: number | undefined, ...names: string[]) =>
    read({
      ...{ format: 1, version, required: false },
      users: names.map((name) => ({ ...userOf(name), version: undefined })),
    });

  it('have one number for all, with or without which they are read', () => {
    expect(old(7, 'anna').users).toEqual([{ ...userOf('anna'), version: 7 }]);
    expect(old(undefined, 'anna')).toMatchObject({ version: 0, requiredVersion: 0, gone: [] });
    expect(merged(openRules, old(undefined, 'anna')).users.length).toBe(1);
  });

  it('delete whom they do not name, unless it was made since', () => {
    expect(namesIn(merged(common, old(9, 'anna')))).toEqual(['anna']);
    expect(namesIn(merged(common, old(1, 'anna')))).toEqual(['anna', 'ben']);
    expect(merged(common, old(9, 'anna'))).not.toHaveProperty('whole');
  });

  it('find the numbers that they know in newer ones', () => {
    expect(common).toMatchObject({ format: 1, version: 2, required: false });
  });
});

describe('malformed rules of access', () => {
  it.each([
    ['a user twice', { users: [userOf('anna'), userOf('anna')] }],
    ['a user without a name', { users: [userOf('')] }],
    ['a digest that is none', { users: [{ ...userOf('anna'), hash: 'x' }] }],
    ['a number that leaves no room for another', { version: 2 ** 50 }],
    ['a deletion without a number', { gone: [{ key: 'anna' }] }],
    ['a number below nothing', { users: [{ ...userOf('anna'), version: -1 }] }],
    ['too many deletions', { gone: Array(recordCountMax + 1).fill({ key: 'anna', version: 1 }) }],
  ])('are refused: %s', (_, wrong) => {
    expect(() => read({ ...common, ...wrong })).toThrow();
    expect(read(common)).toEqual(common);
  });
});
