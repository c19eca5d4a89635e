/** A tree is a function of the records it covers, however they came to be there. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hashRecord } from '../../../core/merkle/record-hash.ts';
import { bitsFor, bitsMax, MerkleTree } from '../../../core/merkle/tree.ts';
import { decodeTrees, encodeTrees } from '../../../core/merkle/tree-file.ts';
import { encodeRecord } from '../../../core/versions/record-codec.ts';
import { actorOf } from '../../../core/versions/version-set.ts';
import { check } from '../../support/seeds.ts';
import { keyOf, Replica, recordOf, rootOf } from './synthetic.ts';

const bits = fc.integer({ min: 0, max: 5 }).map((half) => half * 2);
/** 0 removes the key. */
const changes = fc.array(fc.tuple(fc.nat(40), fc.nat(5)), { maxLength: 80 });

function apply(replica: Replica, steps: readonly (readonly [number, number])[]): void {
  for (const [key, counter] of steps) replica.set(keyOf(key), counter === 0 ? null : recordOf(counter));
}

describe('a tree', () => {
  it('that followed every change equals one built from what is held', () => {
    check(
      fc.property(bits, changes, (width, steps) => {
        const replica = new Replica(width);
        apply(replica, steps);
        const rebuilt = replica.rebuilt(width);
        expect(replica.tree.leaves()).toEqual(rebuilt.leaves());
        expect(rootOf(replica.tree)).toBe(rootOf(rebuilt));
        expect(replica.tree.keyCount).toBe(replica.records.size);
      }),
    );
  });

  it('does not depend on the order of changes to different keys', () => {
    check(
      fc.property(bits, fc.uniqueArray(fc.nat(1_000), { maxLength: 60 }), fc.nat(), (width, keys, turn) => {
        const left = new Replica(width);
        const right = new Replica(width);
        const rotated = [...keys.slice(turn % (keys.length + 1)), ...keys.slice(0, turn % (keys.length + 1))];
        for (const key of keys) left.set(keyOf(key), recordOf(1));
        for (const key of rotated.reverse()) right.set(keyOf(key), recordOf(1));
        expect(left.tree.leaves()).toEqual(right.tree.leaves());
      }),
    );
  });

  it('shows the same node at every depth that can hold it', () => {
    check(
      fc.property(bits, bits, changes, (one, other, steps) => {
        const replica = new Replica(one);
        apply(replica, steps);
        const common = Math.min(one, other);
        const wide = replica.rebuilt(other);
        const left = { high: 0, low: 0 };
        const right = { high: 0, low: 0 };
        for (let level = 0; level <= common; level++) {
          for (let prefix = 0; prefix < 2 ** level; prefix++) {
            replica.tree.node(level, prefix, left);
            wide.node(level, prefix, right);
            expect(left).toEqual(right);
          }
        }
        expect(wide.narrowed(common).leaves()).toEqual(replica.rebuilt(common).leaves());
      }),
      60,
    );
  });

  it('changes its root with any single change, and comes back with its reversal', () => {
    check(
      fc.property(
        bits,
        changes,
        fc.nat(40),
        fc.integer({ min: 6, max: 99 }),
        (width, steps, key, counter) => {
          const replica = new Replica(width);
          apply(replica, steps);
          const before = rootOf(replica.tree);
          const old = replica.records.get(keyOf(key)) ?? null;
          replica.set(keyOf(key), recordOf(counter));
          expect(rootOf(replica.tree)).not.toBe(before);
          replica.set(keyOf(key), recordOf(counter, { tombstone: true }));
          expect(rootOf(replica.tree)).not.toBe(before);
          replica.set(keyOf(key), old);
          expect(rootOf(replica.tree)).toBe(before);
        },
      ),
    );
  });

  it('keeps equal hashes from cancelling', () => {
    const tree = new MerkleTree(0);
    const hash = { high: 0x8000_0000, low: 0xffff_ffff };
    tree.add(0, hash);
    tree.add(0, hash);
    expect(rootOf(tree)).toBe('1:4294967294');
  });

  it('takes at most 4 bytes a key beyond its first few, once it has the width fit for them', () => {
    for (let keys = 20; keys < 4_000_000; keys = Math.ceil(keys * 1.37)) {
      const width = bitsFor(keys);
      if (width === bitsMax) break;
      expect(new MerkleTree(width).bytes / keys).toBeLessThanOrEqual(4);
    }
  });
});

describe('the hash of a record', () => {
  it('differs for every part of a version set, and for the key', () => {
    const actor = actorOf(3, 2);
    const other = actorOf(4, 2);
    const version = {
      actor,
      counter: 2,
      timestamp: 5,
      expiresAtMs: 0,
      tombstone: false,
      value: Buffer.from('v'),
    };
    const context = [{ actor, counter: 2 }];
    const sets = [
      { context, versions: [version], horizonMs: 0 },
      { context: [{ actor, counter: 3 }], versions: [version], horizonMs: 0 },
      { context: [...context, { actor: other, counter: 1 }], versions: [version], horizonMs: 0 },
      { context, versions: [{ ...version, counter: 1 }], horizonMs: 0 },
      { context, versions: [{ ...version, timestamp: 6 }], horizonMs: 0 },
      { context, versions: [{ ...version, expiresAtMs: 7 }], horizonMs: 0 },
      { context, versions: [{ ...version, tombstone: true }], horizonMs: 0 },
      { context, versions: [{ ...version, counter: 1 }, version], horizonMs: 0 },
      { context, versions: [], horizonMs: 0 },
      { context, versions: [], horizonMs: 8 },
    ];
    const seen = new Set<string>();
    const into = { high: 0, low: 0 };
    for (const token of [0, 1]) {
      for (const set of sets) {
        hashRecord(Buffer.from(`k${token}`), encodeRecord(set), into);
        seen.add(`${into.high}:${into.low}`);
      }
    }
    expect(seen.size).toBe(sets.length * 2);
  });
});

describe('the file of trees', () => {
  const replica = new Replica(4);
  for (let key = 0; key < 100; key++) replica.set(keyOf(key), recordOf(key + 1));
  const placed = [
    { keyspace: 3, partition: 9, tree: replica.tree },
    { keyspace: 4, partition: 1_023, tree: new MerkleTree(0) },
  ];

  it('gives back the trees it was made of', () => {
    const found = decodeTrees(encodeTrees(placed))!;
    expect(found.map(({ keyspace, partition }) => [keyspace, partition])).toEqual([
      [3, 9],
      [4, 1_023],
    ]);
    expect(found[0].tree.leaves()).toEqual(replica.tree.leaves());
    expect(rootOf(found[0].tree)).toBe(rootOf(replica.tree));
    expect(found[0].tree.keyCount).toBe(100);
  });

  it('is refused when any byte of it is damaged or missing', () => {
    const bytes = encodeTrees(placed);
    check(
      fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const damaged = Buffer.from(bytes);
        damaged[at] ^= flip;
        expect(decodeTrees(damaged)).toBeNull();
        expect(decodeTrees(bytes.subarray(0, at))).toBeNull();
      }),
    );
  });
});
