/**
 * The Merkle trees of this node, one for each keyspace and partition that somebody has wanted to compare. Built lazily, from
 * a walk; kept true by every change after that; built again when in doubt. An orderly stop leaves them in a file, which
 * the next start takes and deletes, so that a crash always means building anew.
 */

import { type CoterieError, toCoterieError } from '../base/errors.ts';
import { type KeyAddress, partitionCount, partitionOf } from '../base/token.ts';
import { hashRecord, type RecordHash } from '../merkle/record-hash.ts';
import { bitsFor, type MerkleTree, placeOf } from '../merkle/tree.ts';
import type { PlacedTree } from '../merkle/tree-file.ts';
import type { Timers } from '../ports/clock.ts';
import type { LocalReplica, RecordObserver } from '../ports/local-replica.ts';
import type { Log } from '../ports/log.ts';
import { turnEnd } from '../ports/pause.ts';
import type { Pace } from './pace.ts';
import { TreeBuild } from './tree-build.ts';

export interface TreeFigures {
  readonly treeCount: number;
  readonly keyCount: number;
  readonly bytes: number;
  readonly buildCount: number;
  readonly loadedCount: number;
}

/** Walks at a time: more would only make each slower, and the node's clients with them. */
const buildsAtOnce = 2;
/** A tree is made narrower only when it may then gain some keys before it is too narrow. */
const narrowMargin = 1.3;

interface TreeStoreParts {
  readonly replica: LocalReplica;
  readonly timers: Timers;
  readonly log: Log;
  /** Of one walk: it leaves clients most of the processor. */
  newPace(): Pace;
}

class Entry {
  readonly keyspace: number;
  readonly partition: number;
  tree: MerkleTree | null = null;
  build: TreeBuild | null = null;
  queued = false;
  /** So many are on their way, and the tree is made for them. */
  expectedKeys = 0;

  constructor(keyspace: number, partition: number) {
    this.keyspace = keyspace;
    this.partition = partition;
  }
}

export class TreeStore implements RecordObserver {
  readonly #parts: TreeStoreParts;
  readonly #keyspaces = new Map<number, (Entry | undefined)[]>();
  readonly #queue: Entry[] = [];
  readonly #before: RecordHash = { high: 0, low: 0 };
  readonly #after: RecordHash = { high: 0, low: 0 };
  #building = 0;
  #buildCount = 0;
  #loadedCount = 0;
  #closed = false;

  constructor(parts: TreeStoreParts) {
    this.#parts = parts;
  }

  onChange(address: KeyAddress, before: Buffer | null, after: Buffer | null): void {
    const { keyspace, tokenHigh, tokenLow, key } = address;
    const entry = this.#keyspaces.get(keyspace)?.[partitionOf(tokenHigh)];
    if (entry === undefined || before === after) return;
    const { tree, build } = entry;
    if (tree === null && build === null) return;
    const place = placeOf(tokenHigh);
    if (before !== null) {
      hashRecord(key, before, this.#before);
      tree?.subtract(place, this.#before);
      build?.onChange(tokenHigh, tokenLow, this.#before, false);
    }
    if (after !== null) {
      hashRecord(key, after, this.#after);
      tree?.add(place, this.#after);
      build?.onChange(tokenHigh, tokenLow, this.#after, true);
    }
  }

  /** The tree may not tell what is held: it is built anew when it is wanted next. */
  onDoubt(keyspace: number, partition: number): void {
    const entry = this.#keyspaces.get(keyspace)?.[partition];
    if (entry === undefined) return;
    entry.tree = null;
    entry.build?.cancel();
  }

  dropKeyspace(keyspace: number): void {
    for (let partition = 0; partition < partitionCount; partition++) this.onDoubt(keyspace, partition);
  }

  /** The tree as it is; null: it is being built from now on at the latest. A tree grown too narrow is built anew beside. */
  tree(keyspace: number, partition: number): MerkleTree | null {
    const entry = this.#entry(keyspace, partition);
    const { tree } = entry;
    const { expectedKeys } = entry;
    if (tree === null || bitsFor(tree.keyCount) > tree.bits) this.#want(entry);
    else {
      const bits = bitsFor(Math.max(expectedKeys, tree.keyCount * narrowMargin));
      if (bits < tree.bits) entry.tree = tree.narrowed(bits);
    }
    return entry.tree;
  }

  /** So many keys will be here soon: a tree that is wide enough now need not be built anew from all of them. 0: no more than are here. */
  expect(keyspace: number, partition: number, keyCount: number): void {
    const entry = this.#entry(keyspace, partition);
    entry.expectedKeys = keyCount;
    if (entry.tree !== null && bitsFor(keyCount) > entry.tree.bits) this.#want(entry);
  }

  figures(): TreeFigures {
    let treeCount = 0;
    let keyCount = 0;
    let bytes = 0;
    for (const { tree } of this.all()) {
      treeCount++;
      keyCount += tree.keyCount;
      bytes += tree.bytes;
    }
    return { treeCount, keyCount, bytes, buildCount: this.#buildCount, loadedCount: this.#loadedCount };
  }

  /** Those that are complete, as they are now. */
  all(): PlacedTree[] {
    return [...this.#keyspaces.values()].flatMap((entries) =>
      entries.flatMap((entry) =>
        entry === undefined || entry.tree === null
          ? []
          : [{ keyspace: entry.keyspace, partition: entry.partition, tree: entry.tree }],
      ),
    );
  }

  #entry(keyspace: number, partition: number): Entry {
    let entries = this.#keyspaces.get(keyspace);
    if (entries === undefined) {
      entries = new Array(partitionCount).fill(undefined);
      this.#keyspaces.set(keyspace, entries);
    }
    let entry = entries[partition];
    if (entry === undefined) {
      entry = new Entry(keyspace, partition);
      entries[partition] = entry;
    }
    return entry;
  }

  #want(entry: Entry): void {
    if (entry.queued || this.#closed) return;
    entry.queued = true;
    this.#queue.push(entry);
    this.#buildNext();
  }

  #buildNext(): void {
    if (this.#building >= buildsAtOnce || this.#closed) return;
    const entry = this.#queue.shift();
    if (entry === undefined) return;
    this.#building++;
    this.#build(entry).then(
      () => this.#built(entry, null),
      (cause) => this.#built(entry, toCoterieError(cause, 'disk-failed')),
    );
  }

  async #build(entry: Entry): Promise<void> {
    const { keyspace, partition } = entry;
    const keyCount = Math.max(
      entry.tree?.keyCount ?? 0,
      entry.expectedKeys,
      this.#parts.replica.recordCount(keyspace, partition),
    );
    const pace = this.#parts.newPace();
    const build = new TreeBuild({ ...this.#parts, pace }, keyspace, partition, bitsFor(keyCount));
    entry.build = build;
    try {
      // Cancelled by a doubt: whoever wants the tree asks again.
      if (await build.run()) {
        entry.tree = build.tree;
        this.#buildCount++;
      }
    } finally {
      entry.build = null;
    }
    // Small partitions are walked in one page, and many of them in one turn: clients come in between, and the rest is due, too.
    await turnEnd(this.#parts.timers);
    await pace.step();
  }

  #built(entry: Entry, error: CoterieError | null): void {
    this.#building--;
    entry.queued = false;
    if (error !== null) {
      const { keyspace, partition } = entry;
      this.#parts.log.warn('A partition could not be walked to compare it.', {
        keyspace,
        partition,
        cause: error.message,
      });
    }
    this.#buildNext();
  }

  /** Ends the building; the trees go on following changes until they are saved. */
  close(): void {
    this.#closed = true;
    this.#queue.length = 0;
    for (const entries of this.#keyspaces.values()) for (const entry of entries) entry?.build?.cancel();
  }

  /** From the file of the last run; before the first change. */
  adopt(trees: readonly PlacedTree[]): void {
    for (const { keyspace, partition, tree } of trees) {
      this.#entry(keyspace, partition).tree = tree;
      this.#loadedCount++;
    }
  }
}
