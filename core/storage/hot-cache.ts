/**
 * Values kept in memory, bounded in bytes. S3-FIFO (Yang, Zhang, Qiu, Yue, Rashmi, "FIFO queues are all you need for cache
 * eviction", SOSP 2023): new values pass through a small queue first and reach the main one only when they were asked for
 * again, so that one scan over everything does not push out what is used.
 *
 * Nothing here is a JavaScript object per value: items are rows of typed arrays, values lie in cells of an arena. With one
 * object and one buffer each, garbage collection took a third of a replica's time at 100,000 values of 1 KiB (measured).
 */
import { CellArena, type CellId } from './cell-arena.ts';
import type { EntryId } from './key-index.ts';
import { SlotTable } from './slot-table.ts';

const none = -1;
const usesMax = 3;
const smallShare = 0.1;
/** Memory that an item costs beside its cell: its row, its places in the tables. */
const rowBytes = 48;
/** One value may take this share of the cache at most; larger ones are read from disk each time. */
const itemShareMax = 0.25;
/** Evictions that free no cell of the wanted size before a whole chunk is taken from other sizes. */
const dropsInVainMax = 16;

interface Queue {
  newest: number;
  oldest: number;
  /** Of values and keys; what decides which queue gives way. */
  bytes: number;
}

const emptyQueue = (): Queue => ({ newest: none, oldest: none, bytes: 0 });

/** As many ids as the cache holds values of about a kibibyte, within bounds. */
function ghostCountMax(bytesMax: number): number {
  return Math.min(131_072, Math.max(1_024, Math.floor(bytesMax / 1_024)));
}

/** Ids lately pushed out of the small queue: one that returns goes to the main queue at once. */
class Ghosts {
  readonly #ids = new SlotTable();
  readonly #ring: Int32Array;
  #next = 0;

  constructor(countMax: number) {
    this.#ring = new Int32Array(countMax).fill(none);
  }

  add(id: EntryId): void {
    const oldest = this.#ring[this.#next];
    if (oldest !== none && this.#ids.get(oldest) === this.#next) this.#ids.delete(oldest);
    this.#ring[this.#next] = id;
    this.#ids.set(id, this.#next);
    this.#next = (this.#next + 1) % this.#ring.length;
  }

  /** Whether it was there. */
  remove(id: EntryId): boolean {
    const known = this.#ids.get(id) !== none;
    if (known) this.#ids.delete(id);
    return known;
  }
}

export class HotCache {
  readonly #bytesMax: number;
  readonly #rows = new SlotTable();
  readonly #arena: CellArena;
  /** Keys with values too large for a cell. */
  readonly #large = new Map<number, Buffer>();
  #largeBytes = 0;
  readonly #small = emptyQueue();
  readonly #main = emptyQueue();
  readonly #ghosts: Ghosts;
  // One row per item; -1 ends the list of free rows, which is linked through `#after`.
  #id = new Int32Array(1024);
  #cell = new Int32Array(1024);
  #keyLength = new Int32Array(1024);
  #valueLength = new Int32Array(1024);
  #before = new Int32Array(1024);
  #after = new Int32Array(1024);
  #uses = new Uint8Array(1024);
  #inMain = new Uint8Array(1024);
  #rowCount = 0;
  #freeRow = none;
  hits = 0;
  misses = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
    this.#arena = new CellArena(bytesMax);
    this.#ghosts = new Ghosts(ghostCountMax(bytesMax));
  }

  /** Bytes of what is kept, rows included; the arena that they lie in is bounded by `bytesMax` by itself. */
  get bytes(): number {
    return this.#small.bytes + this.#main.bytes;
  }

  get bytesMax(): number {
    return this.#bytesMax;
  }

  /** A copy of the value, if this very key's is here: its cell may be used again. */
  get(id: EntryId, key: Buffer): Buffer | null {
    const row = this.#rows.get(id);
    if (row === none || !this.#isOf(row, key)) {
      this.misses++;
      return null;
    }
    if (this.#uses[row] < usesMax) this.#uses[row]++;
    this.hits++;
    return this.#valueOf(row);
  }

  /** Whether this very key's value is here; without counting as a use. */
  holds(id: EntryId, key: Buffer): boolean {
    const row = this.#rows.get(id);
    return row !== none && this.#isOf(row, key);
  }

  /** Bytes of key and value; 0 when they are not here. */
  sizeOf(id: EntryId): number {
    const row = this.#rows.get(id);
    return row === none ? 0 : this.#keyLength[row] + this.#valueLength[row];
  }

  /** Without counting as a use: for scans. */
  peek(id: EntryId): { key: Buffer; value: Buffer } | null {
    const row = this.#rows.get(id);
    if (row === none) return null;
    const start = this.#startOf(row);
    const key = Buffer.from(this.#memoryOf(row).subarray(start, start + this.#keyLength[row]));
    return { key, value: this.#valueOf(row) };
  }

  /** Keeps a copy of the value. */
  put(id: EntryId, key: Buffer, value: Buffer): void {
    const length = key.length + value.length;
    const known = this.#rows.get(id);
    if (length + rowBytes > this.#bytesMax * itemShareMax) {
      if (known !== none) this.#drop(known);
      return;
    }
    if (known !== none && this.#isOf(known, key) && this.#keepsPlace(known, length)) {
      const queue = this.#queueOf(known);
      queue.bytes += value.length - this.#valueLength[known];
      this.#valueLength[known] = value.length;
      value.copy(this.#memoryOf(known), this.#startOf(known) + key.length);
      if (this.#uses[known] < usesMax) this.#uses[known]++;
    } else {
      const inMain = known === none ? this.#ghosts.remove(id) : this.#inMain[known] === 1;
      const uses = known === none ? 0 : Math.min(usesMax, this.#uses[known] + 1);
      if (known !== none) this.#drop(known);
      this.#add(id, key, value, { inMain, uses });
    }
    while (this.bytes > this.#bytesMax) this.#evict();
  }

  remove(id: EntryId): void {
    const row = this.#rows.get(id);
    if (row !== none) this.#drop(row);
    this.#ghosts.remove(id);
  }

  #keepsPlace(row: number, length: number): boolean {
    const cell = this.#cell[row];
    return cell !== none && length <= this.#arena.cellBytesMax && this.#arena.fits(cell, length);
  }

  #add(id: EntryId, key: Buffer, value: Buffer, facts: { inMain: boolean; uses: number }): void {
    const length = key.length + value.length;
    const row = this.#newRow();
    let cell: CellId = none;
    if (length <= this.#arena.cellBytesMax) {
      cell = this.#arena.take(length, row);
      if (cell === none) cell = this.#makeRoom(length, row);
      if (cell === none) {
        // A cache of less than one chunk keeps nothing.
        this.#after[row] = this.#freeRow;
        this.#freeRow = row;
        return;
      }
    } else {
      this.#large.set(row, Buffer.allocUnsafeSlow(length));
      this.#largeBytes += length;
    }
    this.#id[row] = id;
    this.#cell[row] = cell;
    this.#keyLength[row] = key.length;
    this.#valueLength[row] = value.length;
    this.#uses[row] = facts.uses;
    this.#inMain[row] = facts.inMain ? 1 : 0;
    const memory = this.#memoryOf(row);
    const start = this.#startOf(row);
    key.copy(memory, start);
    value.copy(memory, start + key.length);
    this.#rows.set(id, row);
    this.#push(row);
    // Large values and cells share one bound.
    while (
      this.#largeBytes > 0 &&
      this.#largeBytes + this.#arena.bytes > this.#bytesMax &&
      this.#large.size > 1
    ) {
      const [oldest] = this.#large.keys();
      if (oldest === row) break;
      this.#drop(oldest);
    }
  }

  /** Evicts as usual until a cell of this length is free, or gives it a whole chunk of what is next to go. */
  #makeRoom(length: number, owner: number): CellId {
    // A step may only promote an item; what counts is how many were given up for nothing.
    for (let dropped = 0; dropped < dropsInVainMax && this.#rows.count > 0; ) {
      const before = this.#rows.count;
      this.#evict();
      dropped += before - this.#rows.count;
      const cell = this.#arena.take(length, owner);
      if (cell !== none) return cell;
    }
    const victim = this.#nextVictim();
    if (victim === none) return none;
    const cell = this.#cell[victim];
    for (const row of this.#arena.neighbours(cell)) this.#drop(row);
    this.#arena.recut(cell, length);
    return this.#arena.take(length, owner);
  }

  /** The oldest item that lies in a cell. */
  #nextVictim(): number {
    for (const queue of [this.#small, this.#main]) {
      for (let row = queue.oldest; row !== none; row = this.#after[row])
        if (this.#cell[row] !== none) return row;
    }
    return none;
  }

  #memoryOf(row: number): Buffer {
    const cell = this.#cell[row];
    return cell === none ? this.#large.get(row)! : this.#arena.memoryOf(cell);
  }

  #startOf(row: number): number {
    const cell = this.#cell[row];
    return cell === none ? 0 : this.#arena.offsetOf(cell);
  }

  #isOf(row: number, key: Buffer): boolean {
    const length = this.#keyLength[row];
    if (length !== key.length) return false;
    const start = this.#startOf(row);
    return key.compare(this.#memoryOf(row), start, start + length) === 0;
  }

  #valueOf(row: number): Buffer {
    const from = this.#startOf(row) + this.#keyLength[row];
    const value = this.#memoryOf(row).subarray(from, from + this.#valueLength[row]);
    // A large value's memory is its own and never written again.
    return this.#cell[row] === none ? value : Buffer.from(value);
  }

  #costOf(row: number): number {
    return this.#keyLength[row] + this.#valueLength[row] + rowBytes;
  }

  #queueOf(row: number): Queue {
    return this.#inMain[row] === 1 ? this.#main : this.#small;
  }

  #push(row: number): void {
    const queue = this.#queueOf(row);
    this.#after[row] = none;
    this.#before[row] = queue.newest;
    if (queue.newest === none) queue.oldest = row;
    else this.#after[queue.newest] = row;
    queue.newest = row;
    queue.bytes += this.#costOf(row);
  }

  #unlink(row: number): void {
    const queue = this.#queueOf(row);
    const before = this.#before[row];
    const after = this.#after[row];
    if (before === none) queue.oldest = after;
    else this.#after[before] = after;
    if (after === none) queue.newest = before;
    else this.#before[after] = before;
    queue.bytes -= this.#costOf(row);
  }

  #drop(row: number): void {
    this.#unlink(row);
    this.#rows.delete(this.#id[row]);
    const cell = this.#cell[row];
    if (cell !== none) this.#arena.release(cell);
    else {
      this.#largeBytes -= this.#keyLength[row] + this.#valueLength[row];
      this.#large.delete(row);
    }
    this.#after[row] = this.#freeRow;
    this.#freeRow = row;
  }

  #evict(): void {
    const fromSmall = this.#small.bytes > this.#bytesMax * smallShare || this.#main.oldest === none;
    if (fromSmall) this.#evictSmall();
    else this.#evictMain();
  }

  #evictSmall(): void {
    const row = this.#small.oldest;
    if (row === none) return;
    if (this.#uses[row] > 0) {
      this.#unlink(row);
      this.#uses[row] = 0;
      this.#inMain[row] = 1;
      this.#push(row);
      return;
    }
    this.#ghosts.add(this.#id[row]);
    this.#drop(row);
  }

  #evictMain(): void {
    for (let row = this.#main.oldest; row !== none; row = this.#main.oldest) {
      if (this.#uses[row] === 0) {
        this.#drop(row);
        return;
      }
      this.#unlink(row);
      this.#uses[row]--;
      this.#push(row);
    }
  }

  #newRow(): number {
    if (this.#freeRow !== none) {
      const row = this.#freeRow;
      this.#freeRow = this.#after[row];
      return row;
    }
    if (this.#rowCount === this.#id.length) {
      this.#id = grown(this.#id);
      this.#cell = grown(this.#cell);
      this.#keyLength = grown(this.#keyLength);
      this.#valueLength = grown(this.#valueLength);
      this.#before = grown(this.#before);
      this.#after = grown(this.#after);
      this.#uses = grown(this.#uses);
      this.#inMain = grown(this.#inMain);
    }
    return this.#rowCount++;
  }
}

function grown<A extends Int32Array<ArrayBuffer> | Uint8Array<ArrayBuffer>>(array: A): A {
  const larger = new (array.constructor as new (length: number) => A)(array.length * 2);
  larger.set(array);
  return larger;
}
