/**
 * Which of the files in a folder count, and in which order. Ordinarily the manifest says so, and what it does not name is
 * left over from a crash. But a disk may lose a manifest, or a person may put an old one back; a file that is then taken for
 * a leftover is lost data. So each segment's head says which places in the order it takes, and a manifest that is older
 * than the files is set right by them. Pure: recovery.ts reads and does.
 *
 * Why the heads are enough: a head of the log takes its own number as its place, and numbers only grow. A rewritten run
 * takes all the places of its sources, which are neighbours. So a finished rewrite stands for every older file whose places
 * lie within its own, and the rest follow one another.
 */
import type { Manifest, ManifestEntry } from './manifest.ts';
import { type SegmentHead, type Span, segmentHeadBytes } from './segment.ts';

export interface SegmentFile {
  readonly number: number;
  readonly size: number;
  /** Null when it is damaged, or is not this file's. */
  readonly head: SegmentHead | null;
  /** It has a sound summary that fits: it was written to its end. */
  readonly isFinished: boolean;
}

export interface Inventory {
  /** In order, oldest first. Some of them may have no file. */
  readonly entries: readonly ManifestEntry[];
  /** Files that others stand for. */
  readonly leftovers: readonly number[];
  /** Files whose place cannot be known. */
  readonly misplaced: readonly number[];
  /** False when the manifest was lost, or is older than the files: what was written may be missing here. */
  readonly isSure: boolean;
}

function covers(outer: Span, inner: Span): boolean {
  return outer.first <= inner.first && inner.last <= outer.last;
}

/** The heads of the first version did not say places. */
function isPlaced(file: SegmentFile): file is SegmentFile & { head: SegmentHead & { span: Span } } {
  return file.head !== null && file.head.span !== null;
}

export function takeInventory(manifest: Manifest | null, files: readonly SegmentFile[]): Inventory {
  if (manifest === null) return fromHeads(null, files);
  const named = new Set(manifest.segments.map(({ number }) => number));
  const present = new Set(files.map(({ number }) => number));
  const unnamed = files.filter(({ number }) => !named.has(number));
  const missing = manifest.segments.filter(({ number }) => !present.has(number));
  // A head is named before it gets its first byte, so one that a later manifest would name tells that this is an earlier one.
  const isNewer = (file: SegmentFile) =>
    isPlaced(file) &&
    (file.head.cold
      ? missing.some((entry) => covers(file.head.span, entry))
      : file.number > manifest.newestHead);
  if (unnamed.some(isNewer)) return fromHeads(manifest, files);
  const isUnknown = (file: SegmentFile) =>
    !isPlaced(file) && holdsRecords(file) && file.number >= manifest.nextNumber;
  return {
    entries: manifest.segments,
    leftovers: numbersOf(unnamed.filter((file) => !isUnknown(file))),
    misplaced: numbersOf(unnamed.filter(isUnknown)),
    isSure: true,
  };
}

/** `manifest`, if there is one, still tells the places of files whose heads do not. */
function fromHeads(manifest: Manifest | null, files: readonly SegmentFile[]): Inventory {
  const named = new Map((manifest?.segments ?? []).map((entry) => [entry.number, entry]));
  const entryOf = (file: SegmentFile): ManifestEntry | null => {
    const entry = named.get(file.number) ?? null;
    if (!isPlaced(file)) return entry;
    const { cold, span } = file.head;
    return { number: file.number, cold, rawBytes: entry?.rawBytes ?? 0, ...span };
  };
  const placed = files.flatMap((file) => entryOf(file) ?? []);
  const finished = new Set(numbersOf(files.filter(({ isFinished }) => isFinished)));
  const isIn = (outer: ManifestEntry, inner: ManifestEntry) =>
    outer.cold && inner.number < outer.number && covers(outer, inner);
  // The first source is the first to go once a rewrite counts; a rewrite whose summary is lost is known by that.
  const isUnfinished = (entry: ManifestEntry) =>
    !finished.has(entry.number) && placed.some((other) => isIn(entry, other) && other.first === entry.first);
  const lost = files.filter((file) => entryOf(file) === null);
  const leftovers = numbersOf(lost.filter((file) => !holdsRecords(file)));
  const misplaced = numbersOf(lost.filter(holdsRecords));
  const kept: ManifestEntry[] = [];
  for (const entry of placed.sort((a, b) => b.number - a.number)) {
    if (isUnfinished(entry) || kept.some((other) => isIn(other, entry))) leftovers.push(entry.number);
    else kept.push(entry);
  }
  const isMissing = (entry: ManifestEntry) =>
    !files.some(({ number }) => number === entry.number) && !kept.some((other) => covers(other, entry));
  const entries = [...kept, ...[...named.values()].filter(isMissing)];
  return { entries: entries.sort((a, b) => a.first - b.first), leftovers, misplaced, isSure: false };
}

function holdsRecords({ size }: SegmentFile): boolean {
  return size > segmentHeadBytes;
}

function numbersOf(files: readonly SegmentFile[]): number[] {
  return files.map(({ number }) => number);
}
