/**
 * Values kept in memory, bounded in bytes. S3-FIFO (Yang, Zhang, Qiu, Yue, Rashmi, "FIFO queues are all you need for cache
 * eviction", SOSP 2023): new values pass through a small queue first and reach the main one only when they were asked for
 * again, so that one scan over everything does not push out what is used.
 */
import type { EntryId } from './key-index.ts';

interface Item {
  readonly id: EntryId;
  readonly key: Buffer;
  value: Buffer;
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
/** Memory that an item costs beside its bytes: objects, map entry, two buffer headers. */
const itemOverheadBytes = 320;
/** One value may take this share of the cache at most; larger ones are read from disk each time. */
const itemShareMax = 0.25;

export class HotCache {
  readonly #bytesMax: number;
  readonly #items = new Map<EntryId, Item>();
  readonly #small = new Queue();
  readonly #main = new Queue();
  /** Ids lately pushed out of the small queue: one that returns goes to the main queue at once. */
  readonly #ghosts = new Set<EntryId>();
  hits = 0;
  misses = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
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
    if (item === undefined || !item.key.equals(key)) {
      this.misses++;
      return null;
    }
    if (item.uses < usesMax) item.uses++;
    this.hits++;
    return item.value;
  }

  /** Without counting as a use: for scans. */
  peek(id: EntryId): { key: Buffer; value: Buffer } | null {
    return this.#items.get(id) ?? null;
  }

  /** Keeps a copy of the value. */
  put(id: EntryId, key: Buffer, value: Buffer): void {
    const bytes = key.length + value.length + itemOverheadBytes;
    const known = this.#items.get(id);
    if (bytes > this.#bytesMax * itemShareMax) {
      if (known !== undefined) this.#drop(known);
      return;
    }
    if (known !== undefined) {
      const queue = known.inMain ? this.#main : this.#small;
      queue.bytes += bytes - known.bytes;
      known.bytes = bytes;
      known.value = Buffer.from(value);
      if (known.uses < usesMax) known.uses++;
    } else {
      const inMain = this.#ghosts.delete(id);
      const item: Item = {
        id,
        key: Buffer.from(key),
        value: Buffer.from(value),
        bytes,
        uses: 0,
        inMain,
        before: null,
        after: null,
      };
      this.#items.set(id, item);
      (inMain ? this.#main : this.#small).push(item);
    }
    while (this.bytes > this.#bytesMax) this.#evict();
  }

  remove(id: EntryId): void {
    const item = this.#items.get(id);
    if (item !== undefined) this.#drop(item);
    this.#ghosts.delete(id);
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
      this.#main.push(item);
      return;
    }
    this.#items.delete(item.id);
    this.#ghosts.add(item.id);
    if (this.#ghosts.size > this.#items.size + 1_000) {
      const [first] = this.#ghosts;
      this.#ghosts.delete(first);
    }
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
