/**
 * How far the versions of one key may grow. A write that would leave too many siblings is refused where it is coordinated, and
 * only there: joining what several replicas have taken never fails, because replicas that cannot join never come together. So a
 * key may have more siblings than the limit after its replicas were apart (each up to the limit); then every write that leaves
 * it no larger is taken, above all the one that makes an end of it, with the context of a read.
 */
import { CoterieError } from '../base/errors.ts';
import type { VersionSet } from './version-set.ts';

export const siblingCountMax = 100;
export const siblingCountWarn = 25;

/**
 * Values of all siblings together. The largest single value may be larger. Several replicas' worth must fit into one record of
 * the storage engine (record-format.ts, putBytesMax) and one frame between nodes.
 */
export const siblingBytesMax = 64 * 1024 * 1024;

function valueBytes({ versions }: VersionSet): number {
  return versions.reduce((sum, version) => sum + version.value.length, 0);
}

/** Throws `too-many-siblings` when a write took a key from `before`, within the limits or not, further beyond them. */
export function checkSiblings(before: VersionSet, after: VersionSet): void {
  const count = after.versions.length;
  if (count < 2) return;
  const how = 'Read it and write back with the context of that read.';
  if (count > siblingCountMax && count > before.versions.length) {
    throw new CoterieError('too-many-siblings', `The key has ${before.versions.length} siblings. ${how}`, {
      siblings: before.versions.length,
    });
  }
  const bytes = valueBytes(after);
  if (bytes > siblingBytesMax && bytes > valueBytes(before)) {
    const mebibytes = siblingBytesMax / (1024 * 1024);
    throw new CoterieError(
      'too-many-siblings',
      `The key’s siblings would take more than ${mebibytes} MiB together. ${how}`,
      { siblings: before.versions.length, bytes },
    );
  }
}
