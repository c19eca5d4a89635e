/**
 * The Merkle tree (Merkle, 1987) of one partition at one replica. A node is the sum, modulo 2^64, of the hashes of all
 * records below it: an additive multiset hash (AdHash; Bellare and Micciancio, "A New Paradigm for Collision-Free
 * Hashing", 1997). Hence
 * - equal hashes do not cancel, as they would under exclusive or;
 * - a change subtracts the old hash and adds the new one along one path, whatever else the leaf holds;
 * - a node is the sum of its children, so trees of different depth are compared at the depth of the shallower.
 *
 * A leaf is an equal range of the hash bits of the keys' positions (base/token.ts), so it is one contiguous piece of a
 * scan. A tree has 2^bits leaves, `bits` even; above them every fourth level is kept. It never grows by itself: splitting
 * a leaf needs its keys, which only the owner can walk (repair/tree-book.ts).
 */
import { assert } from '../base/assert.ts';
import type { RecordHash } from './record-hash.ts';

/** Position bits that can choose a leaf: those that the high half of a token holds. */
export const bitsMax = 18;
/** Bits of a position within its partition. */
export const offsetBits = 43;
export const offsetEnd = 2 ** offsetBits;

/** Levels kept in memory, and steps of a comparison, are this many bits apart: a fan-out of 16. */
export const levelBits = 4;

/**
 * Beyond this many keys a leaf, the tree is made four times as wide: then three keys share a leaf of 8 bytes and its
 * part of the levels above, 2.9 bytes a key. More keys would save memory and list more of them for each difference.
 */
const keysPerLeafMax = 12;

/** The width fit for a number of keys. */
export function bitsFor(keyCount: number): number {
  let bits = 0;
  while (bits < bitsMax && keyCount > keysPerLeafMax * 2 ** bits) bits += 2;
  return bits;
}

/** The bits of a token that choose the leaf. */
export function placeOf(tokenHigh: number): number {
  return tokenHigh & 0x3ffff;
}

/** First offset below a node; that of `prefix + 1` is one past its last. */
export function firstOffset(bits: number, prefix: number): number {
  return prefix * 2 ** (offsetBits - bits);
}

function levelsOf(bits: number): number[] {
  const levels: number[] = [];
  for (let level = bits; level > 0; level -= levelBits) levels.push(level);
  levels.push(0);
  return levels;
}

export class MerkleTree {
  readonly bits: number;
  /** Leaves first. */
  readonly #levels: readonly number[];
  /** Where each level starts, in nodes. */
  readonly #starts: readonly number[];
  /** High half, low half of each node. */
  readonly #words: Uint32Array;
  #keyCount = 0;
  #changeCount = 0;

  constructor(bits: number) {
    assert(bits >= 0 && bits <= bitsMax && bits % 2 === 0, 'a tree has an even number of bits, at most 18');
    this.bits = bits;
    this.#levels = levelsOf(bits);
    const starts: number[] = [];
    let nodeCount = 0;
    for (const level of this.#levels) {
      starts.push(nodeCount);
      nodeCount += 2 ** level;
    }
    this.#starts = starts;
    this.#words = new Uint32Array(nodeCount * 2);
  }

  /** From the leaves of another tree, as `leaves` gave them. */
  static fromLeaves(bits: number, keyCount: number, leaves: Uint32Array): MerkleTree {
    assert(leaves.length === 2 ** bits * 2, 'a tree has two words for each leaf');
    const tree = new MerkleTree(bits);
    tree.#keyCount = keyCount;
    for (let leaf = 0; leaf < 2 ** bits; leaf++) {
      tree.#addTo(leaf, leaves[leaf * 2], leaves[leaf * 2 + 1]);
    }
    return tree;
  }

  get keyCount(): number {
    return this.#keyCount;
  }

  /** Grows with every change: tells whether the tree moved between two looks. */
  get changeCount(): number {
    return this.#changeCount;
  }

  get bytes(): number {
    return this.#words.byteLength;
  }

  /** High half, low half of each leaf; not to be changed. */
  leaves(): Uint32Array {
    return this.#words.subarray(0, 2 ** this.bits * 2);
  }

  add(place: number, hash: RecordHash): void {
    this.#keyCount++;
    this.#changeCount++;
    this.#addTo(place >>> (bitsMax - this.bits), hash.high, hash.low);
  }

  subtract(place: number, hash: RecordHash): void {
    this.#keyCount--;
    this.#changeCount++;
    // The two's complement of 64 bits.
    const low = -hash.low >>> 0;
    const high = (hash.low === 0 ? -hash.high : ~hash.high) >>> 0;
    this.#addTo(place >>> (bitsMax - this.bits), high, low);
  }

  #addTo(leaf: number, high: number, low: number): void {
    const words = this.#words;
    for (let level = 0; level < this.#levels.length; level++) {
      const node = this.#starts[level] + (leaf >>> (this.bits - this.#levels[level]));
      const sum = words[node * 2 + 1] + low;
      words[node * 2 + 1] = sum;
      words[node * 2] += high + (sum > 0xffff_ffff ? 1 : 0);
    }
  }

  /** The hash of the node that covers the positions starting with the `bits` bits of `prefix`. */
  node(bits: number, prefix: number, into: RecordHash): void {
    assert(bits <= this.bits, 'a node lies within its tree');
    let level = this.#levels.length - 1;
    while (this.#levels[level] < bits) level--;
    const width = 2 ** (this.#levels[level] - bits);
    const first = this.#starts[level] + prefix * width;
    let high = 0;
    let low = 0;
    for (let node = first; node < first + width; node++) {
      low += this.#words[node * 2 + 1];
      high += this.#words[node * 2] + (low > 0xffff_ffff ? 1 : 0);
      low >>>= 0;
    }
    into.high = high >>> 0;
    into.low = low;
  }

  /** The same records in a narrower tree. */
  narrowed(bits: number): MerkleTree {
    const tree = new MerkleTree(bits);
    const hash: RecordHash = { high: 0, low: 0 };
    for (let leaf = 0; leaf < 2 ** bits; leaf++) {
      this.node(bits, leaf, hash);
      tree.#addTo(leaf, hash.high, hash.low);
    }
    tree.#keyCount = this.#keyCount;
    tree.#changeCount = this.#changeCount;
    return tree;
  }
}
