/**
 * Compaction: rewrites a run of neighbouring sealed segments into one cold segment that holds only their live records, in
 * compressed blocks. Neighbouring, because order decides between two records of a key. Works in small units and pauses
 * between them, so that clients hardly notice. Crash-safe by the manifest alone: until it names the new segment the old
 * ones count, from then on the new one does.
 */

import { assert } from '../base/assert.ts';
import { toCoterieError } from '../base/errors.ts';
import type { Timers } from '../ports/clock.ts';
import type { Disk, DiskFile } from '../ports/disk.ts';
import type { Log } from '../ports/log.ts';
import { pause } from '../ports/pause.ts';
import { ColdWriter, type Move } from './cold-writer.ts';
import type { KeyIndex } from './key-index.ts';
import { keyAt, kind } from './record-format.ts';
import { type Segment, segmentName, summaryName } from './segment.ts';
import { type OnRecord, scanSegment } from './segment-scan.ts';

const pauseMs = 2;
/** Work between two pauses: some 0.4 ms, in which clients wait. */
const blocksPerPause = 4;
/** While more than half of the disk's bytes are dead, clients wait a little longer so that it ends. */
const urgentBlocksPerPause = 32;

export interface CompactionPolicy {
  /** A sealed segment with a larger share of dead records is rewritten. */
  readonly deadShareMax: number;
  /** Sealed segments that are not compressed: beyond this many the oldest is. */
  readonly warmSegmentCountMax: number;
  /** Neighbours smaller than this are joined. */
  readonly smallBytes: number;
  readonly smallCountMax: number;
}

export const defaultPolicy: CompactionPolicy = {
  deadShareMax: 0.5,
  warmSegmentCountMax: 4,
  smallBytes: 8 * 1024 * 1024,
  smallCountMax: 6,
};

/** Removal markers are dead weight only in the oldest segment: elsewhere they still hide records of older ones. */
function deadShare(segment: Segment, isOldest: boolean): number {
  const { recordCount, liveCount, markerCount } = segment;
  if (recordCount === 0) return 1;
  return (recordCount - liveCount - (isOldest ? 0 : markerCount)) / recordCount;
}

/**
 * The run to rewrite next, as [first, end) of `segments`; null when there is nothing to gain. Damaged segments are left
 * where they are: what is sound in them is still served.
 */
export function chooseRun(segments: readonly Segment[], policy: CompactionPolicy): [number, number] | null {
  const usable = (index: number) =>
    index < segments.length && segments[index].sealed && !segments[index].damaged;
  let warmCount = 0;
  let oldestWarm = -1;
  let deadest = -1;
  let deadestShare = policy.deadShareMax;
  for (let index = 0; index < segments.length; index++) {
    if (!usable(index)) continue;
    const share = deadShare(segments[index], index === 0);
    if (share > deadestShare) {
      deadest = index;
      deadestShare = share;
    }
    if (segments[index].cold) continue;
    if (oldestWarm < 0) oldestWarm = index;
    warmCount++;
  }
  // The one that gives back most for the least writing.
  if (deadest >= 0) return [deadest, deadest + 1];
  if (warmCount > policy.warmSegmentCountMax) return [oldestWarm, oldestWarm + 1];
  for (let first = 0; first < segments.length; first++) {
    let end = first;
    while (usable(end) && segments[end].size < policy.smallBytes) end++;
    if (end - first > policy.smallCountMax) return [first, end];
  }
  return null;
}

export interface CompactionResult {
  readonly segment: Segment;
  readonly moves: readonly Move[];
}

const placeholder = { offset: 0, length: 0 };

export class Compactor {
  readonly #disk: Disk;
  readonly #timers: Timers;
  readonly #log: Log;
  readonly #index: KeyIndex;
  readonly #folder: string;
  readonly #isStopping: () => boolean;
  readonly #onDamaged: (segment: Segment) => void;
  readonly #makeDurable: () => Promise<void>;
  readonly #isUrgent: () => boolean;

  constructor(
    components: { disk: Disk; timers: Timers; log: Log; index: KeyIndex },
    settings: {
      folder: string;
      isStopping: () => boolean;
      onDamaged: (segment: Segment) => void;
      makeDurable: () => Promise<void>;
      isUrgent: () => boolean;
    },
  ) {
    this.#isUrgent = settings.isUrgent;
    this.#isStopping = settings.isStopping;
    this.#makeDurable = settings.makeDurable;
    this.#onDamaged = settings.onDamaged;
    this.#disk = components.disk;
    this.#timers = components.timers;
    this.#log = components.log;
    this.#index = components.index;
    this.#folder = settings.folder;
  }

  /**
   * Writes the new segment under `number`, durably, and returns what moved; nothing points to it yet. `isOldest`: no
   * older segment exists, so removal markers have nothing left to hide and are dropped. Null when a source is damaged:
   * it is left alone, and reads of its good records go on.
   */
  async rewrite(
    sources: readonly Segment[],
    number: number,
    isOldest: boolean,
  ): Promise<CompactionResult | null> {
    const path = `${this.#folder}/${segmentName(number)}`;
    let file: DiskFile | null = null;
    let blockCount = 0;
    try {
      file = await this.#disk.open(path, 'create');
      const rest = async () => {
        if (this.#isStopping()) throw new Error('the node is stopping');
        blockCount++;
        if (blockCount % (this.#isUrgent() ? urgentBlocksPerPause : blocksPerPause) !== 0) return;
        await pause(this.#timers, pauseMs);
      };
      const span = { first: sources[0].first, last: sources[sources.length - 1].last };
      const output = new ColdWriter({ file, pause: rest }, { number, span });
      await output.begin();
      for (const source of sources) {
        if (await this.#copyLive(source, output, isOldest)) continue;
        this.#onDamaged(source);
        throw new Error(`${segmentName(source.number)} is damaged`);
      }
      await output.finish();
      await file.sync();
      // A record was left out because a newer one supersedes it: that one must not be lost by a crash either.
      await this.#makeDurable();
      await this.#disk.replaceFile(`${this.#folder}/${summaryName(number)}`, output.summary.finish());
      // The manifest must never name a file whose own name a power cut could take away.
      await this.#disk.syncFolder(this.#folder);
      return { segment: output.segment(), moves: output.moves };
    } catch (cause) {
      this.#log.warn('A compaction was given up; nothing is lost by it.', {
        cause: toCoterieError(cause, 'disk-failed').message,
      });
      await file?.close().catch(() => {});
      await this.#disk.remove(path).catch(() => {});
      return null;
    }
  }

  async #copyLive(source: Segment, output: ColdWriter, dropMarkers: boolean): Promise<boolean> {
    const take: OnRecord = (head, bytes, start, place) => {
      if (head.kind !== kind.put) {
        if (!dropMarkers) output.add(head, bytes, start, null);
        return;
      }
      const from = { segment: source.number, offset: place.offset };
      const id = this.#index.findAt(head, keyAt(bytes, start, head), from);
      if (id >= 0) output.add(head, bytes, start, { id, from, block: placeholder });
    };
    assert(source.file !== null, 'a sealed segment has a file');
    const outcome = await scanSegment(source.file, take, () => output.writeFullBlocks());
    await output.writeFullBlocks();
    return outcome.whole;
  }
}
