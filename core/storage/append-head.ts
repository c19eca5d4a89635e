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
import { type Segment, segmentHead, segmentHeadBytes, segmentName } from './segment.ts';
import { SummaryBuilder } from './summary.ts';

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
}

export interface HeadSettings {
  readonly folder: string;
  readonly segmentBytesMax: number;
  /** Bytes accepted and not yet durable; beyond it writes are refused with `busy`. */
  readonly pendingBytesMax: number;
}

/** What the head tells and asks of the set of segments (segment-set.ts). */
export interface HeadSegments {
  takeNumber(): number;
  /** A new head, before its first record. */
  begun(segment: Segment): void;
  /** Resolves when the manifest names the segment: before it gets its first byte. */
  named(segment: Segment): Promise<void>;
  /** The segment is full and durable; here is its summary. */
  sealed(segment: Segment, summary: Buffer): void;
}

const batchBytesMin = 256 * 1024;
/** A batch buffer up to this size is used again; larger ones come from a disk that stalled. */
const spareBytesMax = 4 * 1024 * 1024;
const retryAfterMs = 1_000;
/** Unsynced bytes of `interval` writes are synced at the latest after this. */
const intervalMs = 1_000;

export class AppendHead {
  readonly #disk: Disk;
  readonly #timers: Timers;
  readonly #log: Log;
  readonly #settings: HeadSettings;
  readonly #segments: HeadSegments;
  #segment: Segment;
  #summary = new SummaryBuilder();
  #gathering: Batch;
  /** On its way to the disk, or kept because the disk is full. */
  #writing: Batch | null = null;
  #flushPlanned = false;
  #pendingBytes = 0;
  #refusal: CoterieError | null = null;
  /** A sync failed: nothing is acknowledged any more by this run. */
  #isOver = false;
  #retry: Cancellable | null = null;
  #unsynced: DiskFile | null = null;
  #intervalSync: Cancellable | null = null;
  #intervalSyncing: Promise<void> = Promise.resolve();
  #spare: Buffer | null = null;
  #stopping = false;
  syncCount = 0;

  constructor(
    components: { disk: Disk; timers: Timers; log: Log; segments: HeadSegments },
    settings: HeadSettings,
  ) {
    this.#disk = components.disk;
    this.#timers = components.timers;
    this.#log = components.log;
    this.#segments = components.segments;
    this.#settings = settings;
    this.#segment = this.#newSegment();
    this.#gathering = this.#newBatch();
  }

  get segment(): Segment {
    return this.#segment;
  }

  get pendingBytes(): number {
    return this.#pendingBytes;
  }

  /** Why writes are refused now; null when they are taken. */
  get refusal(): CoterieError | null {
    if (this.#refusal !== null) return this.#refusal;
    if (this.#pendingBytes < this.#settings.pendingBytesMax) return null;
    return new CoterieError('busy', 'The disk does not keep up with the writes. Try again in a moment.');
  }

  /** Call only when `refusal` is null. Returns where the record will lie. */
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

  /** Bytes of a record that are still in memory, or null when they are on disk. Copy them before the turn ends. */
  unwritten(segment: number, offset: number, length: number): Buffer | null {
    const inGathering = bytesIn(this.#gathering, segment, offset, length);
    if (inGathering !== null || this.#writing === null) return inGathering;
    return bytesIn(this.#writing, segment, offset, length);
  }

  /** Resolves when all that was accepted before this call is durable; rejects when the disk refuses. */
  async makeDurable(): Promise<void> {
    if (this.#refusal !== null) throw this.#refusal;
    const last = this.#gathering.length > 0 ? this.#gathering : this.#writing;
    if (last !== null) {
      last.mustSync = true;
      await new Promise<void>((resolve, reject) => {
        last.dones.push((error) => (error === null ? resolve() : reject(error)));
      });
    }
    await this.#syncInterval();
    if (this.#refusal !== null) throw this.#refusal;
  }

  /** Makes everything durable and ends: nothing is tried again later. Null when the last segment holds nothing. */
  async finish(): Promise<{ segment: Segment; summary: Buffer } | null> {
    this.#stopping = true;
    this.#retry?.cancel();
    await this.makeDurable();
    const segment = this.#segment;
    if (segment.file === null) return null;
    segment.sealed = true;
    return { segment, summary: this.#summary.finish() };
  }

  #newSegment(): Segment {
    const number = this.#segments.takeNumber();
    const segment: Segment = {
      number,
      first: number,
      last: number,
      cold: false,
      file: null,
      size: segmentHeadBytes,
      sealed: false,
      recordCount: 0,
      liveCount: 0,
      markerCount: 0,
      rawBytes: 0,
      readers: 0,
      retired: false,
      damaged: false,
    };
    this.#segments.begun(segment);
    return segment;
  }

  #newBatch(): Batch {
    const bytes = this.#spare ?? Buffer.allocUnsafeSlow(batchBytesMin);
    this.#spare = null;
    return {
      segment: this.#segment,
      startOffset: this.#segment.size,
      bytes,
      length: 0,
      dones: [],
      mustSync: false,
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
      // A sealed segment is durable as a whole before the next one begins: only the last one may end torn.
      batch.mustSync = true;
      this.#segment = this.#newSegment();
      this.#summary = new SummaryBuilder();
    }
    this.#gathering = this.#newBatch();
    if (!(await this.#writeUntilDone(batch))) return;
    this.#writing = null;
    this.#pendingBytes -= batch.length;
    if (batch.bytes.length <= spareBytesMax) this.#spare = batch.bytes;
    for (const done of batch.dones) done(null);
    if (sealing !== null) {
      sealing.segment.sealed = true;
      this.#segments.sealed(sealing.segment, sealing.summary.finish());
    }
    if (this.#gathering.length > 0) this.#planFlush();
  }

  /**
   * False when the disk failed for good: a sync failed. Anything else is tried again, a full disk and a failed write alike:
   * nothing of the batch was acknowledged, so it may be written once more to the same place, over whatever is there.
   */
  async #writeUntilDone(batch: Batch): Promise<boolean> {
    for (;;) {
      try {
        await this.#write(batch);
        if (this.#refusal !== null && !this.#isOver) {
          this.#refusal = null;
          this.#log.info('The disk takes writes again; they go on.');
        }
        return true;
      } catch (cause) {
        const error = this.#isOver && this.#refusal !== null ? this.#refusal : refusalFor(cause);
        if (this.#refusal === null || this.#isOver) {
          this.#log.error('Writing to disk failed; this node refuses writes.', { cause: error.message });
        }
        this.#refusal = error;
        // The records stay readable and are written when that is possible; their writers are told now.
        const { dones } = batch;
        batch.dones = [];
        for (const done of dones) done(error);
        this.#failGathering(error);
        if (this.#isOver || this.#stopping) return false;
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
    // A failed sync of `interval` writes ends this head for what was accepted meanwhile as well.
    if (this.#isOver) throw this.#refusal;
    segment.file ??= await this.#createFile(segment);
    await segment.file.write(batch.bytes.subarray(0, batch.length), batch.startOffset);
    if (batch.mustSync) {
      await this.#sync(segment.file);
    } else {
      this.#unsynced = segment.file;
      this.#intervalSync ??= this.#timers.after(intervalMs, () => void this.#syncInterval());
    }
  }

  async #createFile(segment: Segment): Promise<DiskFile> {
    await this.#segments.named(segment);
    const { folder } = this.#settings;
    const file = await this.#createOver(`${folder}/${segmentName(segment.number)}`);
    try {
      await file.write(segmentHead(segment), 0);
      await this.#disk.syncFolder(folder);
      return file;
    } catch (cause) {
      await file.close().catch(() => {});
      throw cause;
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
    // Before it begins: a sync covers what is written by then. What is written while it runs waits for another.
    if (this.#unsynced === file) this.#unsynced = null;
    try {
      await file.sync();
    } catch (cause) {
      // Whatever the reason, the system may have dropped what it could not write: a second sync would prove nothing.
      this.#isOver = true;
      this.#refusal = new CoterieError(
        'disk-failed',
        `Writes could not be made durable (${toCoterieError(cause, 'disk-failed').message}). Check the disk, then restart this node; until then it takes no writes.`,
      );
      throw this.#refusal;
    }
    this.syncCount++;
  }

  /** One at a time, so that a caller who finds nothing left to sync has also waited for the sync under way. */
  #syncInterval(): Promise<void> {
    this.#intervalSync?.cancel();
    this.#intervalSync = null;
    this.#intervalSyncing = this.#intervalSyncing.then(async () => {
      const file = this.#unsynced;
      if (file === null) return;
      try {
        await this.#sync(file);
      } catch (cause) {
        this.#log.error('Making writes durable failed; this node refuses writes.', {
          cause: toCoterieError(cause, 'disk-failed').message,
        });
      }
    });
    return this.#intervalSyncing;
  }
}

/** For a failure that is tried again. */
function refusalFor(cause: unknown): CoterieError {
  const error = toCoterieError(cause, 'disk-failed');
  if (error.code === 'disk-full') return error;
  return new CoterieError(
    error.code === 'busy' ? 'busy' : 'disk-failed',
    `${error.message} This node refuses writes meanwhile and tries again by itself.`,
  );
}

function bytesIn(batch: Batch, segment: number, offset: number, length: number): Buffer | null {
  const start = offset - batch.startOffset;
  if (batch.segment.number !== segment || start < 0 || start + length > batch.length) return null;
  return batch.bytes.subarray(start, start + length);
}
