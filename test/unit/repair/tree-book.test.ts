/** A tree built while its partition changes ends as if it had been built from what is held. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addressOf, partitionOf, positionOf } from '../../../core/base/token.ts';
import { hashRecord } from '../../../core/merkle/record-hash.ts';
import { MerkleTree, placeOf } from '../../../core/merkle/tree.ts';
import type { LocalReplica } from '../../../core/ports/local-replica.ts';
import { silentLog } from '../../../core/ports/log.ts';
import { Pace } from '../../../core/repair/pace.ts';
import { TreeStore } from '../../../core/repair/tree-store.ts';
import { check } from '../../support/seeds.ts';
import { VirtualTime } from '../../support/virtual-time.ts';

const tagged = (number: number) => addressOf(0, Buffer.from(`{tag}${number}`));
const partition = partitionOf(tagged(0).tokenHigh);

/** A replica whose pages of the walk arrive late, as from a disk: as of the call all the same. */
class SlowReplica {
  readonly time = new VirtualTime();
  readonly held = new Map<number, Buffer>();
  readonly book: TreeStore;

  constructor() {
    const replica: LocalReplica = {
      forgottenUntilMs: () => 0,
      owns: () => true,
      recordCount: () => this.held.size,
      scan: ({ fromPosition }, done) => {
        const sorted = [...this.held]
          .map(([number, value]) => ({ address: tagged(number), value }))
          .map(({ address, value }) => ({
            address,
            value,
            position: positionOf(address.tokenHigh, address.tokenLow),
          }))
          .filter(({ position }) => position >= fromPosition)
          .sort((a, b) => a.position - b.position);
        const page = sorted.slice(0, 4);
        const records = page.map(({ address, value }) => ({ ...address, value }));
        this.time.after(5, () => done(null, { records, nextPosition: sorted[4]?.position ?? null }));
      },
      read: (_, done) => done(null, null),
      merge: (_address, _record, done) => done(null),
    };
    this.book = new TreeStore({
      ...{ replica, timers: this.time, log: silentLog },
      newPace: () => new Pace(this.time, () => false),
    });
  }

  set(number: number, value: number): void {
    const before = this.held.get(number) ?? null;
    const after = value === 0 ? null : Buffer.from([value]);
    if (after === null) this.held.delete(number);
    else this.held.set(number, after);
    this.book.onChange(tagged(number), before, after);
  }

  async built(): Promise<MerkleTree> {
    for (;;) {
      const tree = this.book.tree(0, partition);
      if (tree !== null) return tree;
      await this.time.advance(5);
    }
  }

  expected(bits: number): Uint32Array {
    const tree = new MerkleTree(bits);
    const hash = { high: 0, low: 0 };
    for (const [number, value] of this.held) {
      const { tokenHigh, key } = tagged(number);
      hashRecord(key, value, hash);
      tree.add(placeOf(tokenHigh), hash);
    }
    return tree.leaves();
  }
}

/** Key, its new value (0: none), and how long until then. */
const changes = fc.array(fc.tuple(fc.nat(30), fc.nat(4), fc.nat(7)), { maxLength: 40 });

describe('the book of trees', () => {
  it('neither loses nor counts twice what changes during a walk', async () => {
    await check(
      fc.asyncProperty(fc.nat(30), changes, async (count, steps) => {
        const replica = new SlowReplica();
        for (let number = 0; number < count; number++) replica.set(number, 1);
        replica.book.tree(0, partition);
        for (const [number, value, waitMs] of steps) {
          await replica.time.advance(waitMs);
          replica.set(number, value);
        }
        const tree = await replica.built();
        expect(tree.leaves()).toEqual(replica.expected(tree.bits));
        expect(tree.keyCount).toBe(replica.held.size);
      }),
      60,
    );
  });

  it('grows a tree with its keys and narrows it again, without a moment that shows something wrong', async () => {
    const replica = new SlowReplica();
    await replica.built();
    for (let number = 0; number < 300; number++) replica.set(number, 2);
    const narrow = await replica.built();
    expect(narrow.leaves()).toEqual(replica.expected(narrow.bits));
    await replica.time.advance(1_000);
    const wide = await replica.built();
    expect(wide.bits).toBeGreaterThan(narrow.bits);
    expect(wide.leaves()).toEqual(replica.expected(wide.bits));
    for (let number = 5; number < 300; number++) replica.set(number, 0);
    const small = await replica.built();
    expect(small.bits).toBe(0);
    expect(small.leaves()).toEqual(replica.expected(0));
  });

  it('builds anew after a doubt, also one in the middle of building', async () => {
    const replica = new SlowReplica();
    for (let number = 0; number < 20; number++) replica.set(number, 3);
    replica.book.tree(0, partition);
    await replica.time.advance(7);
    replica.held.delete(4);
    replica.book.onDoubt(0, partitionOf(tagged(4).tokenHigh));
    const tree = await replica.built();
    expect(tree.leaves()).toEqual(replica.expected(tree.bits));
    replica.held.delete(5);
    replica.book.onDoubt(0, partitionOf(tagged(5).tokenHigh));
    const again = await replica.built();
    expect(again.keyCount).toBe(18);
  });
});
