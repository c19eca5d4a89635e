/**
 * The storage engine: index, head, hot cache, segments and compaction behind the StorageEngine port. DESIGN.md beside this
 * file explains the format and why a crash at any point loses nothing that was acknowledged.
 */
import { randomBytes } from 'node:crypto';
import { CoterieError, toCoterieError } from '../base/errors.ts';
import type { Durability } from '../base/levels.ts';
import { firstTokenHigh, type KeyAddress, partitionOf } from '../base/token.ts';
import type { Clock, Timers } from '../ports/clock.ts';
import type { Disk } from '../ports/disk.ts';
import type { Log } from '../ports/log.ts';
import type {
  DamageHandler,
  EngineRecovery,
  EngineStatistics,
  Put,
  RecordFacts,
  ScanRequest,
  ScanResult,
  StorageEngine,
} from '../ports/storage-engine.ts';
import { AppendHead } from './append-head.ts';
import { type CompactionPolicy, defaultPolicy } from './compactor.ts';
import { type Fingerprint, keyedFingerprint } from './fingerprint.ts';
import { HotCache } from './hot-cache.ts';
import { KeyIdentity } from './key-identity.ts';
import { type EntryId, KeyIndex, type Place } from './key-index.ts';
import { writeCleanMark } from './manifest.ts';
import { type PageParts, PageScan } from './page-scan.ts';
import { patientDisk } from './patient-disk.ts';
import {
  expiryTickOf,
  kind,
  putBytesMax,
  type RecordHead,
  togetherFlag,
  tombstoneFlag,
  tooLarge,
  twinFlag,
} from './record-format.ts';
import { recordsOf, valueIn } from './record-lookup.ts';
import { type Recovered, recover } from './recovery.ts';
import type { Segment } from './segment.ts';
import { SegmentSet } from './segment-set.ts';

export interface LogEngineSettings {
  readonly folder: string;
  /** Bytes of values kept in memory. More: more reads without the disk. */
  readonly hotBytesMax: number;
  /** A head of this size is sealed. Larger: fewer files; smaller: compaction in smaller steps. */
  readonly segmentBytesMax?: number;
  readonly pendingBytesMax?: number;
  /** Key and value of one record together. */
  readonly putBytesMax?: number;
  /** For tests: by default one of this store's own, drawn anew at each start. */
  readonly fingerprint?: Fingerprint;
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
  const index = new KeyIndex(settings.fingerprint ?? keyedFingerprint(randomBytes(8)));
  const patient = { ...components, disk: patientDisk(components.disk, components.timers) };
  const recovered = await recover({ ...patient, index }, settings.folder);
  return new LogEngine(patient, settings, index, recovered);
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
  readonly #pageParts: PageParts;
  readonly #identity: KeyIdentity;
  readonly #putBytesMax: number;
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
    this.#putBytesMax = settings.putBytesMax ?? putBytesMax;
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
    this.#pageParts = {
      index,
      cache: this.#cache,
      head: this.#head,
      segments: this.#segments,
      onDamaged: (id, place, { keyspace, tokenHigh }) => {
        // Nothing is written: after a restart the record is found damaged again, unless a newer one took its place.
        const forget = () => {
          if (this.#index.isAt(id, place)) this.#drop(id);
        };
        this.#onDamaged(keyspace, partitionOf(tokenHigh), forget);
      },
    };
    this.#identity = new KeyIdentity({
      index,
      cache: this.#cache,
      head: this.#head,
      segments: this.#segments,
      timers,
      drop: (id) => this.#drop(id),
    });
  }

  onDamaged(handler: DamageHandler): void {
    this.#onDamaged = handler;
  }

  get(address: KeyAddress, done: (error: CoterieError | null, value: Buffer | null) => void): void {
    const { keyspace, tokenHigh, tokenLow, key } = address;
    const id = this.#index.find(keyspace, tokenHigh, tokenLow, key);
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
    const isCurrent = () =>
      this.#index.find(keyspace, tokenHigh, tokenLow, key) === id && this.#index.isAt(id, place);
    this.#segments.read(place).then(
      (bytes) => {
        const value = valueIn(bytes, keyspace, key);
        // Only what is still current may be kept: the key may have been written meanwhile.
        if (isCurrent()) this.#keep(id, place, key, value, bytes);
        done(null, value);
      },
      (cause) => {
        // Compaction may have moved the record while it was read.
        if (isCurrent()) done(toCoterieError(cause, 'disk-failed'), null);
        else this.get(address, done);
      },
    );
  }

  sizeOf({ keyspace, tokenHigh, tokenLow }: KeyAddress): number {
    return this.#index.largestAt(keyspace, tokenHigh, tokenLow);
  }

  /** What was read of a current entry: the value in memory, and whose it is. */
  #keep(id: EntryId, place: Place, key: Buffer, value: Buffer | null, bytes: Buffer): void {
    if (value !== null) {
      this.#cache.put(id, key, value);
      this.#identity.confirm(id, key, place);
      return;
    }
    const [other] = recordsOf(bytes, [{ ...this.#index.markOf(id), denied: null }], this.#index.fingerprint);
    if (other !== null) this.#identity.learn(id, other.key);
  }

  put(
    address: KeyAddress,
    value: Buffer,
    facts: RecordFacts,
    durability: Durability,
    done: (error: CoterieError | null) => void,
  ): CoterieError | null {
    const refusal = this.#refusal(address.key.length + value.length);
    if (refusal !== null) return refusal;
    this.#put({ address, value, facts }, 0, durability, done);
    return null;
  }

  putAll(
    puts: readonly Put[],
    durability: Durability,
    done: (error: CoterieError | null) => void,
  ): CoterieError | null {
    for (const { address, value } of puts) {
      // Nothing is begun while these are looked at, so what is true of each is true of all.
      const refusal = this.#refusal(address.key.length + value.length);
      if (refusal !== null) return refusal;
    }
    if (puts.length === 0) this.#timers.atTurnEnd(() => done(null));
    const last = puts.length - 1;
    for (const [index, put] of puts.entries()) {
      // They share a batch of the head: what is told of the last one is true of all.
      if (index < last) this.#put(put, togetherFlag, durability, () => {});
      else this.#put(put, 0, durability, done);
    }
    return null;
  }

  #put(
    { address, value, facts }: Put,
    flags: number,
    durability: Durability,
    done: (error: CoterieError | null) => void,
  ): void {
    const { keyspace, tokenHigh, tokenLow, key } = address;
    const found = this.#own(address);
    const isTwin = this.#index.hasTwin;
    const head: RecordHead = {
      kind: kind.put,
      flags: flags | (facts.tombstone ? tombstoneFlag : 0) | (isTwin ? twinFlag : 0),
      keyspace,
      tokenHigh,
      tokenLow,
      expiryTick: expiryTickOf(facts.expiresAtMs),
      keyLength: key.length,
      valueLength: value.length,
    };
    const place = this.#head.append(head, key, value, durability === 'always', done);
    this.#head.segment.liveCount++;
    let id = found;
    if (id >= 0) {
      this.#segments.recordDied(this.#index.placeOf(id));
      this.#index.update(id, head, place);
    } else id = this.#index.insert(keyspace, tokenHigh, tokenLow, key, isTwin, head, place);
    this.#cache.put(id, key, value);
  }

  /** The entry that is this key's for sure; -1 for none. `hasTwin` of the index counts one that may have been. */
  #own({ keyspace, tokenHigh, tokenLow, key }: KeyAddress): EntryId {
    const id = this.#index.find(keyspace, tokenHigh, tokenLow, key);
    if (id < 0 || this.#identity.isOf(id, key)) return id;
    this.#index.hasTwin = true;
    return -1;
  }

  get refusal(): CoterieError | null {
    return this.#refusal(0);
  }

  #refusal(bytes: number): CoterieError | null {
    if (this.#closing) return new CoterieError('not-ready', 'The node is stopping.');
    if (bytes > this.#putBytesMax) return tooLarge(bytes, this.#putBytesMax);
    if (this.#identity.isFull) {
      return new CoterieError('busy', 'Too many keys wait to be compared on disk. Try again in a moment.');
    }
    return this.#head.refusal;
  }

  remove(address: KeyAddress, done: (error: CoterieError | null) => void): CoterieError | null {
    const { keyspace, tokenHigh, tokenLow, key } = address;
    if (this.#closing) return this.refusal;
    if (this.#index.find(keyspace, tokenHigh, tokenLow, key) < 0) {
      this.#timers.atTurnEnd(() => done(null));
      return null;
    }
    const refusal = this.#refusal(0);
    if (refusal !== null) return refusal;
    const id = this.#own(address);
    this.#appendMarker(kind.remove, address, this.#index.hasTwin, done);
    if (id >= 0) this.#drop(id);
    return null;
  }

  forget(address: KeyAddress): void {
    const id = this.#own(address);
    if (id >= 0) this.#drop(id);
  }

  #drop(id: EntryId): void {
    this.#gone(id, this.#index.placeOf(id));
    this.#index.remove(id);
  }

  dropKeyspace(keyspace: number, done: (error: CoterieError | null) => void): CoterieError | null {
    return this.#dropAll(kind.drop, keyspace, 0, done, (onGone) =>
      this.#index.dropKeyspace(keyspace, onGone),
    );
  }

  dropPartition(
    keyspace: number,
    partition: number,
    done: (error: CoterieError | null) => void,
  ): CoterieError | null {
    return this.#dropAll(kind.clear, keyspace, firstTokenHigh(partition), done, (onGone) =>
      this.#index.dropPartition(keyspace, partition, onGone),
    );
  }

  /** One marker in the log, and every entry that it means goes from the index. */
  #dropAll(
    markerKind: number,
    keyspace: number,
    tokenHigh: number,
    done: (error: CoterieError | null) => void,
    drop: (onGone: (id: EntryId, place: Place) => void) => void,
  ): CoterieError | null {
    const refusal = this.#refusal(0);
    if (refusal !== null) return refusal;
    this.#appendMarker(markerKind, { keyspace, tokenHigh, tokenLow: 0, key: noBytes }, false, done);
    drop((id, place) => this.#gone(id, place));
    this.#segments.planCompaction();
    return null;
  }

  #gone(id: EntryId, place: Place): void {
    this.#segments.recordDied(place);
    this.#cache.remove(id);
  }

  #appendMarker(
    markerKind: number,
    { keyspace, tokenHigh, tokenLow, key }: KeyAddress,
    isTwin: boolean,
    done: (error: CoterieError | null) => void,
  ): void {
    const head: RecordHead = {
      kind: markerKind,
      flags: isTwin ? twinFlag : 0,
      keyspace,
      tokenHigh,
      tokenLow,
      expiryTick: 0,
      keyLength: key.length,
      valueLength: 0,
    };
    this.#head.append(head, key, noBytes, true, done);
    this.#head.segment.markerCount++;
  }

  scan(request: ScanRequest, done: (error: CoterieError | null, result: ScanResult | null) => void): void {
    const page = new PageScan(this.#pageParts, request, request.deadOnly ? this.#clock.nowMs() : null);
    const { ready } = page;
    if (ready !== null) done(null, ready);
    else {
      page.read().then(
        (result) => done(null, result),
        (cause) => done(toCoterieError(cause, 'disk-failed'), null),
      );
    }
  }

  countLive(keyspace: number, partition: number): number {
    return this.#index.countLive(keyspace, partition, this.#clock.nowMs());
  }

  countRecords(keyspace: number): number {
    return this.#index.countRecords(keyspace);
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
      pendingBytes: this.#head.pendingBytes,
      syncCount: this.#head.syncCount,
      compactionCount: this.#segments.compactionCount,
      quarantinedSegmentCount: this.#segments.quarantinedCount,
    };
  }

  async settle(): Promise<void> {
    await this.#identity.settled();
    await this.#head.makeDurable();
    await this.#segments.settle();
  }

  async close(): Promise<void> {
    if (this.#closing) return;
    this.#closing = true;
    this.#identity.stop();
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
    if (orderly) await writeCleanMark(this.#disk, this.#folder, this.#segments.cleanMark());
  }
}
