/**
 * A version set as bytes: what the storage engine keeps and what replicas exchange. All metadata comes first, so that
 * two replicas can compare histories by comparing headers, without touching values.
 *
 * Format 2, big-endian:
 *   0  u8   format (2)
 *   1  u8   0
 *   2  u16  version count
 *   4  u16  context entry count
 *   6  u48  horizon in ms (version-set.ts)
 *   then per context entry:  u32 node id, u32 epoch, u48 counter                                         (14 bytes)
 *   then per version:        u16 context entry index, u48 counter, u64 timestamp, u48 expiry in ms, u8 flags, u32 length
 *                                                                                                         (27 bytes)
 *   then the values, in the order of the versions.
 * Flags: 1 = tombstone; 2, 4, 8 and 16 are the number of the value's type. 0: a string of bytes. 1: a string of bytes with its content
 * type in front, which counts in the length: u8 length of the type, the type in ASCII.
 * Entries and versions are in ascending order, so equal sets have equal bytes.
 *
 * Format 1 had one byte for the version count and no horizon: u8 format, u8 version count, u16 context entry count, then the
 * same. It is read and never written. Whatever compares records compares the headers that format 2 has for them
 * (`headerOf`), so a set is equal to itself in either.
 */
import { assert } from '../base/assert.ts';
import { CoterieError } from '../base/errors.ts';
import {
  actorOf,
  type Context,
  compareContexts,
  type Dot,
  epochMax,
  epochOf,
  keepNewest,
  merge,
  neverMs,
  nodeIdOf,
  type Relation,
  type Version,
  type VersionSet,
} from './version-set.ts';

const format = 2;
const formatBefore = 1;
const fixedBytes = 12;
const fixedBytesBefore = 4;
const entryBytes = 14;
const versionBytes = 27;
const tombstoneFlag = 1;
/** The value's type is 1. */
const namedFlag = 0b00010;
const otherTypeBits = 0b11100;

/** Both counts have 16 bits. */
const countMax = 0xffff;

export function writeDot(bytes: Buffer, offset: number, dot: Dot): void {
  bytes.writeUInt32BE(nodeIdOf(dot.actor), offset);
  bytes.writeUInt32BE(epochOf(dot.actor), offset + 4);
  bytes.writeUIntBE(dot.counter, offset + 8, 6);
}

export function readDot(bytes: Buffer, offset: number): Dot {
  const epoch = bytes.readUInt32BE(offset + 4);
  if (epoch > epochMax) throw noEpoch();
  return { actor: actorOf(bytes.readUInt32BE(offset), epoch), counter: bytes.readUIntBE(offset + 8, 6) };
}

export const dotBytes = entryBytes;

/** Throws `too-large` for a set that no record can hold: 65,535 versions, or as many context entries. */
export function encodeRecord(set: VersionSet): Buffer {
  const { context, versions, horizonMs } = set;
  if (versions.length > countMax || context.length > countMax) {
    throw new CoterieError('too-large', 'The key has more versions than a record can hold.');
  }
  let length = fixedBytes + context.length * entryBytes + versions.length * versionBytes;
  for (const version of versions) length += storedLength(version);
  const bytes = Buffer.allocUnsafe(length);
  bytes[0] = format;
  bytes[1] = 0;
  bytes.writeUInt16BE(versions.length, 2);
  bytes.writeUInt16BE(context.length, 4);
  bytes.writeUIntBE(horizonMs, 6, 6);
  let offset = fixedBytes;
  for (const dot of context) {
    writeDot(bytes, offset, dot);
    offset += entryBytes;
  }
  let valueOffset = offset + versions.length * versionBytes;
  for (const version of versions) {
    const index = context.findIndex((dot) => dot.actor === version.actor);
    assert(index >= 0, 'a context covers its versions');
    bytes.writeUInt16BE(index, offset);
    bytes.writeUIntBE(version.counter, offset + 2, 6);
    bytes.writeUInt32BE(Math.floor(version.timestamp / 2 ** 32), offset + 8);
    bytes.writeUInt32BE(version.timestamp % 2 ** 32, offset + 12);
    bytes.writeUIntBE(version.expiresAtMs, offset + 16, 6);
    const { contentType } = version;
    const typeFlag = contentType === undefined ? 0 : namedFlag;
    bytes[offset + 22] = version.tombstone ? tombstoneFlag : typeFlag;
    bytes.writeUInt32BE(storedLength(version), offset + 23);
    offset += versionBytes;
    if (contentType !== undefined) {
      bytes[valueOffset++] = contentType.length;
      valueOffset += bytes.write(contentType, valueOffset, 'latin1');
    }
    valueOffset += version.value.copy(bytes, valueOffset);
  }
  return bytes;
}

function storedLength({ value, contentType }: Version): number {
  return value.length + (contentType === undefined ? 0 : 1 + contentType.length);
}

/** Bytes of the metadata at the front of a record, as it lies there. */
export function headerLength(record: Buffer): number {
  checkFrame(record);
  return headBytesOf(record) + entryCountOf(record) * entryBytes + versionCountOf(record) * versionBytes;
}

/** Whether the header as it lies there is the one that is compared. */
export function isLatestFormat(record: Buffer): boolean {
  return record[0] === format;
}

function headBytesOf(record: Buffer): number {
  return record[0] === format ? fixedBytes : fixedBytesBefore;
}

function versionCountOf(record: Buffer): number {
  return record[0] === format ? record.readUInt16BE(2) : record[1];
}

function entryCountOf(record: Buffer): number {
  return record.readUInt16BE(record[0] === format ? 4 : 2);
}

function horizonOf(record: Buffer, context: Context): number {
  if (record[0] === format) return record.readUIntBE(6, 6);
  // Where as many events are known as versions are held, none was ever superseded. Of what was, format 1 kept nothing.
  const events = context.reduce((sum, dot) => sum + dot.counter, 0);
  return events === versionCountOf(record) ? 0 : neverMs;
}

function checkFrame(record: Buffer): void {
  const isKnown = record[0] === formatBefore || (record[0] === format && record[1] === 0);
  if (!isKnown || record.length < headBytesOf(record)) {
    throw new CoterieError(
      'corrupt',
      'A record has an unknown format. Update this computer if others run a newer version.',
    );
  }
  const header =
    headBytesOf(record) + entryCountOf(record) * entryBytes + versionCountOf(record) * versionBytes;
  if (record.length < header) throw new CoterieError('corrupt', 'A record ends within its header.');
}

/** The metadata in format 2, whatever the record's own is; equal ones mean equal version sets. */
export function headerOf(record: Buffer): Buffer {
  const length = headerLength(record);
  if (record[0] === format) return record.subarray(0, length);
  const head = Buffer.alloc(fixedBytes);
  head[0] = format;
  head.writeUInt16BE(versionCountOf(record), 2);
  head.writeUInt16BE(entryCountOf(record), 4);
  head.writeUIntBE(horizonOf(record, decodeContext(record)), 6, 6);
  return Buffer.concat([head, record.subarray(fixedBytesBefore, length)]);
}

export function decodeContext(record: Buffer): Context {
  checkHistory(record);
  return contextOf(record);
}

/** Of a record that was checked. */
function contextOf(record: Buffer): Context {
  const start = headBytesOf(record);
  const context: Dot[] = new Array(entryCountOf(record));
  for (let index = 0; index < context.length; index++) {
    context[index] = readDot(record, start + index * entryBytes);
  }
  return context;
}

const noEpoch = () => new CoterieError('corrupt', 'A version names an epoch that cannot exist.');
const outOfOrder = () => new CoterieError('corrupt', 'A record lists its history out of order.');
const uncovered = () =>
  new CoterieError('corrupt', 'A record holds a version that its history does not cover.');
const unknownType = () =>
  new CoterieError(
    'corrupt',
    'A record holds a value of a type that this version does not know. Update this computer.',
  );
const wrongLength = () =>
  new CoterieError('corrupt', 'A record’s values do not have the length that its header says.');

const unwritable = () =>
  new CoterieError('corrupt', 'A record holds a version that nobody can have written.');

/** Above it a timestamp is not exact, and would become another one the next time it is written. */
const timestampHighMax = 2 ** 21 - 1;

function checkHistory(record: Buffer): void {
  checkFrame(record);
  const start = headBytesOf(record);
  const end = start + entryCountOf(record) * entryBytes;
  let actorBefore = -1;
  for (let offset = start; offset < end; offset += entryBytes) {
    const epoch = record.readUInt32BE(offset + 4);
    if (epoch > epochMax) throw noEpoch();
    const actor = actorOf(record.readUInt32BE(offset), epoch);
    if (actor <= actorBefore) throw outOfOrder();
    actorBefore = actor;
  }
}

/**
 * Throws `corrupt` for anything that encodeRecord cannot have written. No objects: it looks at every record that is written, and
 * one that is let through here would make every later read and merge of its key fail.
 */
function checkRecord(record: Buffer): void {
  checkHistory(record);
  const start = headBytesOf(record);
  const entryCount = entryCountOf(record);
  const end = start + entryCount * entryBytes;
  const headerEnd = end + versionCountOf(record) * versionBytes;
  let valuesEnd = headerEnd;
  let entryBefore = -1;
  let counterBefore = 0;
  for (let offset = end; offset < headerEnd; offset += versionBytes) {
    const entry = record.readUInt16BE(offset);
    const counter = record.readUIntBE(offset + 2, 6);
    if (entry >= entryCount || counter === 0) throw uncovered();
    if (counter > record.readUIntBE(start + entry * entryBytes + 8, 6)) throw uncovered();
    if (entry < entryBefore || (entry === entryBefore && counter <= counterBefore)) throw outOfOrder();
    const flags = record[offset + 22];
    if ((flags & otherTypeBits) !== 0) throw unknownType();
    if (record.readUInt32BE(offset + 8) > timestampHighMax || flags > namedFlag) throw unwritable();
    const length = record.readUInt32BE(offset + 23);
    // The type lies within its value; where that lies beyond the record is told below.
    if (flags === namedFlag && (length === 0 || record[valuesEnd] === 0 || record[valuesEnd] >= length)) {
      throw unwritable();
    }
    valuesEnd += length;
    entryBefore = entry;
    counterBefore = counter;
  }
  if (valuesEnd !== record.length) throw wrongLength();
}

/** Values are slices of `record`. Throws `corrupt` for anything that encodeRecord cannot have written. */
export function decodeRecord(record: Buffer): VersionSet {
  checkRecord(record);
  const context = contextOf(record);
  const count = versionCountOf(record);
  const versions: Version[] = new Array(count);
  let offset = headBytesOf(record) + context.length * entryBytes;
  let valueOffset = offset + count * versionBytes;
  for (let index = 0; index < count; index++) {
    const length = record.readUInt32BE(offset + 23);
    const flags = record[offset + 22];
    const typeLength = flags === namedFlag ? record[valueOffset] : 0;
    const typeEnd = flags === namedFlag ? valueOffset + 1 + typeLength : valueOffset;
    const version: Version = {
      actor: context[record.readUInt16BE(offset)].actor,
      counter: record.readUIntBE(offset + 2, 6),
      timestamp: record.readUInt32BE(offset + 8) * 2 ** 32 + record.readUInt32BE(offset + 12),
      expiresAtMs: record.readUIntBE(offset + 16, 6),
      tombstone: flags === tombstoneFlag,
      value: record.subarray(typeEnd, valueOffset + length),
    };
    versions[index] =
      typeLength === 0
        ? version
        : { ...version, contentType: record.toString('latin1', valueOffset + 1, typeEnd) };
    valueOffset += length;
    offset += versionBytes;
  }
  return { context, versions, horizonMs: horizonOf(record, context) };
}

/** Whether two records hold the same set, in whatever format. */
export function equalHeaders(left: Buffer, right: Buffer): boolean {
  if (left[0] !== right[0]) return headerOf(left).equals(headerOf(right));
  const length = headerLength(left);
  return length === headerLength(right) && left.compare(right, 0, length, 0, length) === 0;
}

/** How the history of `left` relates to that of `right`. */
export function compareRecords(left: Buffer, right: Buffer): Relation {
  return compareContexts(decodeContext(left), decodeContext(right));
}

/**
 * Joins two records. Returns one of its arguments (the same object) when that one already holds everything, so callers
 * can tell by identity whether anything must be written.
 */
export function mergeRecords(left: Buffer, right: Buffer, newestOnly: boolean): Buffer {
  if (equalHeaders(left, right)) return left;
  switch (compareRecords(left, right)) {
    case 'descendant':
      return left;
    case 'ancestor':
      return right;
    // Equal histories may still differ in what survived, once a keyspace's conflict policy was changed.
    default: {
      const merged = merge(decodeRecord(left), decodeRecord(right));
      const joined = encodeRecord(newestOnly ? keepNewest(merged) : merged);
      if (equalHeaders(joined, left)) return left;
      return equalHeaders(joined, right) ? right : joined;
    }
  }
}

/** What can be told about a record without touching its values. */
export interface RecordSummary {
  /** No version that a reader could be given. */
  readonly tombstone: boolean;
  /** When the last version expires; 0 when one never does. */
  readonly expiresAtMs: number;
  /**
   * When the last version has expired, and everything that an old copy of the key could bring back: from then on the record may
   * be forgotten without asking anybody. 0: never, because something in its history has no expiry, or it holds a tombstone.
   */
  readonly forgettableAtMs: number;
  readonly newestTimestamp: number;
}

/** Throws `corrupt` as decodeRecord does, without its cost: for bytes that come from a peer. */
export function summarise(record: Buffer): RecordSummary {
  checkRecord(record);
  const count = versionCountOf(record);
  const length = headBytesOf(record) + entryCountOf(record) * entryBytes + count * versionBytes;
  let tombstoneCount = 0;
  let expiresAtMs = 0;
  let forEver = false;
  let newestTimestamp = 0;
  for (let offset = length - count * versionBytes; offset < length; offset += versionBytes) {
    newestTimestamp = Math.max(
      newestTimestamp,
      record.readUInt32BE(offset + 8) * 2 ** 32 + record.readUInt32BE(offset + 12),
    );
    if ((record[offset + 22] & tombstoneFlag) !== 0) {
      tombstoneCount++;
      continue;
    }
    const expiry = record.readUIntBE(offset + 16, 6);
    if (expiry === 0) forEver = true;
    else if (expiry > expiresAtMs) expiresAtMs = expiry;
  }
  if (forEver) expiresAtMs = 0;
  let forgettableAtMs = 0;
  if (expiresAtMs > 0 && tombstoneCount === 0) {
    const horizonMs =
      record[0] === format ? record.readUIntBE(6, 6) : horizonOf(record, decodeContext(record));
    if (horizonMs < neverMs) forgettableAtMs = Math.max(expiresAtMs, horizonMs);
  }
  return { tombstone: tombstoneCount === count, expiresAtMs, forgettableAtMs, newestTimestamp };
}
