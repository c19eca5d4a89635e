/**
 * Where every key's record lies: 36 bytes a key in typed arrays outside the JavaScript heap, plus 4 bytes for each bucket.
 * One small hash table for each keyspace and partition, whose buckets are in order of the keys' hash: a partition can be
 * walked in scan order without sorting more than a bucket, and grows alone.
 *
 * A key is known here by its mark: 64 bits of token and a 32-bit fingerprint of its bytes. Keys that share a token are twins,
 * and each has an entry of its own; where the fingerprints are the same as well, `names` tells them apart (key-names.ts).
 */
import { assert } from '../base/assert.ts';
import { partitionCount, partitionOf, positionOf } from '../base/token.ts';
import type { Fingerprint } from './fingerprint.ts';
import { KeyNames } from './key-names.ts';
import { isExpiredTick, tombstoneFlag } from './record-format.ts';

const field = {
  tokenHigh: 0,
  tokenLow: 1,
  fingerprint: 2,
  segment: 3,
  offset: 4,
  length: 5,
  expiryTick: 6,
  /** keyspace << 8 | flags */
  facts: 7,
  next: 8,
} as const;

const fieldCount = 9;
const chunkBits = 16;
const chunkEntries = 1 << chunkBits;
const none = 0xffff_ffff;
const bucketBitsMin = 2;
const bucketBitsMax = 17;
/** Entries that one count of all live keys looks at: some 5 ms. Beyond it the count lags behind expiry by a few calls. */
const totalWalkMax = 200_000;

export interface Place {
  readonly segment: number;
  readonly offset: number;
  readonly length: number;
}

interface Table {
  bits: number;
  buckets: Uint32Array;
  recordCount: number;
  liveCount: number;
  /** Entries with an expiry: while there are none, counting needs no walk. */
  expiringCount: number;
  /** Of the live ones, as of the last count. */
  expiredCount: number;
}

/** Names an entry while it exists; freed ids are used again. */
export type EntryId = number;

/** What the index knows of a key: enough to know its record by, in a place that may hold others. */
export interface KeyMark {
  readonly keyspace: number;
  readonly tokenHigh: number;
  readonly tokenLow: number;
  readonly fingerprint: number;
  /** The key itself, where the rest is not enough. */
  readonly key: Buffer | null;
  /** Keys that it is not. */
  readonly denied: readonly Buffer[] | null;
}

type Token = Pick<KeyMark, 'keyspace' | 'tokenHigh' | 'tokenLow'>;

export class KeyIndex {
  readonly fingerprint: Fingerprint;
  readonly names = new KeyNames();
  readonly #chunks: Uint32Array[] = [];
  readonly #keyspaces = new Map<number, (Table | undefined)[]>();
  #used = 0;
  #free: EntryId = none;
  #recordCount = 0;
  #bucketBytes = 0;
  #nextCounted = 0;
  /** Entries that were made beside another of the same token. While there was none, the first that fits is the only one. */
  #twinCount = 0;
  /** Whether the last `find` met an entry of the same token, beside the one that it returned. */
  hasTwin = false;

  constructor(fingerprint: Fingerprint) {
    this.fingerprint = fingerprint;
  }

  get recordCount(): number {
    return this.#recordCount;
  }

  get bytes(): number {
    return this.#chunks.length * chunkEntries * fieldCount * 4 + this.#bucketBytes;
  }

  #get(id: EntryId, at: number): number {
    return this.#chunks[id >>> chunkBits][(id & (chunkEntries - 1)) * fieldCount + at];
  }

  #set(id: EntryId, at: number, value: number): void {
    this.#chunks[id >>> chunkBits][(id & (chunkEntries - 1)) * fieldCount + at] = value;
  }

  #table(keyspace: number, partition: number): Table | undefined {
    return this.#keyspaces.get(keyspace)?.[partition];
  }

  /**
   * The entry of a key, or one that may be its: an unnamed one of the same mark. -1 when the key is not there for sure.
   * Tells in `hasTwin` whether others share its token.
   */
  find(keyspace: number, tokenHigh: number, tokenLow: number, key: Buffer): EntryId {
    this.hasTwin = false;
    const table = this.#table(keyspace, partitionOf(tokenHigh));
    if (table === undefined) return -1;
    const fingerprint = this.fingerprint(key);
    const isPlain = this.#twinCount === 0 && this.names.isEmpty;
    let found = -1;
    let id = table.buckets[bucketOf(tokenHigh, tokenLow, table.bits)];
    while (id !== none) {
      const chunk = this.#chunks[id >>> chunkBits];
      const base = (id & (chunkEntries - 1)) * fieldCount;
      if (chunk[base + field.tokenLow] === tokenLow && chunk[base + field.tokenHigh] === tokenHigh) {
        const isIt =
          chunk[base + field.fingerprint] === fingerprint && (isPlain || this.names.admits(id, key));
        if (isIt && isPlain) return id;
        // A named one is certain.
        if (isIt && (found < 0 || this.names.of(id) !== null)) {
          if (found >= 0) this.hasTwin = true;
          found = id;
        } else this.hasTwin = true;
      }
      id = chunk[base + field.next];
    }
    return found;
  }

  /** The entry that stands for the record of `key` at a place; -1 when none does. */
  findAt(token: Token, key: Buffer, place: { segment: number; offset: number }): EntryId {
    const id = this.find(token.keyspace, token.tokenHigh, token.tokenLow, key);
    return id >= 0 && this.isAt(id, place) ? id : -1;
  }

  /** Entries that share a token. */
  ofToken({ keyspace, tokenHigh, tokenLow }: Token): EntryId[] {
    const table = this.#table(keyspace, partitionOf(tokenHigh));
    const found: EntryId[] = [];
    let id = table === undefined ? none : table.buckets[bucketOf(tokenHigh, tokenLow, table.bits)];
    for (; id !== none; id = this.#get(id, field.next)) {
      if (this.#get(id, field.tokenLow) === tokenLow && this.#get(id, field.tokenHigh) === tokenHigh) {
        found.push(id);
      }
    }
    return found;
  }

  isAt(id: EntryId, place: { segment: number; offset: number }): boolean {
    return this.#get(id, field.segment) === place.segment && this.#get(id, field.offset) === place.offset;
  }

  /** Names that are not needed to tell entries apart are given up. */
  trimNames(): void {
    for (const id of this.names.named()) {
      const { fingerprint, ...token } = this.markOf(id);
      const alike = this.ofToken(token).filter((one) => this.#get(one, field.fingerprint) === fingerprint);
      if (alike.length === 1) this.names.delete(id);
    }
  }

  /** Length on disk of the largest record with this token; 0 when there is none. Asked for nearly every command: no key is hashed. */
  largestAt(keyspace: number, tokenHigh: number, tokenLow: number): number {
    const table = this.#table(keyspace, partitionOf(tokenHigh));
    if (table === undefined) return 0;
    let largest = 0;
    let id = table.buckets[bucketOf(tokenHigh, tokenLow, table.bits)];
    while (id !== none) {
      const chunk = this.#chunks[id >>> chunkBits];
      const base = (id & (chunkEntries - 1)) * fieldCount;
      if (chunk[base + field.tokenLow] === tokenLow && chunk[base + field.tokenHigh] === tokenHigh) {
        largest = Math.max(largest, chunk[base + field.length]);
      }
      id = chunk[base + field.next];
    }
    return largest;
  }

  placeOf(id: EntryId): Place {
    return {
      segment: this.#get(id, field.segment),
      offset: this.#get(id, field.offset),
      length: this.#get(id, field.length),
    };
  }

  markOf(id: EntryId): KeyMark {
    return {
      keyspace: this.#get(id, field.facts) >>> 8,
      tokenHigh: this.#get(id, field.tokenHigh),
      tokenLow: this.#get(id, field.tokenLow),
      fingerprint: this.#get(id, field.fingerprint),
      key: this.names.of(id),
      denied: this.names.deniedTo(id),
    };
  }

  /** As token.ts has it. */
  positionOf(id: EntryId): number {
    return positionOf(this.#get(id, field.tokenHigh), this.#get(id, field.tokenLow));
  }

  setPlace(id: EntryId, place: Place): void {
    this.#set(id, field.segment, place.segment);
    this.#set(id, field.offset, place.offset);
    this.#set(id, field.length, place.length);
  }

  /** Adds a key that has no entry yet; returns its entry. `isTwin`: others share its token. */
  insert(
    keyspace: number,
    tokenHigh: number,
    tokenLow: number,
    key: Buffer,
    isTwin: boolean,
    facts: { flags: number; expiryTick: number },
    place: Place,
  ): EntryId {
    const table = this.#tableForWriting(keyspace, partitionOf(tokenHigh));
    const fingerprint = this.fingerprint(key);
    if (isTwin) this.#twinCount++;
    const isAlike = (other: EntryId) => this.#get(other, field.fingerprint) === fingerprint;
    const wantsName = isTwin && this.ofToken({ keyspace, tokenHigh, tokenLow }).some(isAlike);
    const id = this.#allocate();
    if (wantsName) this.names.name(id, key);
    this.#set(id, field.tokenHigh, tokenHigh);
    this.#set(id, field.tokenLow, tokenLow);
    this.#set(id, field.fingerprint, fingerprint);
    this.#set(id, field.facts, (keyspace << 8) | facts.flags);
    this.#set(id, field.expiryTick, facts.expiryTick);
    this.setPlace(id, place);
    if (table.recordCount >= table.buckets.length * 2 && table.bits < bucketBitsMax) this.#grow(table);
    const bucket = bucketOf(tokenHigh, tokenLow, table.bits);
    this.#set(id, field.next, table.buckets[bucket]);
    table.buckets[bucket] = id;
    table.recordCount++;
    this.#recordCount++;
    this.#count(table, facts, 1);
    return id;
  }

  /** A new record of a key that is there. */
  update(id: EntryId, facts: { flags: number; expiryTick: number }, place: Place): void {
    const packed = this.#get(id, field.facts);
    const table = this.#table(packed >>> 8, partitionOf(this.#get(id, field.tokenHigh)))!;
    this.#count(table, { flags: packed & 0xff, expiryTick: this.#get(id, field.expiryTick) }, -1);
    this.#count(table, facts, 1);
    this.#set(id, field.facts, ((packed >>> 8) << 8) | facts.flags);
    this.#set(id, field.expiryTick, facts.expiryTick);
    this.setPlace(id, place);
  }

  remove(id: EntryId): void {
    const packed = this.#get(id, field.facts);
    const tokenHigh = this.#get(id, field.tokenHigh);
    const table = this.#table(packed >>> 8, partitionOf(tokenHigh))!;
    const bucket = bucketOf(tokenHigh, this.#get(id, field.tokenLow), table.bits);
    const next = this.#get(id, field.next);
    if (table.buckets[bucket] === id) table.buckets[bucket] = next;
    else {
      let before = table.buckets[bucket];
      while (this.#get(before, field.next) !== id) before = this.#get(before, field.next);
      this.#set(before, field.next, next);
    }
    this.#count(table, { flags: packed & 0xff, expiryTick: this.#get(id, field.expiryTick) }, -1);
    table.recordCount--;
    this.#recordCount--;
    this.#release(id);
  }

  #release(id: EntryId): void {
    if (!this.names.isEmpty) this.names.delete(id);
    // No segment has this number: an entry that is gone is nowhere.
    this.#set(id, field.segment, 0);
    this.#set(id, field.next, this.#free);
    this.#free = id;
  }

  /** Live keys: neither tombstone nor expired. Walks the partition only while it holds expiring keys. */
  countLive(keyspace: number, partition: number, nowMs: number): number {
    const table = this.#table(keyspace, partition);
    if (table === undefined) return 0;
    this.#countExpired(table, nowMs);
    return table.liveCount - table.expiredCount;
  }

  countRecords(keyspace: number): number {
    const tables = this.#keyspaces.get(keyspace) ?? [];
    return tables.reduce((sum, table) => sum + (table?.recordCount ?? 0), 0);
  }

  /** Of all keyspaces. With many expiring keys only some are looked at again in each call: see `totalWalkMax`. */
  totalLive(nowMs: number): number {
    const tables = [...this.#keyspaces.values()].flatMap((all) => all.filter((table) => table !== undefined));
    let total = 0;
    let walked = 0;
    const first = this.#nextCounted;
    for (let index = 0; index < tables.length; index++) {
      const at = (first + index) % tables.length;
      const table = tables[at];
      if (walked < totalWalkMax) {
        walked += this.#countExpired(table, nowMs);
        this.#nextCounted = at + 1;
      }
      total += Math.max(0, table.liveCount - table.expiredCount);
    }
    return total;
  }

  /** Returns how many entries it looked at. */
  #countExpired(table: Table, nowMs: number): number {
    table.expiredCount = 0;
    if (table.expiringCount === 0) return 0;
    for (const head of table.buckets) {
      for (let id = head; id !== none; id = this.#get(id, field.next)) {
        const isTombstone = (this.#get(id, field.facts) & tombstoneFlag) !== 0;
        if (!isTombstone && isExpiredTick(this.#get(id, field.expiryTick), nowMs)) table.expiredCount++;
      }
    }
    return table.recordCount;
  }

  /**
   * Entries of a partition from a position on, in order of position, about `countMax` of them; `next` is where to go on,
   * null at the end. Entries of one position always come together. With `deadAtMs` only those that hold nothing for a
   * reader at that time; with `expiredOnly` no tombstones among them.
   */
  walk(
    keyspace: number,
    partition: number,
    fromPosition: number,
    countMax: number,
    deadAtMs: number | null = null,
    expiredOnly = false,
  ): { entries: EntryId[]; next: number | null } {
    const table = this.#table(keyspace, partition);
    if (table === undefined) return { entries: [], next: null };
    const entries: EntryId[] = [];
    const bucketSpan = 2 ** (43 - table.bits);
    const within = fromPosition - partition * 2 ** 43;
    const first = Math.max(0, Math.floor(within / bucketSpan));
    for (let bucket = first; bucket < table.buckets.length; bucket++) {
      if (entries.length >= countMax) return { entries, next: partition * 2 ** 43 + bucket * bucketSpan };
      const found: { id: EntryId; position: number }[] = [];
      for (let id = table.buckets[bucket]; id !== none; id = this.#get(id, field.next)) {
        const position = this.positionOf(id);
        if (position < fromPosition || (deadAtMs !== null && !this.#isDead(id, deadAtMs, expiredOnly)))
          continue;
        found.push({ id, position });
      }
      found.sort((a, b) => a.position - b.position);
      for (const { id } of found) entries.push(id);
    }
    return { entries, next: null };
  }

  #isDead(id: EntryId, nowMs: number, expiredOnly: boolean): boolean {
    if ((this.#get(id, field.facts) & tombstoneFlag) !== 0) return !expiredOnly;
    const tick = this.#get(id, field.expiryTick);
    return isExpiredTick(tick, nowMs);
  }

  /** Removes every entry of a keyspace and tells where each one's record was. */
  dropKeyspace(keyspace: number, onGone: (id: EntryId, place: Place) => void): void {
    for (const table of this.#keyspaces.get(keyspace) ?? [])
      if (table !== undefined) this.#clear(table, onGone);
    this.#keyspaces.delete(keyspace);
  }

  /** As `dropKeyspace`, of one partition. */
  dropPartition(keyspace: number, partition: number, onGone: (id: EntryId, place: Place) => void): void {
    const table = this.#table(keyspace, partition);
    if (table === undefined) return;
    this.#clear(table, onGone);
    this.#keyspaces.get(keyspace)![partition] = undefined;
  }

  /** The table itself is the caller's to throw away. */
  #clear({ buckets }: Table, onGone: (id: EntryId, place: Place) => void): void {
    for (const head of buckets) {
      let id = head;
      while (id !== none) {
        const next = this.#get(id, field.next);
        onGone(id, this.placeOf(id));
        this.#release(id);
        this.#recordCount--;
        id = next;
      }
    }
    this.#bucketBytes -= buckets.byteLength;
  }

  /** Removes entries by where their record lies; walks everything, so for recovery only. */
  removeWhere(isGone: (place: Place) => boolean): void {
    const gone: EntryId[] = [];
    for (const tables of this.#keyspaces.values()) {
      for (const table of tables) {
        for (const head of table?.buckets ?? []) {
          for (let id = head; id !== none; id = this.#get(id, field.next)) {
            if (isGone(this.placeOf(id))) gone.push(id);
          }
        }
      }
    }
    for (const id of gone) this.remove(id);
  }

  #count(table: Table, facts: { flags: number; expiryTick: number }, by: 1 | -1): void {
    if ((facts.flags & tombstoneFlag) === 0) table.liveCount += by;
    if (facts.expiryTick !== 0) table.expiringCount += by;
  }

  #tableForWriting(keyspace: number, partition: number): Table {
    let tables = this.#keyspaces.get(keyspace);
    if (tables === undefined) {
      tables = new Array(partitionCount);
      this.#keyspaces.set(keyspace, tables);
    }
    let table = tables[partition];
    if (table === undefined) {
      const buckets = new Uint32Array(1 << bucketBitsMin).fill(none);
      table = {
        bits: bucketBitsMin,
        buckets,
        recordCount: 0,
        liveCount: 0,
        expiringCount: 0,
        expiredCount: 0,
      };
      tables[partition] = table;
      this.#bucketBytes += buckets.byteLength;
    }
    return table;
  }

  #grow(table: Table): void {
    const bits = table.bits + 1;
    const buckets = new Uint32Array(1 << bits).fill(none);
    for (const head of table.buckets) {
      let id = head;
      while (id !== none) {
        const next = this.#get(id, field.next);
        const bucket = bucketOf(this.#get(id, field.tokenHigh), this.#get(id, field.tokenLow), bits);
        this.#set(id, field.next, buckets[bucket]);
        buckets[bucket] = id;
        id = next;
      }
    }
    this.#bucketBytes += buckets.byteLength - table.buckets.byteLength;
    table.bits = bits;
    table.buckets = buckets;
  }

  #allocate(): EntryId {
    if (this.#free !== none) {
      const id = this.#free;
      this.#free = this.#get(id, field.next);
      return id;
    }
    const id = this.#used++;
    assert(id < none, 'the index is full');
    if (id >>> chunkBits === this.#chunks.length)
      this.#chunks.push(new Uint32Array(chunkEntries * fieldCount));
    return id;
  }
}

/** The top bits of the hash: 18 from the high half, then the low half. */
function bucketOf(tokenHigh: number, tokenLow: number, bits: number): number {
  return bits <= 18
    ? (tokenHigh & 0x3ffff) >>> (18 - bits)
    : (tokenHigh & 0x3ffff) * 2 ** (bits - 18) + (tokenLow >>> (50 - bits));
}
