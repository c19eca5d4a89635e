import { describe, expect, it } from 'vitest';
import { fullRights, type Rights, usualRights } from '../../../core/base/rights.ts';
import {
  type AccessRules,
  accessRules,
  openRules,
  type StoredUser,
  withPasswordOf,
  withRights,
  withUser,
} from '../../../core/security/access.ts';
import { mergeAccess } from '../../../core/security/access-merge.ts';
import { rightsKeyspacesMax, rightsOf, rightsToStore } from '../../../core/security/stored-rights.ts';

const anna: StoredUser = {
  ...{ name: 'anna', createdAtMs: 1, version: 0 },
  ...{ salt: '0'.repeat(32), hash: '0'.repeat(64) },
};
const common = withUser(openRules, anna);
const asRead = (more: object): AccessRules =>
  accessRules.parse(JSON.parse(JSON.stringify({ ...common, users: [{ ...common.users[0], ...more }] })));
const rightsIn = ({ users }: AccessRules) => rightsOf(users[0]);
function merged(one: AccessRules, other: AccessRules): AccessRules {
  const both = mergeAccess(one, other);
  expect(mergeAccess(other, one)).toEqual(both);
  expect(mergeAccess(both, one)).toEqual(both);
  return both;
}
const reading: Rights = { access: 'read', keyspaces: ['orders'] };

describe('rights in the record of a user', () => {
  it('are everything in one from before there were any, which stays as it was', () => {
    expect(rightsIn(asRead({}))).toEqual(fullRights);
    expect(asRead({})).toStrictEqual(common);
    expect(Object.keys(mergeAccess(asRead({}), common).users[0])).not.toContain('access');
  });

  it('come back as they were kept, each keyspace once', () => {
    const kept = rightsToStore({ access: 'write', keyspaces: ['b', 'a', 'b'] });
    expect(rightsIn(asRead(kept))).toEqual({ access: 'write', keyspaces: ['a', 'b'] });
    expect(rightsIn(asRead(rightsToStore(usualRights)))).toEqual(usualRights);
  });

  it.each([
    ['a word of a newer version', { access: 'audit', keyspaces: null }, 'audit'],
    ['a level that is no word', { access: 7, keyspaces: null }, 'none'],
    ['a word without end', { access: 'x'.repeat(1_000), keyspaces: null }, 'none'],
    [
      'the name of something that every object has',
      { access: 'constructor', keyspaces: null },
      'constructor',
    ],
    ['no level, but keyspaces', { keyspaces: ['orders'] }, undefined],
  ])('are none with %s, which stays in the record', (_, wrong, kept) => {
    const rules = asRead(wrong);
    expect(rightsIn(rules).access).toBe('none');
    expect(rules.users[0].access).toBe(kept);
    expect(merged(rules, rules).users[0].access).toBe(kept);
  });

  it.each([
    ['something else', { access: 'admin', keyspaces: 'orders' }],
    ['names that are none', { access: 'admin', keyspaces: [7] }],
    ['too many', { access: 'admin', keyspaces: Array(rightsKeyspacesMax + 1).fill('a') }],
    ['none at all', { access: 'admin' }],
  ])('are for no keyspace where its keyspaces are %s', (_, wrong) => {
    expect(rightsIn(asRead(wrong)).keyspaces).toEqual([]);
  });

  it('are read although there are fields that are not known', () => {
    expect(rightsIn(asRead({ ...rightsToStore(reading), hours: [9, 17] }))).toEqual(reading);
  });

  it('stay when the password is renewed', () => {
    const limited = withRights(common, 'anna', reading);
    expect(rightsIn(withPasswordOf(limited, { ...anna, salt: '1'.repeat(32) }))).toEqual(reading);
    expect(() => withRights(common, 'nobody', reading)).toThrow('no user');
  });
});

describe('rights that were changed at two computers', () => {
  const to = (rights: Rights) => withRights(common, 'anna', rights);

  it('are those of the later change, whether it opens more or less', () => {
    const more = withRights(to(reading), 'anna', fullRights);
    expect(rightsIn(merged(to(reading), more))).toEqual(fullRights);
    expect(rightsIn(merged(to(fullRights), withRights(more, 'anna', reading)))).toEqual(reading);
  });

  it.each<[string, Rights, Rights]>([
    ['a lower level', { access: 'read', keyspaces: null }, { access: 'write', keyspaces: [] }],
    ['fewer keyspaces', { access: 'read', keyspaces: ['a'] }, { access: 'read', keyspaces: ['b', 'c'] }],
    ['some keyspaces', { access: 'admin', keyspaces: ['a'] }, { access: 'admin', keyspaces: null }],
  ])('are at the same number those that open less: %s', (_, less, more) => {
    expect(rightsIn(merged(to(less), to(more)))).toEqual(less);
  });

  it('are the same everywhere where neither opens less', () => {
    const [one, other] = ['a', 'b'].map((name) => to({ access: 'read', keyspaces: [name] }));
    expect(rightsIn(merged(one, other)).keyspaces).toHaveLength(1);
  });

  it('are not widened by the same record as an older computer hands it on, without them', () => {
    const limited = to(reading);
    const { access: _, keyspaces: __, ...old } = limited.users[0];
    expect(rightsIn(merged(limited, { ...limited, users: [old] }))).toEqual(reading);
  });
});
