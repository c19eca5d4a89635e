/** Records for tests, each event with its own value. */
import { encodeRecord } from '../../core/versions/record-codec.ts';
import { actorOf, type VersionSet } from '../../core/versions/version-set.ts';

/** What one node wrote: its event `counter`, which replaces all its earlier ones. */
export function setBy(
  node: number,
  counter = 1,
  more: Partial<VersionSet['versions'][number]> = {},
): VersionSet {
  const actor = actorOf(node, 1);
  const value = Buffer.from(`event ${counter} of ${node}`);
  const version = { actor, counter, timestamp: counter, expiresAtMs: 0, tombstone: false, value, ...more };
  return { context: [{ actor, counter }], versions: [version], horizonMs: 0 };
}

export function recordBy(...parts: Parameters<typeof setBy>): Buffer {
  return encodeRecord(setBy(...parts));
}
