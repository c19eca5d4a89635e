/**
 * Opens what a former run left: loads the index from summaries, rebuilds a summary that is missing, cuts a torn tail,
 * sets a corrupt segment aside. Ends with sealed segments only; the head begins anew.
 */
import { assert } from '../base/assert.ts';
import { CoterieError } from '../base/errors.ts';
import type { Disk, DiskFile } from '../ports/disk.ts';
import type { Log } from '../ports/log.ts';
import type { EngineRecovery } from '../ports/storage-engine.ts';
import { fingerprintOf, type KeyIndex } from './key-index.ts';
import { headBytes, keyAt, kind, type RecordHead, readHead } from './record-format.ts';
import {
  type Manifest,
  type ManifestEntry,
  readManifest,
  type Segment,
  SummaryBuilder,
  segmentHeadBytes,
  segmentName,
  summaryBody,
  summaryName,
  writeManifest,
} from './segment.ts';
import { scanSegment } from './segment-scan.ts';

export const cleanFile = 'clean';
const quarantineSuffix = '.quarantine';

export interface Recovered {
  readonly recovery: EngineRecovery;
  /** In order, oldest first; all sealed. */
  readonly segments: Segment[];
  readonly nextNumber: number;
}

interface Loader {
  add(segment: Segment, head: RecordHead, key: Buffer, place: { offset: number; length: number }): void;
}

/** Applies records in order: the last one of a key wins. */
function loaderInto(index: KeyIndex, segments: Map<number, Segment>): Loader {
  const gone = (number: number) => {
    const segment = segments.get(number);
    if (segment !== undefined) segment.liveCount--;
  };
  return {
    add(segment, head, key, place) {
      segment.recordCount++;
      if (head.kind !== kind.put) segment.markerCount++;
      if (head.kind === kind.drop) {
        index.dropKeyspace(head.keyspace, (_, old) => gone(old.segment));
        return;
      }
      const fingerprint = fingerprintOf(key);
      const id = index.find(head.keyspace, head.tokenHigh, head.tokenLow, fingerprint);
      if (id >= 0) gone(index.placeOf(id).segment);
      if (head.kind === kind.remove) {
        if (id >= 0) index.remove(id);
        return;
      }
      segment.liveCount++;
      const where = { segment: segment.number, ...place };
      if (id >= 0) index.update(id, head, where);
      else index.insert(head.keyspace, head.tokenHigh, head.tokenLow, fingerprint, head, where);
    },
  };
}

export async function recover(
  components: { disk: Disk; log: Log; index: KeyIndex },
  folder: string,
): Promise<Recovered> {
  const { disk, log, index } = components;
  await disk.makeFolder(folder);
  const known = await readManifest(disk, folder);
  const names = await disk.list(folder);
  const manifest: Manifest = known ?? { format: 1, nextNumber: 1, segments: [] };
  const wasClean = known === null ? names.length === 0 : names.includes(cleanFile);
  await removeLeftovers(disk, folder, names, manifest);

  const segments: Segment[] = [];
  const byNumber = new Map<number, Segment>();
  const loader = loaderInto(index, byNumber);
  const quarantined: string[] = [];
  let tornBytes = 0;
  for (const [position, entry] of manifest.segments.entries()) {
    const name = segmentName(entry.number);
    const mayBeTorn = position === manifest.segments.length - 1 && !entry.cold;
    const segment = await openSegment(disk, folder, entry);
    if (segment === null) {
      // The head is named before its first byte is written; a crash in between leaves the name alone.
      if (!mayBeTorn) quarantined.push(name);
      continue;
    }
    byNumber.set(entry.number, segment);
    const outcome = await load(disk, folder, segment, loader, mayBeTorn);
    if (outcome.kept) segments.push(segment);
    tornBytes += outcome.tornBytes;
    if (outcome.tornBytes > 0) {
      log.warn('The last batch of writes was cut short by a crash; what had not been acknowledged is gone.', {
        segment: name,
        bytes: outcome.tornBytes,
      });
    }
    if (outcome.kept) continue;
    byNumber.delete(entry.number);
    // A head that a crash caught between its making and its first byte holds nothing: that is no damage.
    if (!mayBeTorn) {
      quarantined.push(name);
      log.error('A damaged segment is set aside. Its keys come back from the other replicas.', {
        segment: name,
      });
    }
  }
  if (quarantined.length > 0) index.removeWhere((place) => !byNumber.has(place.segment));
  await writeManifest(disk, folder, manifestOf(segments, manifest.nextNumber));
  return {
    recovery: {
      clean: wasClean && tornBytes === 0 && quarantined.length === 0,
      tornBytes,
      quarantinedSegments: quarantined,
      recordCount: index.recordCount,
    },
    segments,
    nextNumber: manifest.nextNumber,
  };
}

/** Files of an interrupted compaction, and the mark of the last orderly end: it holds for one start only. */
async function removeLeftovers(
  disk: Disk,
  folder: string,
  names: readonly string[],
  manifest: Manifest,
): Promise<void> {
  const named = new Set(
    manifest.segments.flatMap(({ number }) => [segmentName(number), summaryName(number)]),
  );
  const isLeftover = (name: string) =>
    name === cleanFile ||
    (name.startsWith('segment-') && !named.has(name) && !name.endsWith(quarantineSuffix));
  const leftovers = names.filter(isLeftover);
  for (const name of leftovers) await disk.remove(`${folder}/${name}`);
  // Numbers are given out again: an old file under a new segment's name must not come back.
  if (leftovers.length > 0) await disk.syncFolder(folder);
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
    number: entry.number,
    cold: entry.cold,
    file,
    size: await file.size(),
    sealed: true,
    recordCount: 0,
    liveCount: 0,
    markerCount: 0,
    rawBytes: entry.rawBytes,
    readers: 0,
    retired: false,
    damaged: false,
  };
}

/** From the summary, else from the segment itself: then it is cut (`mayBeTorn`) or set aside where it is not sound. */
async function load(
  disk: Disk,
  folder: string,
  segment: Segment,
  loader: Loader,
  mayBeTorn: boolean,
): Promise<{ kept: boolean; tornBytes: number }> {
  const kept = { kept: true, tornBytes: 0 };
  if (await loadSummary(disk, folder, segment, loader)) return kept;
  const { file } = segment;
  assert(file !== null, 'an opened segment has a file');
  const path = `${folder}/${segmentName(segment.number)}`;
  const summary = new SummaryBuilder();
  const outcome = await scanSegment(file, (head, bytes, start, place) => {
    summary.add(place, bytes, start, headBytes + head.keyLength);
    loader.add(segment, head, keyAt(bytes, start, head), place);
  });
  const tornBytes = segment.size - outcome.soundBytes;
  if (!outcome.whole && (!mayBeTorn || outcome.soundBytes <= segmentHeadBytes)) {
    await file.close();
    if (mayBeTorn) await disk.remove(path);
    else await disk.rename(path, `${path}${quarantineSuffix}`);
    return { kept: false, tornBytes: mayBeTorn ? tornBytes : 0 };
  }
  if (!outcome.whole) {
    // Cut first: a summary that a crash leaves beside an uncut segment would hide the torn end from the next start.
    await file.truncate(outcome.soundBytes);
    await file.sync();
    segment.size = outcome.soundBytes;
  }
  await disk.replaceFile(`${folder}/${summaryName(segment.number)}`, summary.finish());
  return { kept: true, tornBytes: outcome.whole ? 0 : tornBytes };
}

export function manifestOf(segments: readonly Segment[], nextNumber: number): Manifest {
  return {
    format: 1,
    nextNumber,
    segments: segments.map(({ number, cold, rawBytes }) => ({ number, cold, rawBytes })),
  };
}

/** False, and nothing loaded, when the summary is missing, damaged, or tells of more than the segment holds. */
async function loadSummary(disk: Disk, folder: string, segment: Segment, loader: Loader): Promise<boolean> {
  let bytes: Buffer;
  try {
    bytes = await disk.readFile(`${folder}/${summaryName(segment.number)}`);
  } catch {
    return false;
  }
  const body = summaryBody(bytes);
  if (body === null) return false;
  const fits = eachInSummary(body, (_, place) => place.offset + place.length <= segment.size);
  if (!fits) return false;
  return eachInSummary(body, (head, place, at) => {
    loader.add(segment, head, keyAt(body, at, head), place);
    return true;
  });
}

/** False as soon as `onEntry` says so, or when something is no entry. */
function eachInSummary(
  body: Buffer,
  onEntry: (head: RecordHead, place: { offset: number; length: number }, at: number) => boolean,
): boolean {
  for (let at = 0; at < body.length; ) {
    const head = readHead(body, at + 8);
    if (head === null) return false;
    if (!onEntry(head, { offset: body.readUInt32BE(at), length: body.readUInt32BE(at + 4) }, at + 8))
      return false;
    at += 8 + headBytes + head.keyLength;
  }
  return true;
}
