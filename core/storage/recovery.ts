/**
 * Opens what a former run left: loads the index from summaries, rebuilds a summary that is missing, cuts a torn tail,
 * sets a corrupt segment aside. Never needs a person: what cannot be used is renamed, reported, and comes back from other
 * replicas. Ends with sealed segments only; the head begins anew.
 */
import { assert } from '../base/assert.ts';
import { CoterieError } from '../base/errors.ts';
import type { Disk, DiskFile } from '../ports/disk.ts';
import type { Log } from '../ports/log.ts';
import type { EngineRecovery } from '../ports/storage-engine.ts';
import { type Inventory, type SegmentFile, takeInventory } from './inventory.ts';
import type { EntryId, KeyIndex } from './key-index.ts';
import {
  type CleanMark,
  isCleanMark,
  type Manifest,
  type ManifestEntry,
  manifestOf,
  noManifest,
  readCleanMark,
  readManifest,
  writeManifest,
} from './manifest.ts';
import { headBytes, isSound, keyAt, readHead } from './record-format.ts';
import { RecordLoader } from './record-loader.ts';
import { recordsOf } from './record-lookup.ts';
import {
  numberIn,
  readSegmentHead,
  type Segment,
  segmentHeadBytes,
  segmentName,
  summaryName,
} from './segment.ts';
import { scanSegment } from './segment-scan.ts';
import { eachInSummary, readSummary, SummaryBuilder, type Survey, survey } from './summary.ts';

const quarantineSuffix = '.quarantine';

export interface Recovered {
  readonly recovery: EngineRecovery;
  /** In order, oldest first; all sealed. */
  readonly segments: Segment[];
  readonly nextNumber: number;
  readonly newestHead: number;
  readonly generation: number;
}

export async function recover(
  components: { disk: Disk; log: Log; index: KeyIndex },
  folder: string,
): Promise<Recovered> {
  const { disk, index } = components;
  await disk.makeFolder(folder);
  const known = await readManifest(disk, folder);
  const mark = await readCleanMark(disk, folder);
  const names = await disk.list(folder);
  let files = await segmentFiles(disk, folder, names);
  let inventory = takeInventory(known, files);
  if (!inventory.isSure) {
    files = await withFinished(disk, folder, files);
    inventory = takeInventory(known, files);
  }
  const recovery = new Recovery(components, folder);
  if (!inventory.isSure && files.length > 0) recovery.reportLostManifest();
  await recovery.tidy(names, inventory);
  await recovery.load(inventory.entries, mark);
  const { segments, quarantined, tornBytes } = recovery;
  const manifest = manifestAfter(known ?? noManifest, names, segments);
  const { copied } = await writeManifest(disk, folder, manifest);
  await copied;
  const wasClean =
    known === null ? names.length === 0 : mark !== null && mark.generation === known.generation;
  return {
    recovery: {
      clean: wasClean && inventory.isSure && tornBytes === 0 && quarantined.length === 0,
      tornBytes,
      quarantinedSegments: quarantined,
      recordCount: index.recordCount,
    },
    segments,
    nextNumber: manifest.nextNumber,
    newestHead: manifest.newestHead,
    generation: manifest.generation,
  };
}

/** Numbers that a file has, one set aside as well, are never given out again, whatever the manifest knew. */
function manifestAfter(known: Manifest, names: readonly string[], segments: readonly Segment[]): Manifest {
  const used = names.map((name) => Number(/^segment-(\d+)\./.exec(name)?.[1] ?? 0));
  const heads = segments.filter(({ cold }) => !cold).map(({ number }) => number);
  return manifestOf(segments, {
    generation: known.generation + 1,
    nextNumber: Math.max(known.nextNumber, ...used.map((number) => number + 1)),
    newestHead: Math.max(known.newestHead, ...heads),
  });
}

async function segmentFiles(disk: Disk, folder: string, names: readonly string[]): Promise<SegmentFile[]> {
  const files: SegmentFile[] = [];
  for (const name of names) {
    const number = numberIn(name, 'log');
    if (number === null) continue;
    const file = await disk.open(`${folder}/${name}`, 'read');
    try {
      const size = await file.size();
      const head = readSegmentHead(await file.read(0, segmentHeadBytes));
      files.push({ number, size, head: head?.number === number ? head : null, isFinished: false });
    } finally {
      await file.close();
    }
  }
  return files;
}

/** Costs a reading of every summary: only when the manifest does not say what is finished. */
async function withFinished(
  disk: Disk,
  folder: string,
  files: readonly SegmentFile[],
): Promise<SegmentFile[]> {
  const checked: SegmentFile[] = [];
  for (const file of files) {
    const summary = await readSummary(disk, folder, file);
    checked.push({ ...file, isFinished: summary?.fits === true });
  }
  return checked;
}

/** What is found, as it is found. */
class Recovery {
  readonly #disk: Disk;
  readonly #log: Log;
  readonly #index: KeyIndex;
  readonly #folder: string;
  readonly #loader: RecordLoader;
  readonly segments: Segment[] = [];
  readonly quarantined: string[] = [];
  tornBytes = 0;

  constructor(components: { disk: Disk; log: Log; index: KeyIndex }, folder: string) {
    this.#disk = components.disk;
    this.#log = components.log;
    this.#index = components.index;
    this.#folder = folder;
    this.#loader = new RecordLoader(components.index);
  }

  reportLostManifest(): void {
    this.#log.error(
      "The storage's manifest is lost or older than the files beside it. Their order was found again from the files.",
    );
  }

  /** Files of an interrupted compaction, what has no place, and the mark of the last orderly end: it holds for one start only. */
  async tidy(names: readonly string[], { entries, leftovers, misplaced }: Inventory): Promise<void> {
    const numbers = new Set(entries.map(({ number }) => number));
    const gone = new Set(leftovers.map(segmentName));
    const isLeftover = (name: string) => {
      const number = numberIn(name, 'sum');
      return isCleanMark(name) || gone.has(name) || (number !== null && !numbers.has(number));
    };
    const found = names.filter(isLeftover);
    for (const name of found) await this.#disk.remove(`${this.#folder}/${name}`);
    for (const number of misplaced) {
      await this.#setAside(segmentName(number), 'A segment whose place is unknown is set aside.');
    }
    // Numbers are given out again: an old file under a new segment's name must not come back.
    if (found.length + misplaced.length > 0) await this.#disk.syncFolder(this.#folder);
  }

  async #setAside(name: string, message: string): Promise<void> {
    const path = `${this.#folder}/${name}`;
    await this.#disk.rename(path, `${path}${quarantineSuffix}`);
    this.#reportLoss(name, message);
  }

  #reportLoss(segment: string, message: string): void {
    this.quarantined.push(segment);
    this.#log.error(`${message} Its keys come back from the other replicas.`, { segment });
  }

  async load(entries: readonly ManifestEntry[], mark: CleanMark | null): Promise<void> {
    const byNumber = this.#loader.segments;
    for (const [position, entry] of entries.entries()) {
      const name = segmentName(entry.number);
      const mayBeTorn = position === entries.length - 1 && !entry.cold;
      const segment = await openSegment(this.#disk, this.#folder, entry);
      if (segment === null) {
        // A head is named before its first byte is written; a crash in between leaves the name alone.
        if (!mayBeTorn) this.#reportLoss(name, 'A segment is missing.');
        continue;
      }
      byNumber.set(entry.number, segment);
      if (await this.#loadOne(segment, mayBeTorn)) this.segments.push(segment);
      else byNumber.delete(entry.number);
    }
    this.#compare(mark);
    if (this.quarantined.length > 0) this.#index.removeWhere((place) => !byNumber.has(place.segment));
    this.#index.trimNames();
  }

  /** After an orderly end the last segment is what it was: nothing else tells that one is missing there, or cut short. */
  #compare(mark: CleanMark | null): void {
    if (mark === null || mark.last === null) return;
    const { number, size } = mark.last;
    const name = segmentName(number);
    const found = this.segments.find((segment) => segment.number === number);
    if (this.quarantined.includes(name)) return;
    if (found === undefined) this.#reportLoss(name, 'The last segment is missing.');
    else if (found.size + this.tornBytes < size) this.#reportLoss(name, 'The last segment was cut short.');
  }

  /** From the summary, else from the segment itself: then it is cut (`mayBeTorn`) or set aside where it is not sound. */
  async #loadOne(segment: Segment, mayBeTorn: boolean): Promise<boolean> {
    const name = segmentName(segment.number);
    const path = `${this.#folder}/${name}`;
    const known = await readSummary(this.#disk, this.#folder, segment);
    if (known?.fits) {
      await this.#loadSummary(known, segment);
      return true;
    }
    const { file } = segment;
    assert(file !== null, 'an opened segment has a file');
    const summary = new SummaryBuilder();
    const outcome = await scanSegment(file, (head, bytes, start, place) => {
      summary.add(place, bytes, start, headBytes + head.keyLength);
    });
    if (!outcome.whole && (!mayBeTorn || outcome.soundBytes <= segmentHeadBytes)) {
      await file.close();
      // A head that a crash caught between its making and its first byte holds nothing: that is no damage.
      if (mayBeTorn) await this.#disk.remove(path);
      else await this.#setAside(name, 'A damaged segment is set aside.');
      return false;
    }
    if (!outcome.whole) {
      this.tornBytes += segment.size - outcome.soundBytes;
      this.#log.warn(
        'The last batch of writes was cut short by a crash; what had not been acknowledged is gone.',
        {
          segment: name,
          bytes: this.tornBytes,
        },
      );
      // Cut first: a summary that a crash leaves beside an uncut segment would hide the torn end from the next start.
      await file.truncate(outcome.soundBytes);
      await file.sync();
      segment.size = outcome.soundBytes;
    }
    // A summary is written when its segment is durable to the end: what it tells of has been there.
    if (known !== null) this.#reportLoss(name, 'A segment was cut short.');
    const bytes = summary.finish();
    await this.#loadSummary(survey(bytes, segment.size)!, segment);
    await this.#disk.replaceFile(`${this.#folder}/${summaryName(segment.number)}`, bytes);
    return true;
  }

  async #loadSummary({ body, rawBytes, twins }: Survey, segment: Segment): Promise<void> {
    if (segment.cold) segment.rawBytes = rawBytes;
    for (const head of twins) for (const id of this.#loader.watch(head)) await this.#nameEntry(id);
    eachInSummary(body, (head, place, at) => {
      this.#loader.add(segment, head, keyAt(body, at, head), place);
      return true;
    });
  }

  /** Reads the key of an entry that was loaded without it. */
  async #nameEntry(id: EntryId): Promise<void> {
    const { segment, offset, length } = this.#index.placeOf(id);
    const file = this.#loader.segments.get(segment)?.file;
    assert(file != null, 'a loaded record has a file');
    const bytes = await file.read(offset, length);
    const head = readHead(bytes, 0);
    const sound = head !== null && isSound(bytes, 0, head);
    const found = sound ? recordsOf(bytes, [this.#index.markOf(id)], this.#index.fingerprint)[0] : null;
    if (found !== null) this.#index.names.name(id, found.key);
    else {
      this.#loader.drop(id);
      this.#reportLoss(segmentName(segment), 'A record is damaged.');
    }
  }
}

async function openSegment(disk: Disk, folder: string, entry: ManifestEntry): Promise<Segment | null> {
  let file: DiskFile;
  try {
    file = await disk.open(`${folder}/${segmentName(entry.number)}`, 'write');
  } catch (error) {
    if (error instanceof CoterieError && error.code === 'not-found') return null;
    throw error;
  }
  return {
    ...entry,
    file,
    size: await file.size(),
    sealed: true,
    recordCount: 0,
    liveCount: 0,
    markerCount: 0,
    readers: 0,
    retired: false,
    damaged: false,
  };
}
