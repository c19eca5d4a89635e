/** Replicas as maps from key to record, with their trees: what the merkle tests compare. */
import { addressOf, partitionOf, positionOf } from '../../../core/base/token.ts';
import { compareListings, Descent, type PositionHash } from '../../../core/merkle/comparison.ts';
import { hashRecord, type RecordHash } from '../../../core/merkle/record-hash.ts';
import { MerkleTree, offsetEnd, placeOf } from '../../../core/merkle/tree.ts';
import { encodeRecord } from '../../../core/versions/record-codec.ts';
import { actorOf } from '../../../core/versions/version-set.ts';

/** A record with one version; equal counters make equal records. */
export function recordOf(counter: number, options: { tombstone?: boolean; node?: number } = {}): Buffer {
  const actor = actorOf(options.node ?? 1, 1);
  const version = { actor, counter, timestamp: 1_000 + counter, expiresAtMs: 0 };
  return encodeRecord({
    context: [{ actor, counter }],
    versions: [{ ...version, tombstone: options.tombstone ?? false, value: Buffer.alloc(0) }],
    horizonMs: 0,
  });
}

/** Keys of one partition, by way of a hash tag. */
export const keyOf = (number: number) => `{tag}${number}`;
export const keysPartition = partitionOf(addressOf(0, Buffer.from(keyOf(0))).tokenHigh);

const hash: RecordHash = { high: 0, low: 0 };

export class Replica {
  readonly records = new Map<string, Buffer>();
  tree: MerkleTree;

  constructor(bits: number) {
    this.tree = new MerkleTree(bits);
  }

  set(key: string, record: Buffer | null): void {
    const { tokenHigh } = addressOf(0, Buffer.from(key));
    const before = this.records.get(key);
    if (before !== undefined) {
      hashRecord(Buffer.from(key), before, hash);
      this.tree.subtract(placeOf(tokenHigh), hash);
    }
    if (record === null) {
      this.records.delete(key);
      return;
    }
    hashRecord(Buffer.from(key), record, hash);
    this.tree.add(placeOf(tokenHigh), hash);
    this.records.set(key, record);
  }

  rebuilt(bits: number): MerkleTree {
    const other = new Replica(bits);
    for (const [key, record] of this.records) other.set(key, record);
    return other.tree;
  }

  listing(bits: number, leaves: readonly number[]): PositionHash[] {
    const wanted = new Set(leaves);
    return [...this.records]
      .map(([key, record]) => {
        hashRecord(Buffer.from(key), record, hash);
        return { offset: offsetOf(key), high: hash.high, low: hash.low };
      })
      .filter(({ offset }) => wanted.has(Math.floor(offset / (offsetEnd / 2 ** bits))))
      .sort((a, b) => a.offset - b.offset);
  }
}

export function offsetOf(key: string): number {
  const { tokenHigh, tokenLow } = addressOf(0, Buffer.from(key));
  return positionOf(tokenHigh, tokenLow) % offsetEnd;
}

export function rootOf(tree: MerkleTree): string {
  const root: RecordHash = { high: 0, low: 0 };
  tree.node(0, 0, root);
  return `${root.high}:${root.low}`;
}

export interface Outcome {
  readonly missingHere: readonly number[];
  readonly missingThere: readonly number[];
  readonly different: readonly number[];
  readonly nodesExchanged: number;
  readonly positionsListed: number;
}

/** A whole comparison, as the exchange makes it, with the peer at hand. */
export function compare(here: Replica, there: Replica): Outcome {
  if (rootOf(here.tree) === rootOf(there.tree)) {
    return { missingHere: [], missingThere: [], different: [], nodesExchanged: 1, positionsListed: 0 };
  }
  const descent = new Descent(here.tree, there.tree.bits);
  let nodesExchanged = 1;
  for (let request = descent.request(); request !== null; request = descent.request()) {
    const { parentBits, childBits, parents } = request;
    const width = 2 ** (childBits - parentBits);
    const words = new Uint32Array(parents.length * width * 2);
    parents.forEach((parent, index) => {
      for (let child = 0; child < width; child++) {
        there.tree.node(childBits, parent * width + child, hash);
        words.set([hash.high, hash.low], (index * width + child) * 2);
      }
    });
    nodesExchanged += words.length / 2;
    descent.onNodes(words);
  }
  const peers = there.listing(descent.bits, descent.leaves);
  const differences = compareListings(here.listing(descent.bits, descent.leaves), peers);
  return { ...differences, nodesExchanged, positionsListed: peers.length };
}
