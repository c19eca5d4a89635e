/**
 * Comparing a tree with one that lies elsewhere, as a machine without time: it says which nodes it wants to see next, is
 * given their hashes, and goes on only below those that differ. Then leaves are compared record by record. What
 * travels: sixteen hashes for each level and difference, and the few records' hashes of each differing leaf.
 */
import { assert } from '../base/assert.ts';
import type { RecordHash } from './record-hash.ts';
import { levelBits, type MerkleTree } from './tree.ts';

/** Children of `parents`, which are prefixes of `parentBits` bits, wanted at `childBits` bits. */
export interface NodeRequest {
  readonly parentBits: number;
  readonly childBits: number;
  readonly parents: readonly number[];
}

/** Nodes asked for in one message: 64 KiB of hashes at most. */
export const parentsPerRequestMax = 512;

/** The level after `bits` on the way down to `bottom`; both sides may compute it alike. */
function nextLevel(bits: number, bottom: number): number {
  const odd = bottom % levelBits;
  return bits === 0 && odd > 0 ? odd : bits + levelBits;
}

export class Descent {
  readonly #own: MerkleTree;
  /** Where the shallower of the two trees ends. */
  readonly bits: number;
  #level = 0;
  #differing: number[];
  #asked = 0;
  #below: number[] = [];

  /** Begin only after the roots were found to differ. */
  constructor(own: MerkleTree, peerBits: number) {
    this.#own = own;
    this.bits = Math.min(own.bits, peerBits);
    this.#differing = [0];
  }

  /** Null: the leaves that differ are known. */
  request(): NodeRequest | null {
    if (this.#level === this.bits || this.#differing.length === 0) return null;
    return {
      parentBits: this.#level,
      childBits: nextLevel(this.#level, this.bits),
      parents: this.#differing.slice(this.#asked, this.#asked + parentsPerRequestMax),
    };
  }

  /** The peer's answer to `request`: two words for each child, in order. */
  onNodes(hashes: Uint32Array): void {
    const request = this.request();
    assert(request !== null, 'an answer follows a request');
    const { parentBits, childBits, parents } = request;
    const width = 2 ** (childBits - parentBits);
    assert(hashes.length === parents.length * width * 2, 'an answer holds two words for each child');
    const own: RecordHash = { high: 0, low: 0 };
    let word = 0;
    for (const parent of parents) {
      for (let child = parent * width; child < (parent + 1) * width; child++, word += 2) {
        this.#own.node(childBits, child, own);
        if (own.high !== hashes[word] || own.low !== hashes[word + 1]) this.#below.push(child);
      }
    }
    this.#asked += parents.length;
    if (this.#asked < this.#differing.length) return;
    this.#differing = this.#below;
    this.#below = [];
    this.#asked = 0;
    this.#level = childBits;
  }

  /** Ascending; complete once `request` answers null. */
  get leaves(): readonly number[] {
    assert(this.request() === null, 'the leaves are known at the end');
    return this.#differing;
  }
}

/** What a replica holds at one position: the sum of the hashes of its records, nearly always one. */
export interface PositionHash extends RecordHash {
  /** Within the partition (base/token.ts, positionOf). */
  readonly offset: number;
}

export interface Differences {
  readonly missingHere: readonly number[];
  readonly missingThere: readonly number[];
  /** Held by both, and not the same. */
  readonly different: readonly number[];
}

/** Offsets at which two listings of one range, both ascending, differ. */
export function compareListings(own: readonly PositionHash[], peers: readonly PositionHash[]): Differences {
  const missingHere: number[] = [];
  const missingThere: number[] = [];
  const different: number[] = [];
  let here = 0;
  let there = 0;
  while (here < own.length || there < peers.length) {
    const a = own[here];
    const b = peers[there];
    if (b === undefined || (a !== undefined && a.offset < b.offset)) {
      missingThere.push(a.offset);
      here++;
    } else if (a === undefined || b.offset < a.offset) {
      missingHere.push(b.offset);
      there++;
    } else {
      if (a.high !== b.high || a.low !== b.low) different.push(a.offset);
      here++;
      there++;
    }
  }
  return { missingHere, missingThere, different };
}
