/**
 * Segments: numbered files of records. One is the head and grows; the others are sealed and never change. A sealed segment
 * has a summary beside it, which holds its records without their values, so that a start reads little. Which segments count,
 * and in which order, is the manifest's to say (manifest.ts).
 */
import { crc32 } from 'node:zlib';
import { CoterieError } from '../base/errors.ts';
import type { DiskFile } from '../ports/disk.ts';

/** Of the version that is written now. */
export const segmentHeadBytes = 24;
const firstHeadBytes = 16;
export const magic = 0x434f5452;
/** 3 has records of kind `clear`, 2 had none; the rest is alike. */
const formatVersion = 3;
const coldFlag = 1;

/**
 * The places in the order of segments that one takes, from `first` to `last`: of two records of one key, the one in the
 * segment with the higher places is the newer. A head of the log has its own number; a rewritten run those of its sources.
 */
export interface Span {
  readonly first: number;
  readonly last: number;
}

export interface Segment extends Span {
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
  /** Removals, drops and clears: needed while older segments exist. */
  markerCount: number;
  /** Uncompressed bytes of the records of a cold segment. */
  rawBytes: number;
  /** Reads under way: the file is closed after the last of them. */
  readers: number;
  retired: boolean;
  /** A check failed: its good records are served, and it is not rewritten. */
  damaged: boolean;
}

export function segmentName(number: number): string {
  return `segment-${String(number).padStart(8, '0')}.log`;
}

export function summaryName(number: number): string {
  return `segment-${String(number).padStart(8, '0')}.sum`;
}

/** The number in a segment's or a summary's name; null for other files. */
export function numberIn(name: string, ending: 'log' | 'sum'): number | null {
  const found = /^segment-(\d+)\.(log|sum)$/.exec(name);
  return found !== null && found[2] === ending ? Number(found[1]) : null;
}

/**
 * Big-endian: magic, u16 version, u16 flags (1 = rewritten by compaction), u32 number, u32 first place, u32 last place,
 * CRC-32 of all that. Later versions keep the CRC where it is. The first version had number and CRC alone, in 16 bytes.
 */
export interface SegmentHead {
  readonly number: number;
  readonly cold: boolean;
  /** Null in the first version. */
  readonly span: Span | null;
  /** Where the first record begins. */
  readonly bytes: number;
}

export function segmentHead(segment: Span & { number: number; cold: boolean }): Buffer {
  const bytes = Buffer.alloc(segmentHeadBytes);
  bytes.writeUInt32BE(magic, 0);
  bytes.writeUInt16BE(formatVersion, 4);
  bytes.writeUInt16BE(segment.cold ? coldFlag : 0, 6);
  bytes.writeUInt32BE(segment.number, 8);
  bytes.writeUInt32BE(segment.first, 12);
  bytes.writeUInt32BE(segment.last, 16);
  bytes.writeUInt32BE(crc32(bytes.subarray(0, 20)), 20);
  return bytes;
}

/** Null when it is none, or damaged. Throws `unsupported` when a newer version wrote it. */
export function readSegmentHead(bytes: Buffer): SegmentHead | null {
  if (bytes.length < firstHeadBytes || bytes.readUInt32BE(0) !== magic) return null;
  const version = bytes.readUInt16BE(4);
  const crcAt = version === 1 ? firstHeadBytes - 4 : segmentHeadBytes - 4;
  if (bytes.length < crcAt + 4 || bytes.readUInt32BE(crcAt) !== crc32(bytes.subarray(0, crcAt))) return null;
  const number = bytes.readUInt32BE(8);
  if (version === 1) return { number, cold: false, span: null, bytes: firstHeadBytes };
  if (version > formatVersion) {
    throw new CoterieError(
      'unsupported',
      `A newer version of Coterie wrote this storage (segment format ${version}). Update this computer.`,
    );
  }
  const span = { first: bytes.readUInt32BE(12), last: bytes.readUInt32BE(16) };
  return { number, cold: (bytes.readUInt16BE(6) & coldFlag) !== 0, span, bytes: segmentHeadBytes };
}
