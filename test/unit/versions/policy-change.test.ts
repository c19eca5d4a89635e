/** Replicas that kept different versions under different conflict policies, with one history, still come together. */
import { describe, expect, it } from 'vitest';
import { encodeRecord, mergeRecords } from '../../../core/versions/record-codec.ts';
import { actorOf, neverMs } from '../../../core/versions/version-set.ts';

const version = (node: number, timestamp: number) => ({
  actor: actorOf(node, 1),
  counter: 1,
  timestamp,
  expiresAtMs: 0,
  tombstone: false,
  value: Buffer.from(`value of ${node}`),
});

describe('two records of one history', () => {
  const context = [1, 2].map((node) => ({ actor: actorOf(node, 1), counter: 1 }));
  const siblings = encodeRecord({ context, versions: [version(1, 10), version(2, 20)], horizonMs: 0 });
  const newest = encodeRecord({ context, versions: [version(2, 20)], horizonMs: neverMs });

  it('of which one kept fewer versions join in both directions to the same', () => {
    expect(mergeRecords(siblings, newest, true)).toBe(newest);
    expect(mergeRecords(newest, siblings, true)).toBe(newest);
    expect(mergeRecords(siblings, newest, false)).toBe(newest);
  });
});
