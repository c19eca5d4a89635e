import { describe, expect, it } from 'vitest';
import { checkSiblings, siblingBytesMax, siblingCountMax } from '../../../core/versions/sibling-limits.ts';
import { actorOf, emptySet, type VersionSet } from '../../../core/versions/version-set.ts';

function siblings(count: number, value = Buffer.from('v')): VersionSet {
  const actor = actorOf(1, 1);
  const versions = Array.from({ length: count }, (_, index) => ({
    actor,
    counter: index + 1,
    timestamp: index,
    expiresAtMs: 0,
    tombstone: false,
    value,
  }));
  return { ...emptySet, context: [{ actor, counter: count }], versions };
}

const refused = expect.objectContaining({ code: 'too-many-siblings' });

describe('a write that leaves a key with siblings', () => {
  it('is taken up to the limit and refused beyond it', () => {
    expect(() => checkSiblings(siblings(siblingCountMax - 1), siblings(siblingCountMax))).not.toThrow();
    expect(() => checkSiblings(siblings(siblingCountMax), siblings(siblingCountMax + 1))).toThrow(refused);
  });

  it('is taken beyond the limit when it leaves no more than before: merging brought them', () => {
    expect(() => checkSiblings(siblings(300), siblings(300))).not.toThrow();
    expect(() => checkSiblings(siblings(300), siblings(1))).not.toThrow();
    expect(() => checkSiblings(siblings(300), siblings(301))).toThrow(refused);
  });

  it('is refused when their values would take too many bytes, unless there are fewer than before', () => {
    const large = Buffer.alloc(siblingBytesMax / 4);
    expect(() => checkSiblings(siblings(3, large), siblings(4, large))).not.toThrow();
    expect(() => checkSiblings(siblings(4, large), siblings(5, large))).toThrow(refused);
    expect(() => checkSiblings(siblings(6, large), siblings(5, large))).not.toThrow();
  });

  it('is not held to the bytes of siblings when it is the only value', () => {
    expect(() => checkSiblings(emptySet, siblings(1, Buffer.alloc(siblingBytesMax + 1)))).not.toThrow();
  });
});
