/**
 * Tokens: what a program shows over HTTP (RFC 6750) in the place of its user's password, made here, shown once, and revoked one by one.
 * Kept as SHA-256 and nothing slower: scrypt is there for what could be guessed, and a token has 192 random bits.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import { CoterieError } from '../base/errors.ts';
import type { Random } from '../ports/random.ts';
import { type AccessRules, nextVersion, recordCountMax, requireUser, type StoredToken } from './access.ts';

export const tokenCountMax = 100;
const idBytes = 6;
const secretBytes = 24;
const form = new RegExp(`^coterie_([0-9a-f]{${2 * idBytes}})_[A-Za-z0-9_-]{${(4 * secretBytes) / 3}}$`);

const hashOf = (token: string) => createHash('sha256').update(token).digest();

interface TokenWish {
  readonly user: string;
  readonly name: string;
  readonly createdAtMs: number;
  /** Null: until it is revoked. */
  readonly expiresAtMs: number | null;
}

/** Throws `not-found` for a user that is not there. `token` is shown once; `stored` is what is kept. */
export function newToken(
  rules: AccessRules,
  wish: TokenWish,
  random: Random,
): { stored: StoredToken; token: string } {
  const id = Buffer.from(random.bytes(idBytes)).toString('hex');
  const token = `coterie_${id}_${Buffer.from(random.bytes(secretBytes)).toString('base64url')}`;
  const { user, name, createdAtMs, expiresAtMs } = wish;
  const { createdAtMs: userSinceMs } = requireUser(rules, user);
  const hash = hashOf(token).toString('hex');
  return { stored: { id, user, userSinceMs, name, createdAtMs, expiresAtMs, hash, version: 0 }, token };
}

/** Throws `too-large`. Makes room by what has expired, which needs no word to the others: it lets nobody in. */
export function withToken(rules: AccessRules, token: StoredToken): AccessRules {
  const tokens = liveTokens(rules, token.createdAtMs);
  if (tokens.length >= tokenCountMax) {
    throw new CoterieError(
      'too-large',
      `There are ${tokenCountMax} tokens, which is the most. Revoke one that is not used any more.`,
    );
  }
  const made = nextVersion(rules);
  return { ...rules, version: made, tokens: [...tokens, { ...token, version: made }] };
}

/** By the id or the beginning of it that is unique. Throws `not-found`. */
export function tokenNamed({ tokens }: AccessRules, id: string): StoredToken {
  const found = tokens.filter((token) => token.id.startsWith(id));
  if (found.length === 1) return found[0];
  const why = found.length === 0 ? 'There is no token' : 'There are several tokens that begin with';
  throw new CoterieError('not-found', `${why} "${id}". See them with: coterie token list`);
}

export function withoutToken(rules: AccessRules, { id }: StoredToken): AccessRules {
  const left = nextVersion(rules);
  return {
    ...rules,
    version: left,
    tokens: rules.tokens.filter((token) => token.id !== id),
    goneTokens: [...rules.goneTokens, { key: id, version: left }].slice(-recordCountMax),
  };
}

/** Those that let somebody in: not expired, and of a user that is still the one for whom they were made. */
export function liveTokens({ tokens, users }: AccessRules, nowMs: number): StoredToken[] {
  return tokens.filter(
    ({ user, userSinceMs, expiresAtMs }) =>
      (expiresAtMs === null || nowMs < expiresAtMs) &&
      users.some(({ name, createdAtMs }) => name === user && createdAtMs === userSinceMs),
  );
}

/** Null: it lets nobody in. */
export function tokenShown(rules: AccessRules, text: string, nowMs: number): StoredToken | null {
  const id = form.exec(text)?.[1];
  const stored = liveTokens(rules, nowMs).find((token) => token.id === id);
  if (stored === undefined) return null;
  return timingSafeEqual(hashOf(text), Buffer.from(stored.hash, 'hex')) ? stored : null;
}
