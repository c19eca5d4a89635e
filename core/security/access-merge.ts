/**
 * The rules of access of two computers brought together, record by record: changes of two users made at two computers at once
 * both stand. Each record has the number of the change that made it; a deleted one leaves its number behind, so that a computer
 * that was away does not bring it back. The same whichever side is asked. Pure.
 */
import { createHash } from 'node:crypto';
import { type AccessRules, type Gone, recordCountMax } from './access.ts';
import { compareRights } from './stored-rights.ts';

interface Recorded {
  readonly version: number;
}

interface Records<T> {
  readonly live: readonly T[];
  readonly gone: readonly Gone[];
}

interface Entry<T> {
  readonly key: string;
  readonly version: number;
  /** Null: deleted. */
  readonly record: T | null;
}

function textOf(record: object): string {
  return JSON.stringify(Object.entries(record).sort(([one], [other]) => (one < other ? -1 : 1)));
}

function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** Below 0: the first record opens less than the second. */
type Compare<T> = (one: T, other: T) => number;

/** Whole records, never fields of both; at the same number a deletion stands, which lets in fewer, and then what opens less. */
function supersedes<T extends object>(one: Entry<T>, other: Entry<T>, compare: Compare<T>): boolean {
  if (one.version !== other.version) return one.version > other.version;
  if (one.record === null || other.record === null) return one.record === null && other.record !== null;
  const difference = compare(one.record, other.record);
  if (difference !== 0) return difference < 0;
  const [text, than] = [textOf(one.record), textOf(other.record)];
  return text !== than && digestOf(text) > digestOf(than);
}

function mergeRecords<T extends Recorded & object>(
  sides: readonly Records<T>[],
  keyOf: (record: T) => string,
  compare: Compare<T>,
): Records<T> {
  const found = new Map<string, Entry<T>>();
  for (const { live, gone } of sides) {
    const entries = [
      ...live.map((record) => ({ key: keyOf(record), version: record.version, record })),
      ...gone.map(({ key, version }) => ({ key, version, record: null })),
    ];
    for (const entry of entries) {
      const known = found.get(entry.key);
      if (known === undefined || supersedes(entry, known, compare)) found.set(entry.key, entry);
    }
  }
  // The latest first, and who is there before who is gone: those at the end are the ones to do without.
  const kept = [...found.values()]
    .sort((one, other) => other.version - one.version || (one.key < other.key ? -1 : 1))
    .sort((one, other) => Number(one.record === null) - Number(other.record === null))
    .slice(0, recordCountMax)
    .sort((one, other) => (one.key < other.key ? -1 : 1));
  return {
    live: kept.flatMap(({ record }) => record ?? []),
    gone: kept.flatMap(({ key, version, record }) => (record === null ? { key, version } : [])),
  };
}

/** Of rules that name no deletions: who is missing there and was not made since, was deleted. */
function missingIn(whole: AccessRules, other: AccessRules): Gone[] {
  if (whole.whole !== true) return [];
  const names = new Set(whole.users.map(({ name }) => name));
  return other.users
    .filter(({ name, version }) => !names.has(name) && version < whole.version)
    .map(({ name }) => ({ key: name, version: whole.version }));
}

export function mergeAccess(one: AccessRules, other: AccessRules): AccessRules {
  const sides = [one, other];
  const users = mergeRecords(
    [
      ...sides.map(({ users: live, gone }) => ({ live, gone })),
      { live: [], gone: [...missingIn(one, other), ...missingIn(other, one)] },
    ],
    ({ name }) => name,
    compareRights,
  );
  const tokens = mergeRecords(
    sides.map(({ tokens: live, goneTokens: gone }) => ({ live, gone })),
    ({ id }) => id,
    () => 0,
  );
  const requiredVersion = Math.max(one.requiredVersion, other.requiredVersion);
  return {
    format: 1,
    version: Math.max(one.version, other.version),
    // Of two that were said at once, the one that lets in fewer.
    required: sides.some((side) => side.requiredVersion === requiredVersion && side.required),
    requiredVersion,
    users: [...users.live].sort((a, b) => a.createdAtMs - b.createdAtMs || (a.name < b.name ? -1 : 1)),
    gone: users.gone,
    tokens: tokens.live,
    goneTokens: tokens.gone,
  };
}

/** Whatever the order of records and fields. */
export function isSameAccess(one: AccessRules, other: AccessRules): boolean {
  return JSON.stringify(mergeAccess(one, one)) === JSON.stringify(mergeAccess(other, other));
}
