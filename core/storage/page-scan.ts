/**
 * One page of a scan: the records of some index entries, out of memory or from the disk, in order of position. It shows them
 * as of the call: what lies in memory is copied then, and the segments that hold the rest stay open until they are read.
 *
 * A page holds no more than `bytesMax` bytes of records, and ends early where they would become more. Sizes are known
 * beforehand, except in cold blocks, which are small on disk and may be large once unpacked: those are unpacked one after
 * the other, each once for all of its records in the page, until the bound is reached. Only the records of one position,
 * which always come together, may be more.
 */
import { CoterieError } from '../base/errors.ts';
import type { ScanRequest, ScanResult, StoredRecord } from '../ports/storage-engine.ts';
import type { AppendHead } from './append-head.ts';
import type { HotCache } from './hot-cache.ts';
import type { EntryId, KeyIndex, KeyMark, Place } from './key-index.ts';
import { recordsOf } from './record-lookup.ts';
import type { Segment } from './segment.ts';
import type { SegmentSet } from './segment-set.ts';

/** The bound when the caller names none. */
const pageBytesMax = 4 * 1024 * 1024;
/** Disk reads under way for one page. */
const readsMax = 16;

export interface PageParts {
  readonly index: KeyIndex;
  readonly cache: HotCache;
  readonly head: AppendHead;
  readonly segments: SegmentSet;
  /** The page goes without this record. */
  onDamaged(id: EntryId, place: Place, mark: KeyMark): void;
}

interface Slot {
  readonly id: EntryId;
  readonly position: number;
  record: StoredRecord | null;
  /** What has to be read for it; null when it was in memory. */
  readonly read: Read | null;
}

/** A record, or a block with some of the page's records. */
interface Read {
  readonly place: Place;
  readonly order: number;
  readonly slots: Slot[];
  readonly marks: KeyMark[];
  /** Null until it is begun. Resolves with a failure in place of rejecting: perhaps nobody waits for it any more. */
  bytes: Promise<{ bytes: Buffer } | { failure: unknown }> | null;
  isTaken: boolean;
}

export class PageScan {
  readonly #parts: PageParts;
  readonly #bytesMax: number;
  readonly #slots: Slot[] = [];
  readonly #reads: Read[] = [];
  readonly #readAt = new Map<string, Read>();
  readonly #pinned = new Map<number, Segment | null>();
  #next: number | null;
  #begunCount = 0;
  /** Bytes of records in `#slots`. */
  #heldBytes = 0;

  /** Takes what is in memory, and settles what has to be read. With `deadAtMs` only what is dead at that time. */
  constructor(parts: PageParts, request: ScanRequest, deadAtMs: number | null) {
    const { index } = parts;
    this.#parts = parts;
    this.#bytesMax = request.bytesMax ?? pageBytesMax;
    const { keyspace, partition, fromPosition, countMax } = request;
    const expiredOnly = request.deadOnly === 'expired';
    const { entries, next } = index.walk(keyspace, partition, fromPosition, countMax, deadAtMs, expiredOnly);
    this.#next = next;
    let bytes = 0;
    for (let from = 0; from < entries.length; ) {
      const position = index.positionOf(entries[from]);
      const before = bytes;
      let end = from;
      for (; end < entries.length && index.positionOf(entries[end]) === position; end++) {
        bytes += this.#sizeOf(entries[end]);
      }
      if (before > 0 && bytes > this.#bytesMax) {
        this.#next = position;
        break;
      }
      for (; from < end; from++) this.#take(entries[from], position);
    }
  }

  /** The page, when all of it was in memory. */
  get ready(): ScanResult | null {
    return this.#reads.length === 0 ? this.#upTo(this.#slots.length) : null;
  }

  /** Reads the rest. Call at most once. */
  async read(): Promise<ScanResult> {
    try {
      for (const [at, slot] of this.#slots.entries()) {
        const begins = at > 0 && slot.position !== this.#slots[at - 1].position;
        if (begins && this.#heldBytes > this.#bytesMax) return this.#upTo(at);
        if (slot.read !== null && !slot.read.isTaken) await this.#finish(slot.read);
      }
      return this.#upTo(this.#slots.length);
    } finally {
      for (const segment of this.#pinned.values()) if (segment !== null) this.#parts.segments.unpin(segment);
    }
  }

  /** As far as it is known: of a block, its length on disk, once. */
  #sizeOf(id: EntryId): number {
    const { cache, index } = this.#parts;
    const hot = cache.sizeOf(id);
    if (hot > 0) return hot;
    const place = index.placeOf(id);
    return this.#readAt.has(nameOf(place)) ? 0 : place.length;
  }

  #take(id: EntryId, position: number): void {
    const { cache, head, index } = this.#parts;
    const mark = index.markOf(id);
    const hot = cache.peek(id);
    if (hot !== null) {
      const { keyspace, tokenHigh, tokenLow } = mark;
      this.#hold({ id, position, record: null, read: null }, { keyspace, tokenHigh, tokenLow, ...hot });
      return;
    }
    const place = index.placeOf(id);
    const pending = head.unwritten(place.segment, place.offset, place.length);
    if (pending !== null) {
      this.#hold(
        { id, position, record: null, read: null },
        recordsOf(Buffer.from(pending), [mark], index.fingerprint)[0],
      );
      return;
    }
    const read = this.#readOf(place);
    const slot = { id, position, record: null, read };
    read.slots.push(slot);
    read.marks.push(mark);
    this.#slots.push(slot);
  }

  #hold(slot: Slot, record: StoredRecord | null): void {
    this.#slots.push(slot);
    this.#fill(slot, record);
  }

  #fill(slot: Slot, record: StoredRecord | null): void {
    slot.record = record;
    this.#heldBytes += sizeOf(record);
  }

  #readOf(place: Place): Read {
    const { segments } = this.#parts;
    const name = nameOf(place);
    let read = this.#readAt.get(name);
    if (read === undefined) {
      read = { place, order: this.#reads.length, slots: [], marks: [], bytes: null, isTaken: false };
      this.#reads.push(read);
      this.#readAt.set(name, read);
      if (!this.#pinned.has(place.segment)) this.#pinned.set(place.segment, segments.pin(place.segment));
    }
    return read;
  }

  async #finish(read: Read): Promise<void> {
    for (; this.#begunCount < Math.min(this.#reads.length, read.order + readsMax); this.#begunCount++) {
      this.#begin(this.#reads[this.#begunCount]);
    }
    const outcome = await read.bytes!;
    read.isTaken = true;
    read.bytes = null;
    if ('bytes' in outcome) {
      const records = recordsOf(outcome.bytes, read.marks, this.#parts.index.fingerprint);
      read.slots.forEach((slot, at) => {
        this.#fill(slot, records[at]);
      });
      return;
    }
    // A scan that failed at a damaged record would keep repair from all that is behind it.
    const { failure } = outcome;
    if (!(failure instanceof CoterieError) || failure.code !== 'corrupt') throw failure;
    read.slots.forEach(({ id }, at) => {
      this.#parts.onDamaged(id, read.place, read.marks[at]);
    });
  }

  #begin(read: Read): void {
    const segment = this.#pinned.get(read.place.segment) ?? null;
    read.bytes = this.#parts.segments.readIn(segment, read.place).then(
      (bytes) => ({ bytes }),
      (failure) => ({ failure }),
    );
  }

  /** The first `count` slots, as far as the bound lets them. */
  #upTo(count: number): ScanResult {
    const records: StoredRecord[] = [];
    const slots = this.#slots;
    let bytes = 0;
    for (let from = 0; from < count; ) {
      const { position } = slots[from];
      const before = bytes;
      let end = from;
      for (; end < count && slots[end].position === position; end++) bytes += sizeOf(slots[end].record);
      if (before > 0 && bytes > this.#bytesMax) return { records, nextPosition: position };
      for (; from < end; from++) {
        const { record } = slots[from];
        if (record !== null) records.push(record);
      }
    }
    return { records, nextPosition: count < slots.length ? slots[count].position : this.#next };
  }
}

function nameOf({ segment, offset }: Place): string {
  return `${segment}:${offset}`;
}

function sizeOf(record: StoredRecord | null): number {
  return record === null ? 0 : record.key.length + record.value.length;
}
