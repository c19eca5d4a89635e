/**
 * The storage engine: index, head, hot cache, segments and compaction behind the StorageEngine port. DESIGN.md beside this
 * file explains the format and why a crash at any point loses nothing that was acknowledged.
 */
import { CoterieError, toCoterieError } from '../base/errors.ts';
import type { Durability } from '../base/levels.ts';
import { type KeyAddress, partitionOf } from '../base/token.ts';
import type { Clock, Timers } from '../ports/clock.ts';
import type { Disk } from '../ports/disk.ts';
import type { Log } from '../ports/log.ts';
import type {
  DamageHandler,
  EngineRecovery,
  EngineStatistics,
  RecordFacts,
  ScanRequest,
  ScanResult,
  StorageEngine,
  StoredRecord,
} from '../ports/storage-engine.ts';
import { AppendHead } from './append-head.ts';
import { type CompactionPolicy, defaultPolicy } from './compactor.ts';
import { HotCache } from './hot-cache.ts';
import { type EntryId, fingerprintOf, KeyIndex, type Place } from './key-index.ts';
import { expiryTickOf, kind, putBytesMax, type RecordHead, tombstoneFlag } from './record-format.ts';
import { type KeyMark, recordOf, valueIn } from './record-lookup.ts';
import { cleanFile, type Recovered, recover } from './recovery.ts';
import type { Segment } from './segment.ts';
import { SegmentSet } from './segment-set.ts';

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
  readonly #index: KeyIndex;
  readonly #cache: HotCache;
  readonly #segments: SegmentSet;
  readonly #head: AppendHead;
  #closing = false;
  #onDamaged: DamageHandler = () => {};

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
    this.#index = index;
    this.recovery = recovered.recovery;
    this.#cache = new HotCache(settings.hotBytesMax);
    this.#segments = new SegmentSet(
      { disk, timers, log, index },
      { folder, policy: settings.policy ?? defaultPolicy, makeDurable: () => this.#head.makeDurable() },
      recovered,
    );
    this.#head = new AppendHead(
      { disk, timers, log, segments: this.#segments },
      {
        folder,
        segmentBytesMax: settings.segmentBytesMax ?? 64 * 1024 * 1024,
        pendingBytesMax: settings.pendingBytesMax ?? 256 * 1024 * 1024,
      },
    );
  }

  onDamaged(handler: DamageHandler): void {
    this.#onDamaged = handler;
  }

  get(address: KeyAddress, done: (error: CoterieError | null, value: Buffer | null) => void): void {
    const { keyspace, tokenHigh, tokenLow, key } = address;
    const fingerprint = fingerprintOf(key);
    const id = this.#index.find(keyspace, tokenHigh, tokenLow, fingerprint);
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
      const found = valueIn(pending, keyspace, key);
      done(null, found === null ? null : Buffer.from(found));
      return;
    }
    const isCurrent = () => {
      const now = this.#index.find(keyspace, tokenHigh, tokenLow, fingerprint);
      return now === id && samePlace(this.#index.placeOf(id), place);
    };
    this.#segments.read(place).then(
      (bytes) => {
        const value = valueIn(bytes, keyspace, key);
        // Only what is still current may be kept: the key may have been written meanwhile.
        if (value !== null && isCurrent()) this.#cache.put(id, key, value);
        done(null, value);
      },
      (cause) => {
        // Compaction may have moved the record while it was read.
        if (isCurrent()) done(toCoterieError(cause, 'disk-failed'), null);
        else this.get(address, done);
      },
    );
  }

  put(
    address: KeyAddress,
    value: Buffer,
    facts: RecordFacts,
    durability: Durability,
    done: (error: CoterieError | null) => void,
  ): CoterieError | null {
    const { keyspace, tokenHigh, tokenLow, key } = address;
    const refusal = this.#refusal(key.length + value.length);
    if (refusal !== null) return refusal;
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
      this.#segments.recordDied(this.#index.placeOf(id));
      this.#index.update(id, head, place);
    } else id = this.#index.insert(keyspace, tokenHigh, tokenLow, fingerprint, head, place);
    this.#cache.put(id, key, value);
    return null;
  }

  get refusal(): CoterieError | null {
    return this.#refusal(0);
  }

  #refusal(bytes: number): CoterieError | null {
    if (this.#closing) return new CoterieError('not-ready', 'The node is stopping.');
    if (bytes > putBytesMax) {
      return new CoterieError(
        'too-large',
        `Key and value have ${bytes} bytes; at most ${putBytesMax} are stored.`,
      );
    }
    return this.#head.refusal;
  }

  remove(address: KeyAddress, done: (error: CoterieError | null) => void): CoterieError | null {
    const { keyspace, tokenHigh, tokenLow, key } = address;
    if (this.#index.find(keyspace, tokenHigh, tokenLow, fingerprintOf(key)) < 0) {
      this.#timers.atTurnEnd(() => done(null));
      return null;
    }
    const refusal = this.#appendMarker(kind.remove, address, done);
    if (refusal === null) this.forget(address);
    return refusal;
  }

  forget({ keyspace, tokenHigh, tokenLow, key }: KeyAddress): void {
    const id = this.#index.find(keyspace, tokenHigh, tokenLow, fingerprintOf(key));
    if (id < 0) return;
    this.#segments.recordDied(this.#index.placeOf(id));
    this.#cache.remove(id);
    this.#index.remove(id);
  }

  dropKeyspace(keyspace: number, done: (error: CoterieError | null) => void): CoterieError | null {
    const address = { keyspace, tokenHigh: 0, tokenLow: 0, key: noBytes };
    const refusal = this.#appendMarker(kind.drop, address, done);
    if (refusal !== null) return refusal;
    this.#index.dropKeyspace(keyspace, (id, place) => {
      this.#segments.recordDied(place);
      this.#cache.remove(id);
    });
    this.#segments.planCompaction();
    return null;
  }

  #appendMarker(
    markerKind: number,
    address: KeyAddress,
    done: (error: CoterieError | null) => void,
  ): CoterieError | null {
    const refusal = this.#refusal(0);
    if (refusal !== null) return refusal;
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
    return null;
  }

  scan(request: ScanRequest, done: (error: CoterieError | null, result: ScanResult | null) => void): void {
    const { keyspace, partition, fromPosition, countMax } = request;
    const deadAtMs = request.deadOnly ? this.#clock.nowMs() : null;
    const expiredOnly = request.deadOnly === 'expired';
    const { entries, next } = this.#index.walk(
      keyspace,
      partition,
      fromPosition,
      countMax,
      deadAtMs,
      expiredOnly,
    );
    const records: (StoredRecord | null)[] = new Array(entries.length).fill(null);
    const reads: Promise<void>[] = [];
    entries.forEach((id, position) => {
      const hot = this.#cache.peek(id);
      if (hot !== null) {
        records[position] = { key: hot.key, value: hot.value };
        return;
      }
      const read = this.#readRecord(id, this.#index.placeOf(id), { keyspace, ...this.#index.markOf(id) });
      reads.push(
        read.then((record) => {
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

  /**
   * A record whose key is not known yet. Null when it is damaged: a scan that failed there would keep repair from
   * everything behind it, and repair is what brings the record back.
   */
  async #readRecord(id: EntryId, place: Place, mark: KeyMark): Promise<StoredRecord | null> {
    const pending = this.#head.unwritten(place.segment, place.offset, place.length);
    if (pending !== null) return recordOf(Buffer.from(pending), mark);
    try {
      return recordOf(await this.#segments.read(place), mark);
    } catch (cause) {
      if (!(cause instanceof CoterieError) || cause.code !== 'corrupt') throw cause;
      this.#onDamaged(mark.keyspace, partitionOf(mark.tokenHigh), () => this.#forget(id, place, mark));
      return null;
    }
  }

  /** Nothing is written: after a restart the record is found damaged again, unless a newer one took its place. */
  #forget(id: EntryId, place: Place, { keyspace, tokenHigh, tokenLow, fingerprint }: KeyMark): void {
    const now = this.#index.find(keyspace, tokenHigh, tokenLow, fingerprint);
    if (now !== id || !samePlace(this.#index.placeOf(id), place)) return;
    this.#segments.recordDied(place);
    this.#cache.remove(id);
    this.#index.remove(id);
  }

  countLive(keyspace: number, partition: number): number {
    return this.#index.countLive(keyspace, partition, this.#clock.nowMs());
  }

  statistics(): EngineStatistics {
    const all = this.#segments.segments;
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
      deadBytes: this.#segments.deadBytes,
      syncCount: this.#head.syncCount,
      compactionCount: this.#segments.compactionCount,
      quarantinedSegmentCount: this.#segments.quarantinedCount,
    };
  }

  async settle(): Promise<void> {
    await this.#head.makeDurable();
    await this.#segments.settle();
  }

  async close(): Promise<void> {
    if (this.#closing) return;
    this.#closing = true;
    await this.#segments.stop();
    let orderly = true;
    try {
      const last = await this.#head.finish();
      if (last !== null) await this.#segments.saveSummary(last.segment, last.summary);
    } catch (cause) {
      orderly = false;
      this.#log.error('The storage could not be closed in order.', {
        cause: toCoterieError(cause, 'disk-failed').message,
      });
    }
    await this.#segments.close();
    if (orderly) await this.#disk.replaceFile(`${this.#folder}/${cleanFile}`, noBytes);
  }
}

function samePlace(left: Place, right: Place): boolean {
  return left.segment === right.segment && left.offset === right.offset;
}
