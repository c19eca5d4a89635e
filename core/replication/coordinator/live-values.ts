/** From stored versions to what a client may see: tombstones and expired values are gone, the newest comes first. */
import type { LiveValue } from '../../ports/key-value-store.ts';
import { decodeRecord } from '../../versions/record-codec.ts';
import { newerFirst, type Version, type VersionSet } from '../../versions/version-set.ts';

const noValues: readonly LiveValue[] = [];

export function isLive(version: Version, nowMs: number): boolean {
  return !version.tombstone && (version.expiresAtMs === 0 || version.expiresAtMs > nowMs);
}

export function liveValues(set: VersionSet, nowMs: number): readonly LiveValue[] {
  const { versions } = set;
  if (versions.length === 1) return isLive(versions[0], nowMs) ? versions : noValues;
  return versions.filter((version) => isLive(version, nowMs)).sort(newerFirst);
}

export function liveValuesOfRecord(record: Buffer | null, nowMs: number): readonly LiveValue[] {
  return record === null ? noValues : liveValues(decodeRecord(record), nowMs);
}

/** When the last value expired that is no deletion; 0: none did. */
export function latestExpiry(record: Buffer): number {
  return decodeRecord(record).versions.reduce(
    (latest, { tombstone, expiresAtMs }) => (tombstone ? latest : Math.max(latest, expiresAtMs)),
    0,
  );
}
