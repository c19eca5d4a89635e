/**
 * Rights in the notation of Redis' ACL: what ACL SETUSER is told, and what ACL LIST and GETUSER show. Ours are fewer: three levels
 * (write includes read, admin both) and keyspaces, in the words that Valkey has for its databases. Whatever would say more than can be
 * kept is refused by its name: a rule that was taken and not held would open what somebody meant to close. Pure.
 */
import type { AccessLevel, Rights } from '../../base/rights.ts';
import type { KeyspaceView } from '../../ports/key-value-store.ts';
import type { UserWish } from '../../ports/user-changes.ts';
import { CommandError } from './errors.ts';

export const aclWordsMax = 64;

const commandsOf: Readonly<Record<AccessLevel, string>> = {
  none: '-@all',
  read: '-@all +@read',
  write: '-@all +@read +@write',
  admin: '+@all',
};

export function commandsInAcl({ access }: Rights): string {
  return commandsOf[access];
}

export function keyspacesInAcl({ keyspaces }: Rights): string {
  if (keyspaces === null) return 'alldbs';
  return keyspaces.length === 0 ? 'resetdbs' : `db=${keyspaces.join(',')}`;
}

/** What follows the name and `on` or `off` in ACL LIST; SETUSER takes it. */
export function rightsInAcl(rights: Rights): string {
  const where = rights.keyspaces === null ? '' : ` ${keyspacesInAcl(rights)}`;
  return `~* &* ${commandsInAcl(rights)}${where}`;
}

export const aclHelp: readonly string[] = [
  'SETUSER <name> [rule ...] -- for who may administer all keyspaces. The rules:',
  '  on | reset | >password   a new user needs on, >password and ~*',
  '  +@read | +@write | +@admin, +@all | -@all | -@admin | -@write   write includes read, admin both',
  '  ~* | allkeys | &* | allchannels   all keys; single keys and patterns are not offered',
  '  alldbs | resetdbs | db=<keyspace>[,<keyspace>]   keyspaces, by name or database number',
  'DELUSER <name> [<name> ...]',
  'LIST | USERS | GETUSER <name> | WHOAMI | CAT [category] | GENPASS [bits]',
];

const raising: Readonly<Record<string, AccessLevel>> = {
  '+@read': 'read',
  '+@write': 'write',
  '+@admin': 'admin',
  '+@all': 'admin',
  allcommands: 'admin',
};
const lowering: Readonly<Record<string, AccessLevel>> = {
  '-@all': 'none',
  nocommands: 'none',
  '-@write': 'read',
  '-@admin': 'write',
  '-@dangerous': 'write',
};
const ascending: readonly AccessLevel[] = ['none', 'read', 'write', 'admin'];
const higher = (one: AccessLevel, other: AccessLevel) =>
  ascending.indexOf(one) > ascending.indexOf(other) ? one : other;
const lower = (one: AccessLevel, other: AccessLevel) => (higher(one, other) === one ? other : one);

const allKeyWords = ['~*', 'allkeys'];
/** There are no channels to allow or to forbid. */
const channelWords = ['&*', 'allchannels', 'resetchannels'];

/** Why a word is not taken, and what to say instead. */
function refusalOf(word: string): string {
  if (word === 'off') return 'a user is always on. To keep it out: ACL DELUSER, or -@all';
  if (word === 'nopass') return 'every user has a password. Say >password';
  if (/^[<#!]/.test(word) || word === 'resetpass')
    return 'a user has one password, given as it is. Set another one with >password';
  if (/^[~%]/.test(word) || word === 'resetkeys')
    return 'rights are not by key. Say ~*, and choose keyspaces with db=<keyspace>';
  if (word.startsWith('&')) return 'there are no channels. Say &* or nothing';
  if (word.startsWith('(') || word === 'clearselectors')
    return 'there are no selectors. Make a user for each set of rights';
  if (/^[+-]/.test(word)) return 'rights are by level, not by command. Say +@read, +@write, +@admin or -@all';
  return 'it is none of the rules. See ACL HELP';
}

function fault(word: string, why: string): CommandError {
  // A password, or the digest of one, is not repeated: errors are logged.
  const shown = /^[><#!]/.test(word) ? `${word[0]}...` : word.slice(0, 64);
  return new CommandError(`ERR Error in ACL SETUSER modifier '${shown}': ${why}`);
}

function keyspacesIn(word: string, present: readonly KeyspaceView[]): string[] {
  return word
    .slice('db='.length)
    .split(',')
    .map((name) => {
      const found =
        present.find((keyspace) => keyspace.name === name) ??
        present.find(({ database }) => database !== null && String(database) === name);
      if (found === undefined) throw fault(word, `there is no keyspace '${name.slice(0, 64)}'`);
      return found.name;
    });
}

/**
 * What the rules make of a user; `before` null: there is none of that name. Throws CommandError with the rule that is not taken, and
 * for a new user that would be less closed than in Redis, where one is off, without keys, until it is said otherwise.
 */
export function wishOf(
  name: string,
  words: readonly Buffer[],
  { before, keyspaces: present }: { before: Rights | null; keyspaces: readonly KeyspaceView[] },
): UserWish {
  let { access, keyspaces }: Rights = before ?? { access: 'none', keyspaces: null };
  let password: Buffer | null = null;
  let isFresh = before === null;
  const said = new Set<'on' | 'keys'>();
  for (const bytes of words) {
    const text = bytes.toString('utf8');
    const word = text.toLowerCase();
    if (word === 'on') said.add('on');
    else if (allKeyWords.includes(word)) said.add('keys');
    else if (channelWords.includes(word)) continue;
    else if (Object.hasOwn(raising, word)) access = higher(access, raising[word]);
    else if (Object.hasOwn(lowering, word)) access = lower(access, lowering[word]);
    else if (word === 'alldbs') keyspaces = null;
    else if (word === 'resetdbs') keyspaces = [];
    else if (word.startsWith('db=')) keyspaces = [...(keyspaces ?? []), ...keyspacesIn(text, present)];
    else if (word === 'reset') {
      [access, keyspaces, password, isFresh] = ['none', null, null, true];
      said.clear();
    } else if (word.startsWith('>')) {
      if (password !== null) throw fault(text, 'a user has one password. Say one');
      if (bytes.length === 1) throw fault(text, 'the password is empty');
      password = bytes.subarray(1);
    } else throw fault(text, refusalOf(word));
  }
  if (isFresh) {
    const lacking = [
      ...(said.has('on') ? [] : ['on']),
      ...(password === null ? ['>password'] : []),
      ...(said.has('keys') ? [] : ['~*']),
    ];
    if (lacking.length > 0) {
      throw new CommandError(
        `ERR a new user is on, has a password and reaches all keys of its keyspaces here. Say ${lacking.join(' ')} too`,
      );
    }
  }
  const isAccess = isFresh || access !== before!.access;
  const isPlace = isFresh || keyspaces !== before!.keyspaces;
  return {
    ...{ name, isNew: before === null, password },
    access: isAccess ? access : null,
    keyspaces: isPlace ? keyspaces : undefined,
  };
}
