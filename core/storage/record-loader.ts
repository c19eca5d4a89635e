/** Makes the index anew at a start: takes every record of every segment in order, knowing heads and keys, and no values. */
import { partitionOf } from '../base/token.ts';
import type { EntryId, KeyIndex } from './key-index.ts';
import { kind, type RecordHead } from './record-format.ts';
import type { Segment } from './segment.ts';

/** Applies records in order: the last one of a key wins. */
export class RecordLoader {
  readonly #index: KeyIndex;
  readonly segments = new Map<number, Segment>();
  /** Tokens that several keys may share: their entries are named, so that keys are compared. */
  readonly #watched = new Set<string>();

  constructor(index: KeyIndex) {
    this.#index = index;
  }

  /** Before a record is added that tells that its key has twins. Returns entries whose keys must become known first. */
  watch(head: RecordHead): EntryId[] {
    const name = tokenOf(head);
    if (this.#watched.has(name)) return [];
    this.#watched.add(name);
    return this.#index.ofToken(head);
  }

  add(segment: Segment, head: RecordHead, key: Buffer, place: { offset: number; length: number }): void {
    const index = this.#index;
    segment.recordCount++;
    if (head.kind !== kind.put) segment.markerCount++;
    if (head.kind === kind.drop) {
      index.dropKeyspace(head.keyspace, (_, old) => this.#gone(old.segment));
      return;
    }
    if (head.kind === kind.clear) {
      const partition = partitionOf(head.tokenHigh);
      index.dropPartition(head.keyspace, partition, (_, old) => this.#gone(old.segment));
      return;
    }
    let id = index.find(head.keyspace, head.tokenHigh, head.tokenLow, key);
    if (id >= 0) this.#gone(index.placeOf(id).segment);
    if (head.kind === kind.remove) {
      if (id >= 0) index.remove(id);
      return;
    }
    segment.liveCount++;
    const where = { segment: segment.number, ...place };
    if (id >= 0) index.update(id, head, where);
    else id = index.insert(head.keyspace, head.tokenHigh, head.tokenLow, key, index.hasTwin, head, where);
    if (this.#watched.size > 0 && this.#watched.has(tokenOf(head))) index.names.name(id, key);
  }

  #gone(number: number): void {
    const segment = this.segments.get(number);
    if (segment !== undefined) segment.liveCount--;
  }

  drop(id: EntryId): void {
    this.#gone(this.#index.placeOf(id).segment);
    this.#index.remove(id);
  }
}

function tokenOf({ keyspace, tokenHigh, tokenLow }: RecordHead): string {
  return `${keyspace}:${tokenHigh}:${tokenLow}`;
}
