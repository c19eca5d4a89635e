/**
 * The rules of access as they are kept and handed to nodes, and passwords as they are kept: by scrypt (RFC 7914), each with a
 * salt of its own. A password is generated here, so that it is never a weak one, and is shown once.
 */
import { scrypt, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';
import { CoterieError } from '../base/errors.ts';
import type { Rights } from '../base/rights.ts';
import type { Random } from '../ports/random.ts';
import { rightsFields, rightsToStore } from './stored-rights.ts';

export const userCountMax = 100;
/**
 * Records of one kind, those of deleted ones included. Beyond it the numbers of the oldest deletions are forgotten: a computer that was
 * away for that many of them could bring one back. Larger: more bytes in each exchange between computers.
 */
export const recordCountMax = 400;
const hashBytes = 32;
const saltBytes = 16;
/** 32 MiB and about 60 ms a check. Larger: slower guesses, and slower logins. */
const cost = { N: 2 ** 15, r: 8, p: 1, maxmem: 64 * 1024 * 1024 } as const;

const hex = (bytes: number) => z.string().regex(new RegExp(`^[0-9a-f]{${bytes * 2}}$`));

/** Counts the changes of all rules; bounded, so that a count can always go on. */
const versionMax = 2 ** 48;
const version = z.number().int().min(0).max(versionMax);
const userName = z.string().min(1).max(64);

const storedUser = z.object({
  name: userName,
  createdAtMs: z.number(),
  salt: hex(saltBytes),
  hash: hex(hashBytes),
  /** The change that made it. Absent: from before users had one each; that of the rules then. */
  version: version.optional(),
  ...rightsFields,
});
export type StoredUser = Readonly<z.infer<typeof storedUser>> & { readonly version: number };

/** What is left of a deleted record: its name or id, and the change that deleted it. */
const gone = z.object({ key: z.string().min(1).max(64), version });
export type Gone = Readonly<z.infer<typeof gone>>;

/** What a program may show instead of its user's password (access-tokens.ts). */
const storedToken = z.object({
  id: z.string().regex(/^[0-9a-f]{12}$/),
  user: userName,
  /** When its user was made: a later user of the same name is another one. */
  userSinceMs: z.number(),
  name: z.string().max(64),
  createdAtMs: z.number(),
  /** Null: it stays until it is revoked. */
  expiresAtMs: z.number().nullable(),
  hash: hex(hashBytes),
  version,
});
export type StoredToken = Readonly<z.infer<typeof storedToken>>;

const isEachOnce = <T>(records: readonly T[], keyOf: (record: T) => string) =>
  new Set(records.map(keyOf)).size === records.length;

/** Computers that are older than records of their own read `version`, `required` and `users`, and pass over the rest. */
export const accessRules = z
  .object({
    format: z.literal(1),
    version: version.optional(),
    required: z.boolean(),
    requiredVersion: version.optional(),
    users: z.array(storedUser).max(recordCountMax),
    gone: z.array(gone).max(recordCountMax).optional(),
    tokens: z.array(storedToken).max(recordCountMax).optional(),
    goneTokens: z.array(gone).max(recordCountMax).optional(),
  })
  .refine(
    ({ users, tokens = [] }) => isEachOnce(users, (one) => one.name) && isEachOnce(tokens, (one) => one.id),
  )
  .transform(withVersions);

export interface AccessRules {
  readonly format: 1;
  /** That of the latest change. */
  readonly version: number;
  readonly required: boolean;
  /** The change that said whether a login is required. */
  readonly requiredVersion: number;
  readonly users: readonly StoredUser[];
  readonly gone: readonly Gone[];
  readonly tokens: readonly StoredToken[];
  readonly goneTokens: readonly Gone[];
  /** From a computer or file that counted all changes in one number, and kept no word of deleted users. */
  readonly whole?: true;
}

function withVersions(read: {
  readonly version?: number;
  readonly required: boolean;
  readonly requiredVersion?: number;
  readonly users: readonly z.infer<typeof storedUser>[];
  readonly gone?: readonly Gone[];
  readonly tokens?: readonly StoredToken[];
  readonly goneTokens?: readonly Gone[];
}): AccessRules {
  const all = read.version ?? 0;
  return {
    format: 1,
    version: all,
    required: read.required,
    requiredVersion: read.requiredVersion ?? all,
    users: read.users.map((user) => ({ ...user, version: user.version ?? all })),
    gone: read.gone ?? [],
    tokens: read.tokens ?? [],
    goneTokens: read.goneTokens ?? [],
    ...(read.gone === undefined ? { whole: true } : {}),
  };
}

const noRecords = { users: [], gone: [], tokens: [], goneTokens: [] };
export const openRules: AccessRules = {
  ...{ format: 1, version: 0, required: false, requiredVersion: 0 },
  ...noRecords,
};
/** Nobody comes in: the rules cannot be read, and guessing them would let everybody in. */
export const closedRules: AccessRules = { ...openRules, required: true };

/** The number of the next change, here: one that was made at the same time elsewhere may have the same. */
export function nextVersion({ version: present }: AccessRules): number {
  return Math.min(versionMax, present + 1);
}

function hashOf(password: Buffer, salt: Buffer): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    scrypt(password, salt, hashBytes, cost, (error, hash) =>
      error === null ? resolve(hash) : reject(error),
    );
  });
}

/** Letters and digits that cannot be taken for each other. */
const alphabet = 'abcdefghjkmnpqrstuvwxyz23456789';
const groupCount = 4;
const groupLength = 5;

/** Such as `x7kqm-2fvtd-hn4wc-p9rsz`: 99 bits. */
function newPassword(random: Random): string {
  const letters: string[] = [];
  while (letters.length < groupCount * groupLength) {
    // Bytes above the last whole multiple would make some letters likelier.
    for (const byte of random.bytes(32)) {
      if (byte < Math.floor(256 / alphabet.length) * alphabet.length)
        letters.push(alphabet[byte % alphabet.length]);
    }
  }
  const groups = Array.from({ length: groupCount }, (_, group) =>
    letters.slice(group * groupLength, (group + 1) * groupLength).join(''),
  );
  return groups.join('-');
}

type KeptPassword = Pick<StoredUser, 'salt' | 'hash'>;

/** As it is kept. */
export async function keptPassword(password: Buffer, random: Random): Promise<KeptPassword> {
  const salt = Buffer.from(random.bytes(saltBytes));
  const hash = await hashOf(password, salt);
  return { salt: salt.toString('hex'), hash: hash.toString('hex') };
}

/** Counted among the changes once it is in the rules. Without rights: whoever adds it says which. */
export async function newUser(
  name: string,
  createdAtMs: number,
  random: Random,
): Promise<{ user: StoredUser; password: string }> {
  const password = newPassword(random);
  const kept = await keptPassword(Buffer.from(password), random);
  return { user: { name, createdAtMs, ...kept, version: 0 }, password };
}

/** As long for a user that does not exist (null) as for one that does. */
export async function isPasswordOf(user: StoredUser | null, password: Buffer): Promise<boolean> {
  const salt = user === null ? Buffer.alloc(saltBytes) : Buffer.from(user.salt, 'hex');
  const hash = await hashOf(password, salt);
  return user !== null && timingSafeEqual(hash, Buffer.from(user.hash, 'hex'));
}

/** Throws `conflict`, `too-large` or `not-found`; the rules that were there stay as they are. */
export function withUser(rules: AccessRules, user: StoredUser): AccessRules {
  if (rules.users.some(({ name }) => name === user.name)) {
    throw new CoterieError(
      'conflict',
      `There is a user "${user.name}" already. Give it a new password instead.`,
    );
  }
  if (rules.users.length >= userCountMax) {
    throw new CoterieError(
      'too-large',
      `There are ${userCountMax} users, which is the most. Remove one first.`,
    );
  }
  const made = nextVersion(rules);
  return {
    ...rules,
    version: made,
    users: [...rules.users, { ...user, version: made }],
    gone: rules.gone.filter(({ key }) => key !== user.name),
  };
}

/** With the password of `user`, who is there already, and keeps its rights. */
export function withPasswordOf(
  rules: AccessRules,
  { name, salt, hash }: KeptPassword & Pick<StoredUser, 'name'>,
): AccessRules {
  return withChanged(rules, name, { salt, hash });
}

/** Throws `not-found`. */
export function withRights(rules: AccessRules, name: string, rights: Rights): AccessRules {
  return withChanged(rules, name, rightsToStore(rights));
}

function withChanged(rules: AccessRules, name: string, change: Partial<StoredUser>): AccessRules {
  requireUser(rules, name);
  const changed = nextVersion(rules);
  const users = rules.users.map((user) =>
    user.name === name ? { ...user, ...change, version: changed } : user,
  );
  return { ...rules, version: changed, users };
}

/** Its tokens go with it. */
export function withoutUser(rules: AccessRules, name: string): AccessRules {
  requireUser(rules, name);
  const users = rules.users.filter((user) => user.name !== name);
  if (users.length === 0 && rules.required) {
    throw new CoterieError(
      'conflict',
      `"${name}" is the last user, and a login is required: nobody could come in. Add another user, or stop requiring a login.`,
    );
  }
  const left = nextVersion(rules);
  const tokens = rules.tokens.filter((token) => token.user === name);
  return {
    ...rules,
    ...{ version: left, users },
    gone: [...rules.gone, { key: name, version: left }].slice(-recordCountMax),
    tokens: rules.tokens.filter((token) => token.user !== name),
    goneTokens: [...rules.goneTokens, ...tokens.map(({ id }) => ({ key: id, version: left }))].slice(
      -recordCountMax,
    ),
  };
}

export function withRequired(rules: AccessRules, required: boolean): AccessRules {
  if (required && rules.users.length === 0) {
    throw new CoterieError(
      'conflict',
      'There is no user yet who could come in. Add one first: coterie user add NAME.',
    );
  }
  const said = nextVersion(rules);
  return { ...rules, version: said, required, requiredVersion: said };
}

/** Throws `not-found`. */
export function requireUser(rules: AccessRules, name: string): StoredUser {
  const user = rules.users.find((candidate) => candidate.name === name);
  if (user !== undefined) return user;
  const names = rules.users.map((other) => other.name).join(', ');
  throw new CoterieError('not-found', `There is no user "${name}". Users: ${names === '' ? 'none' : names}.`);
}
