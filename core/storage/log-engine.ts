/**
 * The storage engine: index, head, hot cache, segments and compaction behind the StorageEngine port. DESIGN.md beside this
 * file explains the format and why a crash at any point loses nothing that was acknowledged.
 */
import { CoterieError, toCoterieError } from '../base/errors.ts';
import type { Durability } from '../base/levels.ts';
import type { KeyAddress } from '../base/token.ts';
import type { Clock, Timers } from '../ports/clock.ts';
import type { Disk } from '../ports/disk.ts';
import type { Log } from '../ports/log.ts';
import type {
  EngineRecovery,
  EngineStatistics,
  RecordFacts,
  ScanRequest,
  ScanResult,
  StorageEngine,
  StoredRecord,
} from '../ports/storage-engine.ts';
import { AppendHead } from './append-head.ts';
import { type CompactionPolicy, Compactor, chooseRun, defaultPolicy } from './compactor.ts';
import { HotCache } from './hot-cache.ts';
import { type EntryId, fingerprintOf, KeyIndex, type Place } from './key-index.ts';
import {
  expiryTickOf,
  isSound,
  keyAt,
  kind,
  type RecordHead,
  readHead,
  tombstoneFlag,
  valueAt,
} from './record-format.ts';
import { cleanFile, manifestOf, type Recovered, recover } from './recovery.ts';
import { type Segment, segmentName, summaryName, writeManifest } from './segment.ts';
import { eachInBlock, inflateBlock } from './segment-scan.ts';

export interface LogEngineSettings {
  readonly folder: string;
  /** Bytes of values kept in memory. More: more reads without the disk. */
  readonly hotBytesMax: number;
  /** A head of this size is sealed. Larger: fewer files; smaller: compaction in smaller steps. */
  readonly segmentBytesMax?: number;
  readonly pendingBytesMax?: number;
  readonly policy?: CompactionPolicy;
}

interface EngineComponents {
  readonly disk: Disk;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly log: Log;
}

const noBytes = Buffer.alloc(0);
const compactionPauseMs = 250;
const deletesInFlightNote = 'A file that compaction replaced could not be removed; the next start does it.';

export async function openLogEngine(
  components: EngineComponents,
  settings: LogEngineSettings,
): Promise<StorageEngine> {
  const index = new KeyIndex();
  const recovered = await recover({ ...components, index }, settings.folder);
  return new LogEngine(components, settings, index, recovered);
}

class LogEngine implements StorageEngine {
  readonly recovery: EngineRecovery;
  readonly #disk: Disk;
  readonly #clock: Clock;
  readonly #timers: Timers;
  readonly #log: Log;
  readonly #folder: string;
  readonly #policy: CompactionPolicy;
  readonly #index: KeyIndex;
  readonly #cache: HotCache;
  readonly #head: AppendHead;
  readonly #compactor: Compactor;
  /** In order, oldest first; the head, once it has a file, is the last. */
  #segments: Segment[];
  readonly #byNumber = new Map<number, Segment>();
  #nextNumber: number;
  #manifestQueue: Promise<void> = Promise.resolve();
  #background: Promise<void> = Promise.resolve();
  #compacting = false;
  #closing = false;
  #compactionCount = 0;
  #quarantinedCount: number;

  constructor(
    components: EngineComponents,
    settings: LogEngineSettings,
    index: KeyIndex,
    recovered: Recovered,
  ) {
    const { disk, clock, timers, log } = components;
    const { folder } = settings;
    this.#disk = disk;
    this.#clock = clock;
    this.#timers = timers;
    this.#log = log;
    this.#folder = folder;
    this.#policy = settings.policy ?? defaultPolicy;
    this.#index = index;
    this.recovery = recovered.recovery;
    this.#quarantinedCount = recovered.recovery.quarantinedSegments.length;
    this.#segments = recovered.segments;
    this.#nextNumber = recovered.nextNumber;
    for (const segment of recovered.segments) this.#byNumber.set(segment.number, segment);
    this.#cache = new HotCache(settings.hotBytesMax);
    this.#compactor = new Compactor(
      { disk, timers, log, index },
      { folder, isStopping: () => this.#closing },
    );
    this.#head = new AppendHead(
      {
        disk,
        timers,
        log,
        takeNumber: () => this.#nextNumber++,
        events: {
          opening: (segment) => this.#named(segment),
          sealed: (segment, summary) => this.#sealed(segment, summary),
        },
      },
      {
        folder,
        segmentBytesMax: settings.segmentBytesMax ?? 64 * 1024 * 1024,
        pendingBytesMax: settings.pendingBytesMax ?? 256 * 1024 * 1024,
      },
    );
  }

  get(address: KeyAddress, done: (error: CoterieError | null, value: Buffer | null) => void): void {
    const { keyspace, tokenHigh, tokenLow, key } = address;
    const id = this.#index.find(keyspace, tokenHigh, tokenLow, fingerprintOf(key));
    if (id < 0) {
      done(null, null);
      return;
    }
    const hot = this.#cache.get(id, key);
    if (hot !== null) {
      done(null, hot);
      return;
    }
    const place = this.#index.placeOf(id);
    const pending = this.#head.unwritten(place.segment, place.offset, place.length);
    if (pending !== null) {
      const found = recordIn(pending, key);
      done(null, found === null ? null : Buffer.from(found));
      return;
    }
    this.#readFromDisk(place, key).then(
      (value) => {
        // Only what is still current may be kept: the key may have been written meanwhile.
        const now = this.#index.find(keyspace, tokenHigh, tokenLow, fingerprintOf(key));
        if (value !== null && now === id && samePlace(this.#index.placeOf(id), place)) {
          this.#cache.put(id, key, value);
        }
        done(null, value);
      },
      (cause) => {
        // Compaction may have moved the record while it was read.
        const now = this.#index.find(keyspace, tokenHigh, tokenLow, fingerprintOf(key));
        if (now < 0 || !samePlace(this.#index.placeOf(now), place)) this.get(address, done);
        else done(toCoterieError(cause, 'disk-failed'), null);
      },
    );
  }

  /** Null when the record there belongs to another key (see key-index.ts on fingerprints). */
  async #readFromDisk(place: Place, key: Buffer): Promise<Buffer | null> {
    const segment = this.#byNumber.get(place.segment);
    if (segment === undefined) throw new CoterieError('corrupt', 'The segment of this key was set aside.');
    segment.readers++;
    try {
      const bytes = await segment.file.read(place.offset, place.length);
      const head = readHead(bytes, 0);
      if (head === null || !isSound(bytes, 0, head)) {
        this.#log.error('A record on disk is damaged. It comes back from another replica when it is read there.', {
          segment: segmentName(segment.number),
          offset: place.offset,
        });
        throw new CoterieError('corrupt', 'The record on disk is damaged.');
      }
      return recordIn(bytes, key);
    } finally {
      segment.readers--;
      this.#closeIfRetired(segment);
    }
  }

  put(
    address: KeyAddress,
    value: Buffer,
    facts: RecordFacts,
    durability: Durability,
    done: (error: CoterieError | null) => void,
  ): void {
    const refusal = this.#closing ? new CoterieError('not-ready', 'The node is stopping.') : this.#head.refusal;
    if (refusal !== null) {
      done(refusal);
      return;
    }
    const { keyspace, tokenHigh, tokenLow, key } = address;
    const head: RecordHead = {
      kind: kind.put,
      flags: facts.tombstone ? tombstoneFlag : 0,
      keyspace,
      tokenHigh,
      tokenLow,
      expiryTick: expiryTickOf(facts.expiresAtMs),
      keyLength: key.length,
      valueLength: value.length,
    };
    const fingerprint = fingerprintOf(key);
    const place = this.#head.append(head, key, value, durability === 'always', done);
    this.#head.segment.liveCount++;
    let id = this.#index.find(keyspace, tokenHigh, tokenLow, fingerprint);
    if (id >= 0) {
      this.#died(this.#index.placeOf(id));
      this.#index.update(id, head, place);
    } else id = this.#index.insert(keyspace, tokenHigh, tokenLow, fingerprint, head, place);
    this.#cache.put(id, key, value);
  }

  remove(address: KeyAddress, done: (error: CoterieError | null) => void): void {
    const { keyspace, tokenHigh, tokenLow, key } = address;
    const id = this.#index.find(keyspace, tokenHigh, tokenLow, fingerprintOf(key));
    if (id < 0) {
      done(null);
      return;
    }
    if (!this.#appendMarker(kind.remove, address, done)) return;
    this.#died(this.#index.placeOf(id));
    this.#cache.remove(id);
    this.#index.remove(id);
  }

  dropKeyspace(keyspace: number, done: (error: CoterieError | null) => void): void {
    const address = { keyspace, tokenHigh: 0, tokenLow: 0, key: noBytes };
    if (!this.#appendMarker(kind.drop, address, done)) return;
    this.#index.dropKeyspace(keyspace, (id: EntryId, place) => {
      this.#died(place);
      this.#cache.remove(id);
    });
    this.#planCompaction();
  }

  #appendMarker(markerKind: number, address: KeyAddress, done: (error: CoterieError | null) => void): boolean {
    const { refusal } = this.#head;
    if (refusal !== null) {
      done(refusal);
      return false;
    }
    const { keyspace, tokenHigh, tokenLow, key } = address;
    const head: RecordHead = {
      kind: markerKind,
      flags: 0,
      keyspace,
      tokenHigh,
      tokenLow,
      expiryTick: 0,
      keyLength: key.length,
      valueLength: 0,
    };
    this.#head.append(head, key, noBytes, true, done);
    this.#head.segment.markerCount++;
    return true;
  }

  /** A record that nothing points to any more. */
  #died(place: Place): void {
    const segment = place.segment === this.#head.segment.number ? this.#head.segment : this.#byNumber.get(place.segment);
    if (segment !== undefined) segment.liveCount--;
  }

  scan(request: ScanRequest, done: (error: CoterieError | null, result: ScanResult | null) => void): void {
    const { keyspace, partition, fromPosition, countMax } = request;
    const { entries, next } = this.#index.walk(keyspace, partition, fromPosition, countMax);
    const records: (StoredRecord | null)[] = new Array(entries.length).fill(null);
    const reads: Promise<void>[] = [];
    entries.forEach((id, position) => {
      const hot = this.#cache.peek(id);
      if (hot !== null) {
        records[position] = { key: hot.key, value: hot.value };
        return;
      }
      const place = this.#index.placeOf(id);
      const token = this.#index.tokenOf(id);
      reads.push(
        this.#readRecord(place, token).then((record) => {
          records[position] = record;
        }),
      );
    });
    const finish = () => {
      const found = records.filter((record) => record !== null);
      done(null, { records: found, nextPosition: next });
    };
    if (reads.length === 0) finish();
    else Promise.all(reads).then(finish, (cause) => done(toCoterieError(cause, 'disk-failed'), null));
  }

  /** A record whose key is not known yet. Null when it was removed or moved away while it was read. */
  async #readRecord(place: Place, token: { high: number; low: number }): Promise<StoredRecord | null> {
    const pending = this.#head.unwritten(place.segment, place.offset, place.length);
    if (pending !== null) return firstWithToken(Buffer.from(pending), token);
    const segment = this.#byNumber.get(place.segment);
    if (segment === undefined) return null;
    segment.readers++;
    try {
      const bytes = await segment.file.read(place.offset, place.length);
      const head = readHead(bytes, 0);
      if (head === null || !isSound(bytes, 0, head)) {
        throw new CoterieError('corrupt', 'A record on disk is damaged.');
      }
      return firstWithToken(bytes, token);
    } finally {
      segment.readers--;
      this.#closeIfRetired(segment);
    }
  }

  countLive(keyspace: number, partition: number): number {
    return this.#index.countLive(keyspace, partition, this.#clock.nowMs());
  }

  statistics(): EngineStatistics {
    const all = this.#segments;
    const sum = (segments: readonly Segment[], pick: (segment: Segment) => number) =>
      segments.reduce((total, segment) => total + pick(segment), 0);
    const cold = all.filter((segment) => segment.cold);
    const warm = all.filter((segment) => !segment.cold);
    return {
      liveKeyCount: this.#index.totalLive(this.#clock.nowMs()),
      recordCount: this.#index.recordCount,
      indexBytes: this.#index.bytes,
      hotBytes: this.#cache.bytes,
      hotBytesMax: this.#cache.bytesMax,
      hotHits: this.#cache.hits,
      hotMisses: this.#cache.misses,
      segmentCount: all.length,
      warmDiskBytes: sum(warm, (segment) => segment.size),
      coldDiskBytes: sum(cold, (segment) => segment.size),
      coldRawBytes: sum(cold, (segment) => segment.rawBytes),
      deadBytes: Math.round(
        sum(all, ({ recordCount, liveCount, size }) =>
          recordCount === 0 ? 0 : size * (1 - liveCount / recordCount),
        ),
      ),
      syncCount: this.#head.syncCount,
      compactionCount: this.#compactionCount,
      quarantinedSegmentCount: this.#quarantinedCount,
    };
  }

  async settle(): Promise<void> {
    await this.#head.drain();
    this.#planCompaction();
    await this.#background;
  }

  async close(): Promise<void> {
    if (this.#closing) return;
    this.#closing = true;
    await this.#background;
    let orderly = true;
    try {
      await this.#head.drain();
      const last = this.#head.finish();
      if (last !== null) await this.#disk.replaceFile(this.#summaryPath(last.segment), last.summary);
      await this.#manifestQueue;
    } catch (cause) {
      orderly = false;
      this.#log.error('The storage could not be closed in order.', {
        cause: toCoterieError(cause, 'disk-failed').message,
      });
    }
    for (const segment of this.#segments) await segment.file.close().catch(() => {});
    if (orderly) await this.#disk.replaceFile(`${this.#folder}/${cleanFile}`, noBytes);
  }

  // --- Segments and compaction ---------------------------------------------------------------------------------------

  /** The manifest names a segment before it exists: a head that a crash leaves behind is then found. */
  async #named(segment: Segment): Promise<void> {
    if (!this.#byNumber.has(segment.number)) {
      this.#segments.push(segment);
      this.#byNumber.set(segment.number, segment);
    }
    await this.#saveManifest();
  }

  #saveManifest(): Promise<void> {
    const save = this.#manifestQueue.then(() =>
      writeManifest(this.#disk, this.#folder, manifestOf(this.#segments, this.#nextNumber)),
    );
    this.#manifestQueue = save.catch(() => {});
    return save;
  }

  #summaryPath(segment: Segment): string {
    return `${this.#folder}/${summaryName(segment.number)}`;
  }

  #sealed(segment: Segment, summary: Buffer): void {
    // A lost summary costs a slower start, nothing else.
    this.#disk.replaceFile(this.#summaryPath(segment), summary).catch(() => {});
    this.#planCompaction();
  }

  #planCompaction(): void {
    if (this.#compacting || this.#closing) return;
    this.#compacting = true;
    this.#background = this.#compactWhileUseful().finally(() => {
      this.#compacting = false;
    });
  }

  async #compactWhileUseful(): Promise<void> {
    while (!this.#closing) {
      const run = chooseRun(this.#segments, this.#policy);
      if (run === null) return;
      if (!(await this.#compact(run[0], run[1]))) return;
      await new Promise<void>((resolve) => this.#timers.after(compactionPauseMs, resolve));
    }
  }

  async #compact(first: number, end: number): Promise<boolean> {
    const sources = this.#segments.slice(first, end);
    const number = this.#nextNumber++;
    const result = await this.#compactor.rewrite(sources, number, first === 0);
    if (result === null) return false;
    const { segment, moves } = result;
    const isEmpty = segment.recordCount === 0;
    const at = this.#segments.indexOf(sources[0]);
    const before = [...this.#segments];
    this.#segments.splice(at, sources.length, ...(isEmpty ? [] : [segment]));
    try {
      await this.#saveManifest();
    } catch (cause) {
      // The old segments still count. The head may have grown meanwhile: put back only what was replaced.
      this.#segments.splice(at, isEmpty ? 0 : 1, ...before.slice(at, at + sources.length));
      this.#log.warn('A compaction was given up; nothing is lost by it.', {
        cause: toCoterieError(cause, 'disk-failed').message,
      });
      return false;
    }
    this.#byNumber.set(number, segment);
    for (const move of moves) {
      const id = this.#index.find(move.keyspace, move.tokenHigh, move.tokenLow, move.fingerprint);
      if (id < 0) continue;
      const held = this.#index.placeOf(id);
      if (held.segment !== move.from.segment || held.offset !== move.from.offset) continue;
      this.#index.setPlace(id, { segment: number, ...move.block });
      segment.liveCount++;
    }
    if (isEmpty) await this.#retire(segment);
    for (const source of sources) await this.#retire(source);
    this.#compactionCount++;
    return true;
  }

  async #retire(segment: Segment): Promise<void> {
    this.#byNumber.delete(segment.number);
    segment.retired = true;
    this.#closeIfRetired(segment);
    try {
      await this.#disk.remove(`${this.#folder}/${segmentName(segment.number)}`);
      await this.#disk.remove(this.#summaryPath(segment));
    } catch (cause) {
      if (toCoterieError(cause, 'disk-failed').code !== 'not-found') this.#log.warn(deletesInFlightNote);
    }
  }

  #closeIfRetired(segment: Segment): void {
    if (segment.retired && segment.readers === 0) segment.file.close().catch(() => {});
  }
}

function samePlace(left: Place, right: Place): boolean {
  return left.segment === right.segment && left.offset === right.offset;
}

/** The value of `key` in a record, or in the block that the record is; null when it holds other keys only. */
function recordIn(bytes: Buffer, key: Buffer): Buffer | null {
  const head = readHead(bytes, 0)!;
  if (head.kind !== kind.block) return keyAt(bytes, 0, head).equals(key) ? valueAt(bytes, 0, head) : null;
  const records = inflateBlock(head, valueAt(bytes, 0, head));
  let found: Buffer | null = null;
  eachInBlock(records, (inner, start) => {
    if (inner.kind !== kind.put || !keyAt(records, start, inner).equals(key)) return false;
    // A copy: a slice would keep the whole block in memory.
    found = Buffer.from(valueAt(records, start, inner));
    return true;
  });
  return found;
}

function firstWithToken(bytes: Buffer, token: { high: number; low: number }): StoredRecord | null {
  const head = readHead(bytes, 0);
  if (head === null) return null;
  if (head.kind !== kind.block) return { key: keyAt(bytes, 0, head), value: valueAt(bytes, 0, head) };
  const records = inflateBlock(head, valueAt(bytes, 0, head));
  let found: StoredRecord | null = null;
  eachInBlock(records, (inner, start) => {
    if (inner.kind !== kind.put || inner.tokenHigh !== token.high || inner.tokenLow !== token.low) return false;
    found = {
      key: Buffer.from(keyAt(records, start, inner)),
      value: Buffer.from(valueAt(records, start, inner)),
    };
    return true;
  });
  return found;
}
