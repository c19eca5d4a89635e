/**
 * Settles the differences that a comparison found, in bounded batches: fetches what is missing or different here, merges
 * it, and sends what the peer then still lacks. Merging both ways is safe to repeat and to break off anywhere.
 */
import type { Differences } from '../merkle/comparison.ts';
import type { LocalReplica } from '../ports/local-replica.ts';
import { equalHeaders } from '../versions/record-codec.ts';
import {
  batchBytesMax,
  decodeFetched,
  decodeRefused,
  encodeFetch,
  encodeStore,
  type KeyedRecord,
  offsetsPerFetchMax,
} from '../wire/peer/record-batch-codec.ts';
import { readOffsets } from './listing.ts';
import { mergeAll } from './merging.ts';
import type { Pace } from './pace.ts';

export interface TransferFigures {
  recordsSent: number;
  recordsReceived: number;
  /** Damaged records that one side could not take. */
  recordsRefused: number;
  /** Bytes of records, values and all, in both directions. */
  valueBytes: number;
}

export function newTransferFigures(): TransferFigures {
  return { recordsSent: 0, recordsReceived: 0, recordsRefused: 0, valueBytes: 0 };
}

export interface TransferParts {
  readonly replica: LocalReplica;
  readonly pace: Pace;
  readonly figures: TransferFigures;
  readonly keyspace: number;
  readonly exchange: number;
  /** Nothing is taken from the peer: this node is no replica any more. */
  readonly isGivenOnly: boolean;
  ask(question: Buffer): Promise<Buffer>;
}

/** `different`, told apart by offset: only those need a look back after merging, to send what the peer lacks of them. */
export async function settle(parts: TransferParts, partition: number, found: Differences): Promise<void> {
  if (parts.isGivenOnly) {
    await giveAll(parts, partition, [...found.missingThere, ...found.different]);
    return;
  }
  const shared = new Set(found.different);
  const wanted = [...found.missingHere, ...found.different];
  for (let start = 0; start < wanted.length; ) {
    await parts.pace.step();
    const offsets = wanted.slice(start, start + offsetsPerFetchMax);
    start += await fetchBatch(parts, partition, offsets, shared);
  }
  await giveAll(parts, partition, found.missingThere);
}

async function giveAll(parts: TransferParts, partition: number, wanted: readonly number[]): Promise<void> {
  for (let start = 0; start < wanted.length; ) {
    await parts.pace.step();
    const offsets = wanted.slice(start, start + offsetsPerFetchMax);
    const { replica, keyspace } = parts;
    const batch = await readOffsets(replica, keyspace, partition, offsets, batchBytesMax);
    await send(parts, partition, batch.records);
    start += batch.answeredCount;
  }
}

/** Resolves once what the peer sent is durable here, and counted. */
export async function take(
  { replica, keyspace, figures }: TransferParts,
  partition: number,
  records: readonly KeyedRecord[],
): Promise<void> {
  figures.recordsReceived += records.length;
  for (const { record } of records) figures.valueBytes += record.length;
  figures.recordsRefused += await mergeAll(replica, keyspace, partition, records);
}

/** Returns how many offsets were dealt with. */
async function fetchBatch(
  parts: TransferParts,
  partition: number,
  offsets: readonly number[],
  shared: ReadonlySet<number>,
): Promise<number> {
  const { keyspace } = parts;
  const answer = await parts.ask(encodeFetch(parts.exchange, keyspace, partition, offsets));
  const { answeredCount, records } = decodeFetched(answer);
  await take(parts, partition, records);
  const answered = Math.max(1, Math.min(answeredCount, offsets.length));
  const looked = offsets.slice(0, answered).filter((offset) => shared.has(offset));
  await sendBack(parts, partition, looked, records);
  // Never in place: a peer that answers nothing would be asked for ever.
  return answered;
}

/** What is held here at some offsets after merging, and the peer, who sent `records`, does not: other keys of one position too. */
async function sendBack(
  parts: TransferParts,
  partition: number,
  offsets: readonly number[],
  records: readonly KeyedRecord[],
): Promise<void> {
  const theirs = new Map(records.map(({ key, record }) => [key.toString('latin1'), record]));
  for (let start = 0; start < offsets.length; ) {
    // A record that cannot be read is left out, and cannot be sent either; it was counted when it was merged.
    const some = offsets.slice(start);
    const held = await readOffsets(parts.replica, parts.keyspace, partition, some, batchBytesMax);
    const owed = held.records.filter(({ key, record }) => {
      const sent = theirs.get(key.toString('latin1'));
      return sent === undefined || !equalHeaders(record, sent);
    });
    await send(parts, partition, owed);
    start += held.answeredCount;
  }
}

async function send(parts: TransferParts, partition: number, records: readonly KeyedRecord[]): Promise<void> {
  if (records.length === 0) return;
  const { figures } = parts;
  const answer = await parts.ask(encodeStore(parts.exchange, parts.keyspace, partition, records));
  figures.recordsRefused += decodeRefused(answer);
  figures.recordsSent += records.length;
  for (const { record } of records) figures.valueBytes += record.length;
}
