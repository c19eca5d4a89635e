/**
 * The rules of access as they are kept and handed to nodes, and passwords as they are kept: by scrypt (RFC 7914), each with a
 * salt of its own. A password is generated here, so that it is never a weak one, and is shown once.
 */
import { scrypt, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';
import { CoterieError } from '../base/errors.ts';
import type { Random } from '../ports/random.ts';

export const userCountMax = 100;
const hashBytes = 32;
const saltBytes = 16;
/** 32 MiB and about 60 ms a check. Larger: slower guesses, and slower logins. */
const cost = { N: 2 ** 15, r: 8, p: 1, maxmem: 64 * 1024 * 1024 } as const;

const hex = (bytes: number) => z.string().regex(new RegExp(`^[0-9a-f]{${bytes * 2}}$`));

const storedUser = z.object({
  name: z.string().min(1).max(64),
  createdAtMs: z.number(),
  salt: hex(saltBytes),
  hash: hex(hashBytes),
});
export type StoredUser = Readonly<z.infer<typeof storedUser>>;

export const accessRules = z.object({
  format: z.literal(1),
  /** Counts the changes; absent: from before computers told each other of them. */
  version: z.number().int().min(0).optional(),
  required: z.boolean(),
  users: z.array(storedUser).max(userCountMax),
});
export type AccessRules = Readonly<z.infer<typeof accessRules>>;

export const openRules: AccessRules = { format: 1, required: false, users: [] };
/** Nobody comes in: the rules cannot be read, and guessing them would let everybody in. */
export const closedRules: AccessRules = { format: 1, required: true, users: [] };

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

export async function newUser(
  name: string,
  createdAtMs: number,
  random: Random,
): Promise<{ user: StoredUser; password: string }> {
  const password = newPassword(random);
  const salt = Buffer.from(random.bytes(saltBytes));
  const hash = await hashOf(Buffer.from(password), salt);
  return { user: { name, createdAtMs, salt: salt.toString('hex'), hash: hash.toString('hex') }, password };
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
  return { ...rules, users: [...rules.users, user] };
}

export function withoutUser(rules: AccessRules, name: string): AccessRules {
  requireUser(rules, name);
  const users = rules.users.filter((user) => user.name !== name);
  if (users.length === 0 && rules.required) {
    throw new CoterieError(
      'conflict',
      `"${name}" is the last user, and a login is required: nobody could come in. Add another user, or stop requiring a login.`,
    );
  }
  return { ...rules, users };
}

export function withRequired(rules: AccessRules, required: boolean): AccessRules {
  if (required && rules.users.length === 0) {
    throw new CoterieError(
      'conflict',
      'There is no user yet who could come in. Add one first: coterie user add NAME.',
    );
  }
  return { ...rules, required };
}

/** Throws `not-found`. */
export function requireUser(rules: AccessRules, name: string): StoredUser {
  const user = rules.users.find((candidate) => candidate.name === name);
  if (user !== undefined) return user;
  const names = rules.users.map((other) => other.name).join(', ');
  throw new CoterieError('not-found', `There is no user "${name}". Users: ${names === '' ? 'none' : names}.`);
}

/**
 * Whether one computer's rules are later than another's: by the count of changes. Where two were changed at the same time, those
 * that let in fewer stand, and by their content where that says nothing.
 */
export function isLater(rules: AccessRules, than: AccessRules): boolean {
  const [one, other] = [rules.version ?? 0, than.version ?? 0];
  if (one !== other) return one > other;
  if (rules.required !== than.required) return rules.required;
  return JSON.stringify(rules) > JSON.stringify(than);
}
