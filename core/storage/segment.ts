/**
 * Segments: numbered files of records. One is the head and grows; the others are sealed and never change. A sealed segment
 * has a summary beside it, which holds its records without their values, so that a start reads little. The manifest, one
 * small file replaced as a whole, says which segments exist and in which order; files that it does not name are leftovers
 * of a crash.
 */
import { crc32 } from 'node:zlib';
import { CoterieError } from '../base/errors.ts';
import type { Disk, DiskFile } from '../ports/disk.ts';

export const segmentHeadBytes = 16;
const magic = 0x434f5452;
const formatVersion = 1;
const manifestFile = 'manifest';
const summaryHeadBytes = 12;

export interface Segment {
  readonly number: number;
  /** Rewritten by compaction, values compressed in blocks. */
  readonly cold: boolean;
  /** Null while it is a head whose first batch is not written. */
  file: DiskFile | null;
  /** Bytes in the file. */
  size: number;
  sealed: boolean;
  recordCount: number;
  /** Records that the index still points to. */
  liveCount: number;
  /** Removals and drops: needed while older segments exist. */
  markerCount: number;
  /** Uncompressed bytes of the records of a cold segment. */
  rawBytes: number;
  /** Reads under way: the file is closed after the last of them. */
  readers: number;
  retired: boolean;
  /** A check failed: its good records are served, and it is not rewritten. */
  damaged: boolean;
}

export interface ManifestEntry {
  readonly number: number;
  readonly cold: boolean;
  readonly rawBytes: number;
}

export interface Manifest {
  readonly format: 1;
  readonly nextNumber: number;
  /** In order: of two records of one key, the one in the later segment is the newer. */
  readonly segments: readonly ManifestEntry[];
}

export function segmentName(number: number): string {
  return `segment-${String(number).padStart(8, '0')}.log`;
}

export function summaryName(number: number): string {
  return `segment-${String(number).padStart(8, '0')}.sum`;
}

export function segmentHead(number: number): Buffer {
  const bytes = Buffer.alloc(segmentHeadBytes);
  bytes.writeUInt32BE(magic, 0);
  bytes.writeUInt16BE(formatVersion, 4);
  bytes.writeUInt32BE(number, 8);
  bytes.writeUInt32BE(crc32(bytes.subarray(0, 12)), 12);
  return bytes;
}

export function isSegmentHead(bytes: Buffer): boolean {
  return (
    bytes.length >= segmentHeadBytes &&
    bytes.readUInt32BE(0) === magic &&
    bytes.readUInt16BE(4) === formatVersion &&
    bytes.readUInt32BE(12) === crc32(bytes.subarray(0, 12))
  );
}

function damagedManifest(folder: string): CoterieError {
  return new CoterieError(
    'corrupt',
    `The storage's manifest is damaged. Move the folder ${folder} aside: the node then gets its data from the others.`,
  );
}

/**
 * Null for a new folder. Checked with care: recovery deletes what the manifest does not name, so a damaged one, or one
 * that is missing beside segments, must stop the start.
 */
export async function readManifest(disk: Disk, folder: string): Promise<Manifest | null> {
  let text: string;
  try {
    text = (await disk.readFile(`${folder}/${manifestFile}`)).toString();
  } catch (error) {
    if (!(error instanceof CoterieError) || error.code !== 'not-found') throw error;
    const names = await disk.list(folder);
    if (names.some((name) => name.startsWith('segment-'))) throw damagedManifest(folder);
    return null;
  }
  const lineEnd = text.indexOf('\n');
  const body = text.slice(lineEnd + 1);
  if (lineEnd < 0 || text.slice(0, lineEnd) !== checksumLine(body)) throw damagedManifest(folder);
  const manifest = JSON.parse(body) as Manifest;
  if (manifest.format === 1) return manifest;
  throw new CoterieError('unsupported', 'A newer version wrote this storage. Update this computer.');
}

export async function writeManifest(disk: Disk, folder: string, manifest: Manifest): Promise<void> {
  const body = JSON.stringify(manifest);
  await disk.replaceFile(`${folder}/${manifestFile}`, Buffer.from(`${checksumLine(body)}\n${body}`));
}

function checksumLine(body: string): string {
  return crc32(body).toString(16).padStart(8, '0');
}

/** Gathers a segment's summary while the segment is written: for each record its place, its head and its key. */
export class SummaryBuilder {
  #bytes = Buffer.allocUnsafe(64 * 1024);
  #length = summaryHeadBytes;

  /** `length`: head and key of the record, without its value. */
  add(place: { offset: number; length: number }, record: Buffer, start: number, length: number): void {
    const needed = this.#length + 8 + length;
    if (needed > this.#bytes.length) {
      const grown = Buffer.allocUnsafe(Math.max(needed, this.#bytes.length * 2));
      this.#bytes.copy(grown, 0, 0, this.#length);
      this.#bytes = grown;
    }
    this.#bytes.writeUInt32BE(place.offset, this.#length);
    this.#bytes.writeUInt32BE(place.length, this.#length + 4);
    record.copy(this.#bytes, this.#length + 8, start, start + length);
    this.#length = needed;
  }

  finish(): Buffer {
    const bytes = this.#bytes.subarray(0, this.#length);
    bytes.writeUInt32BE(magic, 0);
    bytes.writeUInt32BE(this.#length, 4);
    bytes.writeUInt32BE(crc32(bytes.subarray(summaryHeadBytes)), 8);
    return bytes;
  }
}

/** The entries of a summary, or null when it cannot be trusted. */
export function summaryBody(bytes: Buffer): Buffer | null {
  const sound =
    bytes.length >= summaryHeadBytes &&
    bytes.readUInt32BE(0) === magic &&
    bytes.readUInt32BE(4) === bytes.length &&
    bytes.readUInt32BE(8) === crc32(bytes.subarray(summaryHeadBytes));
  return sound ? bytes.subarray(summaryHeadBytes) : null;
}
