/**
 * Opens what a former run left: loads the index from summaries, rebuilds a summary that is missing, cuts a torn tail,
 * sets a corrupt segment aside. Ends with sealed segments only; the head begins anew.
 */
import { CoterieError } from '../base/errors.ts';
import type { Disk } from '../ports/disk.ts';
import type { Log } from '../ports/log.ts';
import type { EngineRecovery } from '../ports/storage-engine.ts';
import { fingerprintOf, type KeyIndex } from './key-index.ts';
import { headBytes, keyAt, kind, type RecordHead, readHead } from './record-format.ts';
import {
  type Manifest,
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
  const names = await disk.list(folder);
  const known = await readManifest(disk, folder);
  const manifest: Manifest = known ?? { format: 1, nextNumber: 1, segments: [] };
  const wasClean = known === null ? names.length === 0 : names.includes(cleanFile);
  if (names.includes(cleanFile)) {
    await disk.remove(`${folder}/${cleanFile}`);
    await disk.syncFolder(folder);
  }
  const named = new Set(manifest.segments.flatMap(({ number }) => [segmentName(number), summaryName(number)]));
  for (const name of names) {
    if (name.startsWith('segment-') && !named.has(name) && !name.endsWith('.quarantine')) {
      await disk.remove(`${folder}/${name}`);
    }
  }

  const segments: Segment[] = [];
  const byNumber = new Map<number, Segment>();
  const loader = loaderInto(index, byNumber);
  const quarantined: string[] = [];
  let tornBytes = 0;
  for (const [position, entry] of manifest.segments.entries()) {
    const isLast = position === manifest.segments.length - 1;
    const path = `${folder}/${segmentName(entry.number)}`;
    let segment: Segment;
    try {
      const file = await disk.open(path, 'write');
      segment = {
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
      };
    } catch (error) {
      if (!(error instanceof CoterieError) || error.code !== 'not-found') throw error;
      // The head is named before its first byte is written; a crash in between leaves the name alone.
      if (!isLast) quarantined.push(segmentName(entry.number));
      continue;
    }
    byNumber.set(entry.number, segment);
    if (await loadSummary(disk, folder, segment, loader)) {
      segments.push(segment);
      continue;
    }
    const outcome = await loadByScan(disk, folder, segment, loader);
    if (outcome.whole) {
      segments.push(segment);
      continue;
    }
    if (isLast && !entry.cold) {
      tornBytes += segment.size - outcome.soundBytes;
      log.warn('The last batch of writes was cut short by a crash; what had not been acknowledged is gone.', {
        segment: segmentName(entry.number),
        bytes: segment.size - outcome.soundBytes,
      });
      if (outcome.soundBytes <= segmentHeadBytes) {
        await segment.file.close();
        await disk.remove(path);
        continue;
      }
      await segment.file.truncate(outcome.soundBytes);
      await segment.file.sync();
      segment.size = outcome.soundBytes;
      segments.push(segment);
      continue;
    }
    quarantined.push(segmentName(entry.number));
    log.error('A damaged segment is set aside. Its keys come back from the other replicas.', {
      segment: segmentName(entry.number),
    });
    await segment.file.close();
    await disk.rename(path, `${path}.quarantine`);
    byNumber.delete(entry.number);
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

export function manifestOf(segments: readonly Segment[], nextNumber: number): Manifest {
  return {
    format: 1,
    nextNumber,
    segments: segments.map(({ number, cold, rawBytes }) => ({ number, cold, rawBytes })),
  };
}

async function loadSummary(disk: Disk, folder: string, segment: Segment, loader: Loader): Promise<boolean> {
  let body: Buffer | null;
  try {
    body = summaryBody(await disk.readFile(`${folder}/${summaryName(segment.number)}`));
  } catch {
    return false;
  }
  if (body === null) return false;
  for (let at = 0; at < body.length; ) {
    const head = readHead(body, at + 8);
    if (head === null) return false;
    const place = { offset: body.readUInt32BE(at), length: body.readUInt32BE(at + 4) };
    loader.add(segment, head, keyAt(body, at + 8, head), place);
    at += 8 + headBytes + head.keyLength;
  }
  return true;
}

async function loadByScan(
  disk: Disk,
  folder: string,
  segment: Segment,
  loader: Loader,
): Promise<{ soundBytes: number; whole: boolean }> {
  const summary = new SummaryBuilder();
  const outcome = await scanSegment(segment.file, (head, bytes, start, place) => {
    summary.add(place, bytes, start, headBytes + head.keyLength);
    loader.add(segment, head, keyAt(bytes, start, head), place);
  });
  const usable = outcome.whole || outcome.soundBytes > segmentHeadBytes;
  if (usable) await disk.replaceFile(`${folder}/${summaryName(segment.number)}`, summary.finish());
  return outcome;
}
