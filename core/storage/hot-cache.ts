/**
 * Values kept in memory, bounded in bytes. S3-FIFO (Yang, Zhang, Qiu, Yue, Rashmi, "FIFO queues are all you need for cache
 * eviction", SOSP 2023): new values pass through a small queue first and reach the main one only when they were asked for
 * again, so that one scan over everything does not push out what is used.
 */
import type { EntryId } from './key-index.ts';

interface Item {
  readonly id: EntryId;
  /** Key and value, one after the other, at `start` of a buffer that may hold other items as well. */
  memory: Buffer;
  start: number;
  readonly keyLength: number;
  valueLength: number;
  /** The value as handed out; made at the first use. */
  view: Buffer | null;
  /** What it counts for against the bound. */
  bytes: number;
  uses: number;
  inMain: boolean;
  before: Item | null;
  after: Item | null;
}

class Queue {
  newest: Item | null = null;
  oldest: Item | null = null;
  bytes = 0;

  push(item: Item): void {
    item.after = null;
    item.before = this.newest;
    if (this.newest === null) this.oldest = item;
    else this.newest.after = item;
    this.newest = item;
    this.bytes += item.bytes;
  }

  unlink(item: Item): void {
    if (item.before === null) this.oldest = item.after;
    else item.before.after = item.after;
    if (item.after === null) this.newest = item.before;
    else item.after.before = item.before;
    item.before = null;
    item.after = null;
    this.bytes -= item.bytes;
  }
}

const usesMax = 3;
const smallShare = 0.1;
/** Memory that an item costs beside its bytes: objects, map entry, buffer headers. */
const itemOverheadBytes = 320;
/**
 * New items share buffers of this size: fewer buffers to collect (1.7 instead of 2.6 µs for each value of 1 KiB that comes
 * and goes, measured on the cache alone). They leave the small queue in the order they came, so a shared buffer is freed as a whole; what
 * stays longer (the main queue, values written again) is copied into memory of its own.
 */
const slabBytes = 32 * 1024;
/** One value may take this share of the cache at most; larger ones are read from disk each time. */
const itemShareMax = 0.25;

/**
 * Ids lately pushed out of the small queue: one that returns goes to the main queue at once. A ring beside a set, because
 * taking the oldest out of a set walks over all that were taken out before it: 12 µs a put, measured.
 */
class Ghosts {
  readonly #ids = new Set<EntryId>();
  readonly #ring: Uint32Array;
  #next = 0;
  #isFull = false;

  constructor(countMax: number) {
    this.#ring = new Uint32Array(countMax);
  }

  add(id: EntryId): void {
    if (this.#isFull) this.#ids.delete(this.#ring[this.#next]);
    this.#ids.add(id);
    this.#ring[this.#next++] = id;
    if (this.#next < this.#ring.length) return;
    this.#next = 0;
    this.#isFull = true;
  }

  /** Whether it was there. */
  remove(id: EntryId): boolean {
    return this.#ids.delete(id);
  }
}

/** As many as the cache holds values of about a kibibyte, within bounds. */
function ghostCountMax(bytesMax: number): number {
  return Math.min(131_072, Math.max(1_024, Math.floor(bytesMax / 1_024)));
}

function isOf(item: Item, key: Buffer): boolean {
  const { memory, start, keyLength } = item;
  return keyLength === key.length && key.compare(memory, start, start + keyLength) === 0;
}

function viewOf(item: Item): Buffer {
  if (item.view === null) {
    const from = item.start + item.keyLength;
    item.view = item.memory.subarray(from, from + item.valueLength);
  }
  return item.view;
}

/** Memory of the item's own, exactly as long as it needs. */
function setMemory(item: Item, key: Buffer, value: Buffer): void {
  const own = Buffer.allocUnsafeSlow(key.length + value.length);
  key.copy(own, 0);
  value.copy(own, key.length);
  item.memory = own;
  item.start = 0;
  item.view = null;
}

export class HotCache {
  readonly #bytesMax: number;
  readonly #items = new Map<EntryId, Item>();
  readonly #small = new Queue();
  readonly #main = new Queue();
  readonly #ghosts: Ghosts;
  #slab = Buffer.alloc(0);
  #slabUsed = 0;
  hits = 0;
  misses = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
    this.#ghosts = new Ghosts(ghostCountMax(bytesMax));
  }

  get bytes(): number {
    return this.#small.bytes + this.#main.bytes;
  }

  get bytesMax(): number {
    return this.#bytesMax;
  }

  /** The value, if this very key's is here. */
  get(id: EntryId, key: Buffer): Buffer | null {
    const item = this.#items.get(id);
    if (item === undefined || !isOf(item, key)) {
      this.misses++;
      return null;
    }
    if (item.uses < usesMax) item.uses++;
    this.hits++;
    return viewOf(item);
  }

  /** Without counting as a use: for scans. */
  peek(id: EntryId): { key: Buffer; value: Buffer } | null {
    const item = this.#items.get(id);
    if (item === undefined) return null;
    return { key: item.memory.subarray(item.start, item.start + item.keyLength), value: viewOf(item) };
  }

  /** Keeps a copy of the value. */
  put(id: EntryId, key: Buffer, value: Buffer): void {
    const bytes = key.length + value.length + itemOverheadBytes;
    let known = this.#items.get(id);
    if (known !== undefined && (bytes > this.#bytesMax * itemShareMax || !isOf(known, key))) {
      this.#drop(known);
      known = undefined;
    }
    if (bytes > this.#bytesMax * itemShareMax) return;
    if (known !== undefined) {
      const queue = known.inMain ? this.#main : this.#small;
      queue.bytes += bytes - known.bytes;
      known.bytes = bytes;
      known.valueLength = value.length;
      // Not in place: readers may still hold what was there.
      setMemory(known, key, value);
      if (known.uses < usesMax) known.uses++;
    } else {
      const inMain = this.#ghosts.remove(id);
      const item: Item = {
        id,
        memory: this.#slab,
        start: 0,
        keyLength: key.length,
        valueLength: value.length,
        view: null,
        bytes,
        uses: 0,
        inMain,
        before: null,
        after: null,
      };
      if (inMain) setMemory(item, key, value);
      else this.#place(item, key, value);
      this.#items.set(id, item);
      (inMain ? this.#main : this.#small).push(item);
    }
    while (this.bytes > this.#bytesMax) this.#evict();
  }

  /** Into the shared buffer, or into one of its own when it is large. */
  #place(item: Item, key: Buffer, value: Buffer): void {
    const length = key.length + value.length;
    if (length > slabBytes / 4) {
      setMemory(item, key, value);
      return;
    }
    if (this.#slabUsed + length > this.#slab.length) {
      this.#slab = Buffer.allocUnsafeSlow(slabBytes);
      this.#slabUsed = 0;
    }
    item.memory = this.#slab;
    item.start = this.#slabUsed;
    this.#slabUsed += length;
    key.copy(item.memory, item.start);
    value.copy(item.memory, item.start + key.length);
  }

  remove(id: EntryId): void {
    const item = this.#items.get(id);
    if (item !== undefined) this.#drop(item);
    this.#ghosts.remove(id);
  }

  #drop(item: Item): void {
    (item.inMain ? this.#main : this.#small).unlink(item);
    this.#items.delete(item.id);
  }

  #evict(): void {
    const fromSmall = this.#small.bytes > this.#bytesMax * smallShare || this.#main.oldest === null;
    if (fromSmall) this.#evictSmall();
    else this.#evictMain();
  }

  #evictSmall(): void {
    const item = this.#small.oldest;
    if (item === null) return;
    this.#small.unlink(item);
    if (item.uses > 0) {
      item.uses = 0;
      item.inMain = true;
      const { memory, start, keyLength } = item;
      setMemory(item, memory.subarray(start, start + keyLength), viewOf(item));
      this.#main.push(item);
      return;
    }
    this.#items.delete(item.id);
    this.#ghosts.add(item.id);
  }

  #evictMain(): void {
    for (let item = this.#main.oldest; item !== null; item = this.#main.oldest) {
      this.#main.unlink(item);
      if (item.uses === 0) {
        this.#items.delete(item.id);
        return;
      }
      item.uses--;
      this.#main.push(item);
    }
  }
}
