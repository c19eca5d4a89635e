/**
 * Rights as they stand in the record of a user. A record from before there were any has none, and keeps what it allowed then:
 * everything. What is there and is not understood allows nothing: it may be the word of a newer version for less than we know of. Pure.
 */
import { z } from 'zod';
import { type AccessLevel, accessLevels, fullRights, type Rights } from '../base/rights.ts';

export const rightsKeyspacesMax = 32;

/** Fields of a user's record. A word that is not known stays as it is: newer computers get it back from here. */
export const rightsFields = {
  access: z.string().max(32).optional().catch('none'),
  keyspaces: z.array(z.string().min(1).max(63)).max(rightsKeyspacesMax).nullable().optional().catch([]),
};

interface StoredRights {
  readonly access?: string | undefined;
  readonly keyspaces?: readonly string[] | null | undefined;
}

export function rightsOf({ access, keyspaces }: StoredRights): Rights {
  // Both are written, or neither.
  if (access === undefined && keyspaces === undefined) return fullRights;
  const known = accessLevels.find((level) => level === access);
  return { access: known ?? 'none', keyspaces: keyspaces === undefined ? [] : keyspaces };
}

/** As they are kept; the same keyspaces are the same list. */
export function rightsToStore({ access, keyspaces }: Rights): {
  access: AccessLevel;
  keyspaces: string[] | null;
} {
  return { access, keyspaces: keyspaces === null ? null : [...new Set(keyspaces)].sort() };
}

/** Below 0: the first opens less; 0: neither, as far as can be told by level and number of keyspaces. */
export function compareRights(one: StoredRights, other: StoredRights): number {
  const [a, b] = [rightsOf(one), rightsOf(other)];
  const byLevel = accessLevels.indexOf(a.access) - accessLevels.indexOf(b.access);
  if (byLevel !== 0) return byLevel;
  const countOf = ({ keyspaces }: Rights) => (keyspaces === null ? rightsKeyspacesMax + 1 : keyspaces.length);
  return countOf(a) - countOf(b);
}
