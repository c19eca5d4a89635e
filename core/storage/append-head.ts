/**
 * The head of the log: takes records, writes them in batches, makes each batch durable with one sync, and only then says
 * done. While one batch is on its way to the disk the next one gathers, so the busier the node, the more writes share a
 * sync. Records that are not on disk yet can be read from here.
 */
import { CoterieError, toCoterieError } from '../base/errors.ts';
import type { Cancellable, Timers } from '../ports/clock.ts';
import type { Disk, DiskFile } from '../ports/disk.ts';
import type { Log } from '../ports/log.ts';
import { headBytes, type RecordHead, recordLength, writeRecord } from './record-format.ts';
import { type Segment, SummaryBuilder, segmentHead, segmentHeadBytes, segmentName } from './segment.ts';

type Done = (error: CoterieError | null) => void;

interface Batch {
  readonly segment: Segment;
  readonly startOffset: number;
  bytes: Buffer;
  length: number;
  /** Called when the batch is durable, or when it cannot be made so. */
  dones: Done[];
  /** False when no record in it asked for durability. */
  mustSync: boolean;
  /** First batch of a segment whose file does not exist yet. */
  isFirst: boolean;
}

export interface HeadSettings {
  readonly folder: string;
  readonly segmentBytesMax: number;
  /** Bytes accepted and not yet durable; beyond it writes are refused with `busy`. */
  readonly pendingBytesMax: number;
}

export interface HeadEvents {
  /** A segment is to be named in the manifest before it gets its first byte. */
  opening(segment: Segment): Promise<void>;
  /** The segment is full and durable; here is its summary. */
  sealed(segment: Segment, summary: Buffer): void;
}

const batchBytesMin = 256 * 1024;
const retryAfterMs = 1_000;
/** Unsynced bytes of `interval` writes are synced at the latest after this. */
const intervalMs = 1_000;

/** The file of a segment that has not been created yet. */
const noFile = null as unknown as DiskFile;

export class AppendHead {
  readonly #disk: Disk;
  readonly #timers: Timers;
  readonly #log: Log;
  readonly #settings: HeadSettings;
  readonly #events: HeadEvents;
  readonly #takeNumber: () => number;
  #segment: Segment;
  #summary = new SummaryBuilder();
  #gathering: Batch;
  /** On its way to the disk, or kept because the disk is full. */
  #writing: Batch | null = null;
  #flushPlanned = false;
  #pendingBytes = 0;
  #refusal: CoterieError | null = null;
  #retry: Cancellable | null = null;
  #unsynced: DiskFile | null = null;
  #intervalSync: Cancellable | null = null;
  #idleWaiters: (() => void)[] = [];
  syncCount = 0;

  constructor(
    components: { disk: Disk; timers: Timers; log: Log; events: HeadEvents; takeNumber: () => number },
    settings: HeadSettings,
  ) {
    this.#disk = components.disk;
    this.#timers = components.timers;
    this.#log = components.log;
    this.#events = components.events;
    this.#settings = settings;
    this.#takeNumber = components.takeNumber;
    this.#segment = this.#newSegment();
    this.#gathering = this.#newBatch(true);
  }

  get segment(): Segment {
    return this.#segment;
  }

  /** Why writes are refused now; null when they are taken. */
  get refusal(): CoterieError | null {
    if (this.#refusal !== null) return this.#refusal;
    if (this.#pendingBytes < this.#settings.pendingBytesMax) return null;
    return new CoterieError('busy', 'The disk does not keep up with the writes. Try again in a moment.');
  }

  /** Call only when `refusal` is null. Answers where the record will lie. */
  append(
    head: RecordHead,
    key: Buffer,
    value: Buffer,
    mustSync: boolean,
    done: Done,
  ): { segment: number; offset: number; length: number } {
    const length = recordLength(head);
    const batch = this.#gathering;
    if (batch.length + length > batch.bytes.length) {
      const grown = Buffer.allocUnsafeSlow(Math.max(batch.bytes.length * 2, batch.length + length));
      batch.bytes.copy(grown, 0, 0, batch.length);
      batch.bytes = grown;
    }
    const start = batch.length;
    writeRecord(batch.bytes, start, head, key, value);
    batch.length += length;
    batch.dones.push(done);
    if (mustSync) batch.mustSync = true;
    this.#pendingBytes += length;
    const { segment } = batch;
    segment.recordCount++;
    const place = { segment: segment.number, offset: batch.startOffset + start, length };
    this.#summary.add(place, batch.bytes, start, headBytes + head.keyLength);
    this.#planFlush();
    return place;
  }

  /** Bytes of a record that are still in memory, or null when they are on disk. */
  unwritten(segment: number, offset: number, length: number): Buffer | null {
    for (const batch of [this.#gathering, this.#writing]) {
      if (batch === null || batch.segment.number !== segment || offset < batch.startOffset) continue;
      const start = offset - batch.startOffset;
      if (start + length <= batch.length) return batch.bytes.subarray(start, start + length);
    }
    return null;
  }

  /** Resolves when nothing is on its way; rejects when the disk refuses. */
  async drain(): Promise<void> {
    while (this.#gathering.length > 0 || this.#writing !== null) {
      if (this.#refusal !== null) throw this.#refusal;
      await new Promise<void>((resolve) => this.#idleWaiters.push(resolve));
    }
    this.#intervalSync?.cancel();
    await this.#syncInterval();
  }

  /** Seals the present segment; call after drain. Null when it holds nothing. */
  finish(): { segment: Segment; summary: Buffer } | null {
    this.#retry?.cancel();
    const segment = this.#segment;
    if (segment.file === noFile) return null;
    segment.sealed = true;
    return { segment, summary: this.#summary.finish() };
  }

  #newSegment(): Segment {
    return {
      number: this.#takeNumber(),
      cold: false,
      file: noFile,
      size: segmentHeadBytes,
      sealed: false,
      recordCount: 0,
      liveCount: 0,
      markerCount: 0,
      rawBytes: 0,
      readers: 0,
      retired: false,
    };
  }

  #newBatch(isFirst: boolean, reuse?: Buffer): Batch {
    return {
      segment: this.#segment,
      startOffset: this.#segment.size,
      bytes: reuse ?? Buffer.allocUnsafeSlow(batchBytesMin),
      length: 0,
      dones: [],
      mustSync: false,
      isFirst,
    };
  }

  #planFlush(): void {
    if (this.#flushPlanned || this.#writing !== null) return;
    this.#flushPlanned = true;
    this.#timers.atTurnEnd(() => {
      this.#flushPlanned = false;
      if (this.#writing === null && this.#gathering.length > 0) void this.#flush();
    });
  }

  async #flush(): Promise<void> {
    const batch = this.#gathering;
    this.#writing = batch;
    this.#segment.size += batch.length;
    // Where the next batch goes is settled now, because its records are told their places before it is written.
    const full = this.#segment.size >= this.#settings.segmentBytesMax;
    const sealing = full ? { segment: this.#segment, summary: this.#summary } : null;
    if (full) {
      this.#segment = this.#newSegment();
      this.#summary = new SummaryBuilder();
    }
    this.#gathering = this.#newBatch(full);
    if (!(await this.#writeUntilDone(batch))) return;
    this.#writing = null;
    this.#pendingBytes -= batch.length;
    for (const done of batch.dones) done(null);
    if (sealing !== null) {
      if (this.#unsynced !== null) await this.#syncInterval();
      sealing.segment.sealed = true;
      this.#events.sealed(sealing.segment, sealing.summary.finish());
    }
    if (this.#gathering.length > 0) this.#planFlush();
    else this.#wakeIdle();
  }

  #wakeIdle(): void {
    const waiters = this.#idleWaiters;
    this.#idleWaiters = [];
    for (const waiter of waiters) waiter();
  }

  /** False when the disk failed for good. A full disk is tried again until it has room. */
  async #writeUntilDone(batch: Batch): Promise<boolean> {
    for (;;) {
      try {
        await this.#write(batch);
        if (this.#refusal !== null) this.#log.info('The disk has room again; writes go on.');
        this.#refusal = null;
        return true;
      } catch (cause) {
        const error = toCoterieError(cause, 'disk-failed');
        this.#refusal = error;
        // The records stay readable and are written when that is possible; their writers are told now.
        const { dones } = batch;
        batch.dones = [];
        for (const done of dones) done(error);
        this.#failGathering(error);
        this.#log.error('Writing to disk failed; this node refuses writes.', { cause: error.message });
        this.#wakeIdle();
        if (error.code !== 'disk-full') return false;
        await new Promise<void>((resolve) => {
          this.#retry = this.#timers.after(retryAfterMs, resolve);
        });
      }
    }
  }

  #failGathering(error: CoterieError): void {
    const { dones } = this.#gathering;
    this.#gathering.dones = [];
    for (const done of dones) done(error);
  }

  async #write(batch: Batch): Promise<void> {
    const { segment } = batch;
    if (batch.isFirst && segment.file === noFile) {
      await this.#events.opening(segment);
      const { folder } = this.#settings;
      const path = `${folder}/${segmentName(segment.number)}`;
      const file = await this.#createOver(path);
      await file.write(segmentHead(segment.number), 0);
      await this.#disk.syncFolder(folder);
      segment.file = file;
    }
    await segment.file.write(batch.bytes.subarray(0, batch.length), batch.startOffset);
    if (batch.mustSync) {
      await this.#sync(segment.file);
    } else {
      this.#unsynced = segment.file;
      this.#intervalSync ??= this.#timers.after(intervalMs, () => void this.#syncInterval());
    }
  }

  /** An attempt that failed half-way may have left the file behind; it holds nothing that was acknowledged. */
  async #createOver(path: string): Promise<DiskFile> {
    try {
      return await this.#disk.open(path, 'create');
    } catch (error) {
      const left = await this.#disk.open(path, 'write').catch(() => null);
      if (left === null) throw error;
      await left.truncate(0);
      return left;
    }
  }

  async #sync(file: DiskFile): Promise<void> {
    await file.sync();
    this.syncCount++;
    if (this.#unsynced === file) this.#unsynced = null;
  }

  async #syncInterval(): Promise<void> {
    this.#intervalSync = null;
    const file = this.#unsynced;
    this.#unsynced = null;
    if (file === null) return;
    try {
      await this.#sync(file);
    } catch (cause) {
      this.#refusal = toCoterieError(cause, 'disk-failed');
      this.#log.error('Making writes durable failed; this node refuses writes.', { cause: this.#refusal.message });
    }
  }
}
