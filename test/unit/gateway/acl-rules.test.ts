import { describe, expect, it } from 'vitest';
import { accessLevels, fullRights, type Rights } from '../../../core/base/rights.ts';
import { rightsInAcl, wishOf } from '../../../core/gateway/resp/acl-rules.ts';
import { keyspaceView } from '../../support/memory-store.ts';

const keyspaces = [keyspaceView(0, { name: 'default' }), keyspaceView(1, { name: 'orders' })];
const said = (rules: string, before: Rights | null = null) => {
  const words = rules.split(' ').map((word) => Buffer.from(word));
  const { password, ...wish } = wishOf('shop', words, { before, keyspaces });
  return { ...wish, password: password?.toString() ?? null };
};
const reading: Rights = { access: 'read', keyspaces: ['orders'] };

describe('rules of ACL SETUSER', () => {
  it.each<[string, Rights['access']]>([
    ['on >secret ~* +@all', 'admin'],
    ['on >secret allkeys &* allcommands', 'admin'],
    ['on >secret ~* +@read', 'read'],
    ['on >secret ~* +@read +@write', 'write'],
    ['on >secret ~* +@write', 'write'],
    ['ON >secret ~* resetchannels -@all +@READ', 'read'],
    ['on >secret ~* +@all -@dangerous', 'write'],
    ['on >secret ~* +@all -@admin', 'write'],
    ['on >secret ~* +@all -@write', 'read'],
    ['on >secret ~* +@all -@all', 'none'],
    ['on >secret ~*', 'none'],
  ])('make a new user: %s', (rules, access) => {
    expect(said(rules)).toEqual({
      ...{ name: 'shop', isNew: true, password: 'secret', access, keyspaces: null },
    });
  });

  it('name keyspaces by name or number, one after the other', () => {
    const start = 'on >secret ~* +@read';
    expect(said(`${start} db=orders`).keyspaces).toEqual(['orders']);
    expect(said(`${start} db=1,default`).keyspaces).toEqual(['orders', 'default']);
    expect(said(`${start} db=0 resetdbs db=1`).keyspaces).toEqual(['orders']);
    expect(said(`${start} db=0 alldbs`).keyspaces).toBeNull();
    expect(said(`${start} resetdbs`).keyspaces).toEqual([]);
    expect(() => said(`${start} db=nowhere`)).toThrow("there is no keyspace 'nowhere'");
    expect(() => said(`${start} db=`)).toThrow('there is no keyspace');
  });

  it('change of a user what they say, and nothing else', () => {
    const none = { name: 'shop', isNew: false, password: null, access: null, keyspaces: undefined };
    expect(said('on', reading)).toEqual(none);
    expect(said('+@write', reading)).toEqual({ ...none, access: 'write' });
    expect(said('+@read', fullRights)).toEqual(none);
    expect(said('-@all', fullRights)).toEqual({ ...none, access: 'none' });
    expect(said('db=default', reading)).toEqual({ ...none, keyspaces: ['orders', 'default'] });
    expect(said('>new', reading)).toEqual({ ...none, password: 'new' });
    expect(said('reset on >new ~* +@read', fullRights)).toEqual({
      ...{ ...none, password: 'new', access: 'read', keyspaces: null },
    });
  });

  it.each([
    ['', 'on >password ~*'],
    ['>secret ~* +@all', 'Say on too'],
    ['on ~* +@all', 'Say >password too'],
    ['on >secret +@all', 'Say ~* too'],
    ['on >secret ~* +@all reset', 'on >password ~*'],
  ])('make no new user that would be more open than in Redis: %s', (rules, next) => {
    const words = rules === '' ? [] : rules.split(' ').map((word) => Buffer.from(word));
    expect(() => wishOf('shop', words, { before: null, keyspaces })).toThrow(next);
  });

  it.each([
    ['off', 'ACL DELUSER'],
    ['nopass', 'Say >password'],
    ['<secret', 'one password'],
    [`#${'0'.repeat(64)}`, 'one password'],
    ['resetpass', 'one password'],
    ['~cart:*', 'db='],
    ['%R~*', 'db='],
    ['resetkeys', 'db='],
    ['&news', 'no channels'],
    ['+get', 'by level'],
    ['-flushall', 'by level'],
    ['+@string', 'by level'],
    ['-@read', 'by level'],
    ['+@__proto__', 'by level'],
    ['constructor', 'none of the rules'],
    ['(+get', 'no selectors'],
    ['>', 'is empty'],
    ['anything', 'none of the rules'],
  ])('are refused by name, with what to do: %s', (rule, next) => {
    expect(() => said(`on ${rule}`, fullRights)).toThrow(/^ERR Error in ACL SETUSER modifier/);
    expect(() => said(`on ${rule}`, fullRights)).toThrow(next);
  });

  it('show no password in what they refuse', () => {
    for (const rules of ['>one >secret', '<secret', '#secret', '!secret']) {
      expect(() => said(rules, fullRights)).toThrow(/^(?!.*secret)/);
    }
  });

  it('are what ACL LIST shows of a user, and make the same user of it again', () => {
    for (const access of accessLevels) {
      for (const places of [null, [], ['orders'], ['default', 'orders']]) {
        const shown = rightsInAcl({ access, keyspaces: places });
        expect(said(`on >secret ${shown}`)).toMatchObject({ access, keyspaces: places });
      }
    }
  });
});
