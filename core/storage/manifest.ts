/**
 * The manifest: one small file, replaced as a whole, that says which segments count and in which order. It is kept twice,
 * because a single flipped bit must not cost a folder; each copy has a checksum and a generation, and the newest sound one
 * counts. When neither is sound, or the files tell that it is older than they are, the segments' own heads give the order
 * (inventory.ts).
 */
import { crc32 } from 'node:zlib';
import { CoterieError, toCoterieError } from '../base/errors.ts';
import type { Disk } from '../ports/disk.ts';
import type { Segment, Span } from './segment.ts';

const manifestFile = 'manifest';
const copyFile = 'manifest.copy';
const format = 2;

export interface ManifestEntry extends Span {
  readonly number: number;
  readonly cold: boolean;
  readonly rawBytes: number;
}

export interface Manifest {
  readonly format: typeof format;
  /** One more each time that it is written. */
  readonly generation: number;
  readonly nextNumber: number;
  /** Of the newest head of the log that was named: an earlier one that is not named any more was retired. */
  readonly newestHead: number;
  /** In order: of two records of one key, the one in the later segment is the newer. */
  readonly segments: readonly ManifestEntry[];
}

export const noManifest: Manifest = { format, generation: 0, nextNumber: 1, newestHead: 0, segments: [] };

export function manifestOf(
  segments: readonly Segment[],
  counters: { generation: number; nextNumber: number; newestHead: number },
): Manifest {
  const entries = segments.map(({ number, cold, rawBytes, first, last }) => ({
    number,
    cold,
    rawBytes,
    first,
    last,
  }));
  return { format, ...counters, segments: entries };
}

/** The first version had no spans: the places in the list do as well. */
interface FirstManifest {
  readonly format: 1;
  readonly nextNumber: number;
  readonly segments: readonly { number: number; cold: boolean; rawBytes: number }[];
}

function fromFirst({ nextNumber, segments }: FirstManifest): Manifest {
  const entries = segments.map((entry, at) => ({ ...entry, first: at + 1, last: at + 1 }));
  return { format, generation: 0, nextNumber, newestHead: nextNumber - 1, segments: entries };
}

/** The newest sound copy; null when there is none. Throws `unsupported` when a newer version wrote it. */
export async function readManifest(disk: Disk, folder: string): Promise<Manifest | null> {
  let newest: Manifest | null = null;
  let failure: CoterieError | null = null;
  for (const file of [manifestFile, copyFile]) {
    try {
      const found = parsed((await disk.readFile(`${folder}/${file}`)).toString());
      if (found !== null && (newest === null || found.generation > newest.generation)) newest = found;
    } catch (cause) {
      const error = toCoterieError(cause, 'disk-failed');
      if (error.code === 'unsupported') throw error;
      if (error.code !== 'not-found') failure = error;
    }
  }
  // What could not be read may be there: only what is missing or damaged is given up.
  if (newest === null && failure !== null) throw failure;
  return newest;
}

function parsed(text: string): Manifest | null {
  const lineEnd = text.indexOf('\n');
  const body = text.slice(lineEnd + 1);
  if (lineEnd < 0 || text.slice(0, lineEnd) !== checksumLine(body)) return null;
  const found = JSON.parse(body) as Manifest | FirstManifest;
  if (found.format === 1) return fromFirst(found);
  if (found.format === format) return found;
  throw new CoterieError(
    'unsupported',
    `A newer version of Coterie wrote this storage (manifest format ${String((found as Manifest).format)}). Update this computer.`,
  );
}

/** Resolves when it counts. The second copy follows by itself: `copied` resolves, or rejects, with it. */
export async function writeManifest(
  disk: Disk,
  folder: string,
  manifest: Manifest,
): Promise<{ copied: Promise<void> }> {
  const body = JSON.stringify(manifest);
  const bytes = Buffer.from(`${checksumLine(body)}\n${body}`);
  await disk.replaceFile(`${folder}/${manifestFile}`, bytes);
  return { copied: disk.replaceFile(`${folder}/${copyFile}`, bytes) };
}

const cleanFile = 'clean';

/** What the last orderly end left: the next start finds the same, or something is lost. */
export interface CleanMark {
  readonly generation: number;
  readonly last: { readonly number: number; readonly size: number } | null;
}

export function isCleanMark(name: string): boolean {
  return name === cleanFile;
}

export async function writeCleanMark(disk: Disk, folder: string, mark: CleanMark): Promise<void> {
  const body = JSON.stringify(mark);
  await disk.replaceFile(`${folder}/${cleanFile}`, Buffer.from(`${checksumLine(body)}\n${body}`));
}

/** Null when the last end was not an orderly one, or when its mark is damaged. */
export async function readCleanMark(disk: Disk, folder: string): Promise<CleanMark | null> {
  try {
    const text = (await disk.readFile(`${folder}/${cleanFile}`)).toString();
    const lineEnd = text.indexOf('\n');
    const body = text.slice(lineEnd + 1);
    return text.slice(0, lineEnd) === checksumLine(body) ? (JSON.parse(body) as CleanMark) : null;
  } catch {
    return null;
  }
}

function checksumLine(body: string): string {
  return crc32(body).toString(16).padStart(8, '0');
}
