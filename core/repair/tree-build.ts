/**
 * Builds one tree from a walk of its partition while the partition goes on changing. A page of the walk shows the records
 * as of the call that asked for it. So a change counts at once where the walk has been, is put off while its page is on
 * the way, and is left to the walk where it has yet to come: none is lost, none counted twice.
 */

import { CoterieError } from '../base/errors.ts';
import { partitionOfPosition, partitionStart, positionOf } from '../base/token.ts';
import { hashRecord, type RecordHash } from '../merkle/record-hash.ts';
import { MerkleTree, placeOf } from '../merkle/tree.ts';
import type { Timers } from '../ports/clock.ts';
import type { LocalReplica } from '../ports/local-replica.ts';
import { turnEnd } from '../ports/pause.ts';
import type { ScanResult } from '../ports/storage-engine.ts';
import type { Pace } from './pace.ts';

const pageCount = 256;

interface Change {
  readonly position: number;
  readonly place: number;
  readonly hash: RecordHash;
  readonly added: boolean;
}

export class TreeBuild {
  readonly tree: MerkleTree;
  readonly #parts: { readonly replica: LocalReplica; readonly timers: Timers; readonly pace: Pace };
  readonly #keyspace: number;
  readonly #partition: number;
  /** Where the walk goes on: everything before it counts already. */
  #frontier: number;
  /** Changes while a page is on its way; null between pages. */
  #putOff: Change[] | null = null;
  #cancelled = false;

  /** `pace`: rests between pages while clients are served. */
  constructor(
    parts: { replica: LocalReplica; timers: Timers; pace: Pace },
    keyspace: number,
    partition: number,
    bits: number,
  ) {
    this.#parts = parts;
    this.#keyspace = keyspace;
    this.#partition = partition;
    this.#frontier = partitionStart(partition);
    this.tree = new MerkleTree(bits);
  }

  cancel(): void {
    this.#cancelled = true;
  }

  /** Resolves with whether the tree is complete: false after `cancel`. Rejects when the walk fails. */
  async run(): Promise<boolean> {
    while (!this.#cancelled) {
      const page = await this.#page();
      if (this.#cancelled) return false;
      if (page.nextPosition === null) return true;
      await turnEnd(this.#parts.timers);
      await this.#parts.pace.step();
    }
    return false;
  }

  /** The page counts in the turn in which it comes, before anything else can change. */
  #page(): Promise<ScanResult> {
    this.#putOff = [];
    const request = {
      keyspace: this.#keyspace,
      partition: this.#partition,
      fromPosition: this.#frontier,
      countMax: pageCount,
    };
    return new Promise((resolve, reject) => {
      this.#parts.replica.scan(request, (error, result) => {
        if (result === null) {
          reject(error ?? new CoterieError('disk-failed', 'A partition could not be walked.'));
          return;
        }
        this.#take(result);
        resolve(result);
      });
    });
  }

  #take({ records, nextPosition }: ScanResult): void {
    const hash: RecordHash = { high: 0, low: 0 };
    for (const { tokenHigh, key, value } of records) {
      hashRecord(key, value, hash);
      this.tree.add(placeOf(tokenHigh), hash);
    }
    this.#frontier = nextPosition ?? partitionStart(this.#partition + 1);
    const putOff = this.#putOff ?? [];
    this.#putOff = null;
    for (const change of putOff) if (change.position < this.#frontier) this.#count(change);
  }

  onChange(tokenHigh: number, tokenLow: number, hash: RecordHash, added: boolean): void {
    const position = positionOf(tokenHigh, tokenLow);
    if (partitionOfPosition(position) !== this.#partition) return;
    const change = { position, place: placeOf(tokenHigh), hash, added };
    if (this.#putOff !== null) this.#putOff.push({ ...change, hash: { ...hash } });
    else if (position < this.#frontier) this.#count(change);
  }

  #count({ place, hash, added }: Change): void {
    if (added) this.tree.add(place, hash);
    else this.tree.subtract(place, hash);
  }
}
