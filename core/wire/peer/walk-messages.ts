/**
 * What nodes ask of each other while a whole keyspace is walked, and the answers, as bytes. Requests are JSON. Everything
 * that is read here comes from another process: it is checked, and `bad-input` when it cannot be meant.
 *
 *   scan   {keyspace, partition, fromPosition, countMax}   → next position as a text line (empty: the partition is done),
 *                                                            then each key behind its u32 length
 *   count  {keyspace, partitions}                          → decimal digits
 *   flush  {keyspace, partition}                           → empty
 */
import { CoterieError } from '../../base/errors.ts';
import { partitionCount, partitionStart, slotOf, slotsPerPartition } from '../../base/token.ts';

export interface ScanQuestion {
  readonly keyspace: number;
  readonly partition: number;
  /** A ring position within the partition. */
  readonly fromPosition: number;
  readonly countMax: number;
}

export interface CountQuestion {
  readonly keyspace: number;
  readonly partitions: readonly number[];
}

export interface FlushQuestion {
  readonly keyspace: number;
  readonly partition: number;
}

export interface KeysPage {
  readonly keys: readonly Buffer[];
  /** Null: nothing is left of the partition. */
  readonly nextPosition: number | null;
}

const lineEnd = 0x0a;
const keyspaceMax = 0xffff;
const positionDigitsMax = 17;
const countPattern = /^[0-9]{1,15}$/;

function notUnderstood(what: string): CoterieError {
  return new CoterieError(
    'bad-input',
    `Another node's ${what} was not understood. Do all nodes run the same version?`,
  );
}

function isWhole(value: unknown, min: number, max: number): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max;
}

function isPartition(value: unknown): value is number {
  return isWhole(value, 0, partitionCount - 1);
}

export function encodeQuestion(question: ScanQuestion | CountQuestion | FlushQuestion): Buffer {
  return Buffer.from(JSON.stringify(question));
}

function parseQuestion(payload: Buffer): Record<string, unknown> {
  let question: unknown;
  try {
    question = JSON.parse(payload.toString());
  } catch {
    throw notUnderstood('question');
  }
  if (typeof question !== 'object' || question === null) throw notUnderstood('question');
  const fields = question as Record<string, unknown>;
  if (!isWhole(fields.keyspace, 0, keyspaceMax)) throw notUnderstood('question');
  return fields;
}

export function decodeScanQuestion(payload: Buffer): ScanQuestion {
  const { keyspace, partition, fromPosition, countMax } = parseQuestion(payload);
  if (
    !isPartition(partition) ||
    !isWhole(fromPosition, partitionStart(partition), partitionStart(partition + 1) - 1) ||
    !isWhole(countMax, 1, Number.MAX_SAFE_INTEGER)
  ) {
    throw notUnderstood('question');
  }
  return { keyspace: keyspace as number, partition, fromPosition, countMax };
}

export function decodeCountQuestion(payload: Buffer): CountQuestion {
  const { keyspace, partitions } = parseQuestion(payload);
  if (!Array.isArray(partitions) || partitions.length > partitionCount || !partitions.every(isPartition)) {
    throw notUnderstood('question');
  }
  return { keyspace: keyspace as number, partitions };
}

export function decodeFlushQuestion(payload: Buffer): FlushQuestion {
  const { keyspace, partition } = parseQuestion(payload);
  if (!isPartition(partition)) throw notUnderstood('question');
  return { keyspace: keyspace as number, partition };
}

export function encodeKeysPage(page: KeysPage): Buffer {
  const parts: Buffer[] = [Buffer.from(`${page.nextPosition ?? ''}\n`)];
  for (const key of page.keys) {
    const length = Buffer.allocUnsafe(4);
    length.writeUInt32BE(key.length);
    parts.push(length, key);
  }
  return Buffer.concat(parts);
}

/** The page must lead on from where it was asked for, or the walk would never end, and keep to its partition. */
export function decodeKeysPage(body: Buffer, asked: ScanQuestion): KeysPage {
  const end = body.indexOf(lineEnd);
  if (end < 0 || end > positionDigitsMax) throw notUnderstood('page of keys');
  const text = body.toString('latin1', 0, end);
  const nextPosition = text === '' ? null : Number(text);
  if (
    nextPosition !== null &&
    !isWhole(nextPosition, asked.fromPosition + 1, partitionStart(asked.partition + 1))
  ) {
    throw notUnderstood('page of keys');
  }
  const keys: Buffer[] = [];
  for (let offset = end + 1; offset < body.length; ) {
    const keyStart = offset + 4;
    if (keyStart > body.length) throw notUnderstood('page of keys');
    offset = keyStart + body.readUInt32BE(offset);
    if (offset > body.length) throw notUnderstood('page of keys');
    const key = body.subarray(keyStart, offset);
    if (Math.floor(slotOf(key) / slotsPerPartition) !== asked.partition) throw notUnderstood('page of keys');
    keys.push(key);
  }
  return { keys, nextPosition };
}

export function encodeCount(count: number): Buffer {
  return Buffer.from(String(count));
}

export function decodeCount(body: Buffer): number {
  const text = body.toString('latin1');
  if (!countPattern.test(text)) throw notUnderstood('count of keys');
  return Number(text);
}
