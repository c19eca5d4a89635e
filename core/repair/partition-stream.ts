/**
 * A partition in bulk: page after page in the order of the ring, for a replica that has next to nothing of it. It needs no listing
 * to know what is missing, and the other side reads its records one after another. Broken off anywhere, what came is here; the
 * rest is found by comparison, as is all that was written meanwhile.
 */
import { partitionStart } from '../base/token.ts';
import { offsetEnd } from '../merkle/tree.ts';
import type { LocalReplica } from '../ports/local-replica.ts';
import { scanPage } from '../ports/scan-page.ts';
import {
  decodeRecordPage,
  encodePageRequest,
  type PageRequest,
  type RecordPage,
} from '../wire/peer/record-batch-codec.ts';
import { type TransferParts, take } from './record-transfer.ts';

/** Records of a page; the smaller one leaves other requests room between two pages. */
const pageBytes = 512 * 1024;
const gentlePageBytes = 64 * 1024;
/** The asked side reads no more at once, whatever it is asked for. */
const pageCountMax = 4_096;
/** What is here already is sent again: at most one key in so many. */
const heldShareMax = 16;

/** Whether to take the whole partition rather than to look for what differs. */
export function isStreamed(ownKeyCount: number, peerKeyCount: number): boolean {
  return peerKeyCount > 0 && ownKeyCount * heldShareMax <= peerKeyCount;
}

/** Resolves once all that the peer held when it was asked is durable here. `onShare` gets the share that is, 0 to 1. */
export async function takeAll(
  parts: TransferParts,
  partition: number,
  onShare: (share: number) => void,
): Promise<void> {
  const { pace, keyspace, exchange } = parts;
  onShare(0);
  for (let fromOffset = 0; fromOffset < offsetEnd; ) {
    await pace.step();
    const bytesMax = pace.givesWay ? gentlePageBytes : pageBytes;
    const answer = await parts.ask(
      encodePageRequest(exchange, keyspace, { partition, fromOffset, bytesMax }),
    );
    const { nextOffset, records } = decodeRecordPage(answer, fromOffset);
    await take(parts, partition, records);
    fromOffset = nextOffset;
    // Keys lie evenly on the ring, so the way along it is the share of them.
    onShare(fromOffset / offsetEnd);
  }
}

/** The records from an offset on until they fill a page, at least those of one position. */
export async function readPage(
  replica: LocalReplica,
  keyspace: number,
  { partition, fromOffset, bytesMax }: PageRequest,
): Promise<RecordPage> {
  const start = partitionStart(partition);
  const page = await scanPage(replica, {
    ...{ keyspace, partition, fromPosition: start + fromOffset },
    ...{ countMax: pageCountMax, bytesMax: Math.min(bytesMax, pageBytes) },
  });
  return {
    nextOffset: page.nextPosition === null ? offsetEnd : page.nextPosition - start,
    records: page.records.map(({ key, value }) => ({ key, record: value })),
  };
}
