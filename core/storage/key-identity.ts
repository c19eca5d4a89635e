/**
 * Whether an index entry is a key's: by the name of the entry, by the key beside the value in memory, by the record that waits
 * for the disk, or by what the last read from disk found. A writer that has just read the key always gets its answer from
 * one of these, at once. Otherwise the key is denied to the entry (key-names.ts), and the entry's record is read, a few of
 * them at a time: then the entry is named, or, when its record is an older one of a denied key, dropped. A record that is
 * damaged is dropped as well: nobody can read it, and what was written over it has most likely taken its place.
 */

import { toCoterieError } from '../base/errors.ts';
import type { Timers } from '../ports/clock.ts';
import { pause } from '../ports/pause.ts';
import type { AppendHead } from './append-head.ts';
import type { HotCache } from './hot-cache.ts';
import type { EntryId, KeyIndex, Place } from './key-index.ts';
import { keyAt, readHead } from './record-format.ts';
import { recordsOf } from './record-lookup.ts';
import type { SegmentSet } from './segment-set.ts';

const readsMax = 16;
/** Beyond this many that wait for the disk, changes are refused with `busy`. */
const waitingMax = 10_000;
const retryAfterMs = 1_000;

export interface IdentityParts {
  readonly index: KeyIndex;
  readonly cache: HotCache;
  readonly head: AppendHead;
  readonly segments: SegmentSet;
  readonly timers: Timers;
  /** The entry stands for no key any more. */
  drop(id: EntryId): void;
}

export class KeyIdentity {
  readonly #parts: IdentityParts;
  readonly #waiting: EntryId[] = [];
  #reading = 0;
  #idle: (() => void)[] = [];
  #stopped = false;
  /** What the last read from disk found. */
  #last: { id: EntryId; place: Place; key: Buffer } | null = null;

  constructor(parts: IdentityParts) {
    this.#parts = parts;
  }

  /** Too many entries wait to be read. */
  get isFull(): boolean {
    return this.#waiting.length >= waitingMax;
  }

  stop(): void {
    this.#stopped = true;
  }

  /** Whether the entry, which `KeyIndex.find` returned for this key, is its; from now on it is not when this says no. */
  isOf(id: EntryId, key: Buffer): boolean {
    const { cache, index } = this.#parts;
    const { names } = index;
    if (names.of(id) !== null) return true;
    const known = cache.holds(id, key) ? key : this.#keyOf(id);
    if (known === null) this.#deny(id, key);
    else if (known !== key && !known.equals(key)) this.learn(id, known);
    else {
      if (names.deniedTo(id) !== null) names.name(id, key);
      return true;
    }
    return false;
  }

  /** The entry's record was read. */
  learn(id: EntryId, key: Buffer): void {
    const { names } = this.#parts.index;
    if (names.admits(id, key)) names.name(id, key);
    else this.#parts.drop(id);
  }

  /** The entry's record was read, and is the key's. */
  confirm(id: EntryId, key: Buffer, place: Place): void {
    const { names } = this.#parts.index;
    if (names.deniedTo(id) !== null) names.name(id, key);
    this.#last = { id, place, key: Buffer.from(key) };
  }

  /** Resolves when nothing is left to find out. */
  settled(): Promise<void> {
    if (this.#reading === 0 && this.#waiting.length === 0) return Promise.resolve();
    return new Promise((resolve) => this.#idle.push(resolve));
  }

  #keyOf(id: EntryId): Buffer | null {
    const { cache, head, index } = this.#parts;
    const hot = cache.peek(id);
    if (hot !== null) return hot.key;
    const place = index.placeOf(id);
    const pending = head.unwritten(place.segment, place.offset, place.length);
    if (pending !== null) return Buffer.from(keyAt(pending, 0, readHead(pending, 0)!));
    const last = this.#last;
    return last !== null && last.id === id && index.isAt(id, last.place) ? last.key : null;
  }

  #deny(id: EntryId, key: Buffer): void {
    const { names } = this.#parts.index;
    const isNew = names.deniedTo(id) === null;
    names.deny(id, key);
    if (!isNew) return;
    this.#waiting.push(id);
    this.#read();
  }

  #read(): void {
    while (this.#reading < readsMax && this.#waiting.length > 0) {
      const id = this.#waiting.shift()!;
      this.#reading++;
      void this.#find(id).finally(() => {
        this.#reading--;
        this.#read();
        if (this.#reading > 0 || this.#waiting.length > 0) return;
        for (const resolve of this.#idle.splice(0)) resolve();
      });
    }
  }

  async #find(id: EntryId): Promise<void> {
    const { drop, index, segments, timers } = this.#parts;
    const denied = index.names.deniedTo(id);
    // Another array, or none: the entry was named, or is gone.
    while (denied !== null && !this.#stopped && index.names.deniedTo(id) === denied) {
      const place = index.placeOf(id);
      const mark = { ...index.markOf(id), denied: null };
      const found = await segments.read(place).then(
        (bytes) => recordsOf(bytes, [mark], index.fingerprint)[0]?.key ?? 'damaged',
        (cause) => (toCoterieError(cause, 'disk-failed').code === 'corrupt' ? 'damaged' : 'failed'),
      );
      if (index.names.deniedTo(id) !== denied || !index.isAt(id, place)) continue;
      if (found === 'damaged') drop(id);
      else if (found !== 'failed') this.learn(id, found);
      else await pause(timers, retryAfterMs);
    }
  }
}
