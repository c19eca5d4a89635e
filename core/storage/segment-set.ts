/**
 * The segments that count, in order, and what happens to them: naming in the manifest, reads, damage, compaction,
 * deletion. It knows places, never values of keys.
 */

import { assert } from '../base/assert.ts';
import { CoterieError, toCoterieError } from '../base/errors.ts';
import type { Timers } from '../ports/clock.ts';
import type { Disk } from '../ports/disk.ts';
import type { Log } from '../ports/log.ts';
import { pause } from '../ports/pause.ts';
import { type CompactionPolicy, Compactor, chooseRun } from './compactor.ts';
import type { KeyIndex, Place } from './key-index.ts';
import { type CleanMark, manifestOf, writeManifest } from './manifest.ts';
import { isSound, readHead } from './record-format.ts';
import type { Recovered } from './recovery.ts';
import { type Segment, segmentName, summaryName } from './segment.ts';

export interface SegmentSetSettings {
  readonly folder: string;
  readonly policy: CompactionPolicy;
  /** Resolves when every record accepted so far is durable; rejects when that cannot be had now. */
  readonly makeDurable: () => Promise<void>;
}

const pauseMs = 250;
const givenUp = 'A compaction was given up; nothing is lost by it.';

export class SegmentSet {
  readonly #disk: Disk;
  readonly #timers: Timers;
  readonly #log: Log;
  readonly #index: KeyIndex;
  readonly #settings: SegmentSetSettings;
  readonly #compactor: Compactor;
  /** In order, oldest first; the head, once it has a file, is the last. */
  #segments: Segment[];
  readonly #byNumber = new Map<number, Segment>();
  #nextNumber: number;
  #newestHead: number;
  #generation: number;
  #manifestQueue: Promise<void> = Promise.resolve();
  #background: Promise<void> = Promise.resolve();
  #compacting = false;
  /** More than half of the disk's bytes are dead; looked at before each compaction. */
  #isUrgent = false;
  #stopping = false;
  #quarantinedCount: number;
  compactionCount = 0;

  constructor(
    components: { disk: Disk; timers: Timers; log: Log; index: KeyIndex },
    settings: SegmentSetSettings,
    recovered: Recovered,
  ) {
    this.#disk = components.disk;
    this.#timers = components.timers;
    this.#log = components.log;
    this.#index = components.index;
    this.#settings = settings;
    this.#segments = recovered.segments;
    this.#nextNumber = recovered.nextNumber;
    this.#newestHead = recovered.newestHead;
    this.#generation = recovered.generation;
    this.#quarantinedCount = recovered.recovery.quarantinedSegments.length;
    for (const segment of recovered.segments) this.#byNumber.set(segment.number, segment);
    this.#compactor = new Compactor(components, {
      folder: settings.folder,
      makeDurable: settings.makeDurable,
      isUrgent: () => this.#isUrgent,
      isStopping: () => this.#stopping,
      onDamaged: (segment) => this.#reportDamage(segment),
    });
  }

  get segments(): readonly Segment[] {
    return this.#segments;
  }

  /** Set aside at the start, or found damaged since. */
  get quarantinedCount(): number {
    return this.#quarantinedCount;
  }

  /** Bytes that no key refers to: an estimate from the share of dead records. */
  get deadBytes(): number {
    const deadOf = ({ recordCount, liveCount, size }: Segment) =>
      recordCount === 0 ? 0 : size * (1 - liveCount / recordCount);
    return Math.round(this.#segments.reduce((total, segment) => total + deadOf(segment), 0));
  }

  takeNumber(): number {
    return this.#nextNumber++;
  }

  /** A new head begins; it may hold records before it has a file. */
  begun(segment: Segment): void {
    this.#byNumber.set(segment.number, segment);
  }

  /** The manifest names a segment before it exists: a head that a crash leaves behind is then found. */
  async named(segment: Segment): Promise<void> {
    if (!this.#segments.includes(segment)) this.#segments.push(segment);
    this.#newestHead = segment.number;
    await this.#saveManifest();
  }

  sealed(segment: Segment, summary: Buffer): void {
    // A lost summary costs a slower start, nothing else.
    this.saveSummary(segment, summary).catch(() => {});
    this.planCompaction();
  }

  saveSummary(segment: Segment, summary: Buffer): Promise<void> {
    return this.#disk.replaceFile(this.#path(summaryName(segment.number)), summary);
  }

  /** A record that nothing points to any more. */
  recordDied(place: Place): void {
    const segment = this.#byNumber.get(place.segment);
    if (segment !== undefined) segment.liveCount--;
  }

  /** Keeps a segment's file open, whatever becomes of the segment, until `unpin`; null when it was set aside. */
  pin(number: number): Segment | null {
    const segment = this.#byNumber.get(number) ?? null;
    if (segment !== null) segment.readers++;
    return segment;
  }

  unpin(segment: Segment): void {
    segment.readers--;
    this.#closeIfRetired(segment);
  }

  read(place: Place): Promise<Buffer> {
    return this.readIn(this.#byNumber.get(place.segment) ?? null, place);
  }

  /** The checked bytes of a record or block; `corrupt` when they are not what was written. */
  async readIn(segment: Segment | null, place: Place): Promise<Buffer> {
    if (segment === null) throw new CoterieError('corrupt', 'The segment of this key was set aside.');
    assert(segment.file !== null, 'what has no file yet is read from memory');
    segment.readers++;
    try {
      const bytes = await segment.file.read(place.offset, place.length);
      const head = readHead(bytes, 0);
      if (head !== null && isSound(bytes, 0, head)) return bytes;
      this.#reportDamage(segment);
      throw new CoterieError('corrupt', 'The record on disk is damaged.', {
        segment: segmentName(segment.number),
      });
    } finally {
      this.unpin(segment);
    }
  }

  /** Once for each segment. Its good records are served on; compaction leaves it alone from now on. */
  #reportDamage(segment: Segment): void {
    if (segment.damaged) return;
    segment.damaged = true;
    this.#quarantinedCount++;
    this.#log.error('A segment on disk is damaged. Its damaged keys come back from other replicas.', {
      segment: segmentName(segment.number),
    });
  }

  planCompaction(): void {
    if (this.#compacting || this.#stopping) return;
    this.#compacting = true;
    this.#background = this.#compactWhileUseful()
      .catch((cause) => this.#log.warn(givenUp, { cause: toCoterieError(cause, 'disk-failed').message }))
      .finally(() => {
        this.#compacting = false;
      });
  }

  /** Runs compaction until there is nothing to gain. */
  settle(): Promise<void> {
    this.planCompaction();
    return this.#background;
  }

  /** No compaction runs or begins once this has resolved. */
  async stop(): Promise<void> {
    this.#stopping = true;
    await this.#background;
  }

  /** What the next start has to find here. */
  cleanMark(): CleanMark {
    const last = this.#segments[this.#segments.length - 1];
    return {
      generation: this.#generation,
      last: last === undefined ? null : { number: last.number, size: last.size },
    };
  }

  async close(): Promise<void> {
    await this.#manifestQueue;
    for (const segment of this.#segments) await segment.file?.close().catch(() => {});
  }

  async #compactWhileUseful(): Promise<void> {
    while (!this.#stopping) {
      const run = chooseRun(this.#segments, this.#settings.policy);
      if (run === null) return;
      const bytes = this.#segments.reduce((total, { size }) => total + size, 0);
      this.#isUrgent = this.deadBytes > bytes / 2;
      const known = this.#quarantinedCount;
      // One that turned out to be damaged is out of the next choice; anything else waits for the next occasion.
      if (!(await this.#compact(run[0], run[1])) && this.#quarantinedCount === known) return;
      if (!this.#isUrgent) await pause(this.#timers, pauseMs);
    }
  }

  async #compact(first: number, end: number): Promise<boolean> {
    const sources = this.#segments.slice(first, end);
    const number = this.takeNumber();
    const result = await this.#compactor.rewrite(sources, number, first === 0);
    if (result === null) return false;
    const { segment, moves } = result;
    const isEmpty = segment.recordCount === 0;
    const at = this.#segments.indexOf(sources[0]);
    const replacement = isEmpty ? [] : [segment];
    try {
      this.#segments.splice(at, sources.length, ...replacement);
      await this.#saveManifest();
    } catch (cause) {
      this.#log.warn(givenUp, { cause: toCoterieError(cause, 'disk-failed').message });
      // The old segments still count. The head may have grown meanwhile: put back only what was replaced. The new file
      // stays until the next start: a manifest that failed half-way may name it.
      const replaced =
        replacement.length > 0 ? this.#segments[at] === segment : !this.#segments.includes(sources[0]);
      if (replaced) this.#segments.splice(at, replacement.length, ...sources);
      await segment.file?.close().catch(() => {});
      return false;
    }
    this.#byNumber.set(number, segment);
    for (const move of moves) {
      // Places are given once: an entry that is still there is still the record's.
      if (!this.#index.isAt(move.id, move.from)) continue;
      this.#index.setPlace(move.id, { segment: number, ...move.block });
      segment.liveCount++;
    }
    if (isEmpty) await this.#retire(segment);
    for (const source of sources) await this.#retire(source);
    this.compactionCount++;
    return true;
  }

  /** Resolves when the manifest counts. Its second copy is written before the next one is. */
  #saveManifest(): Promise<void> {
    const save = this.#manifestQueue.then(() => {
      const generation = ++this.#generation;
      const counters = { generation, nextNumber: this.#nextNumber, newestHead: this.#newestHead };
      return writeManifest(this.#disk, this.#settings.folder, manifestOf(this.#segments, counters));
    });
    // A copy that could not be written is the next one's to make good: the first is sound.
    this.#manifestQueue = save.then(({ copied }) => copied).catch(() => {});
    return save.then(() => {});
  }

  async #retire(segment: Segment): Promise<void> {
    this.#byNumber.delete(segment.number);
    segment.retired = true;
    this.#closeIfRetired(segment);
    for (const name of [segmentName(segment.number), summaryName(segment.number)]) {
      await this.#disk.remove(this.#path(name)).catch((cause) => {
        if (toCoterieError(cause, 'disk-failed').code === 'not-found') return;
        this.#log.warn('A file that compaction replaced could not be removed; the next start does it.', {
          name,
        });
      });
    }
  }

  #closeIfRetired(segment: Segment): void {
    if (segment.retired && segment.readers === 0) segment.file?.close().catch(() => {});
  }

  #path(name: string): string {
    return `${this.#settings.folder}/${name}`;
  }
}
