/** Questions and answers of nodes that compare what they hold, and that walk through keyspaces. */
import { partitionStart, slotOf, slotsPerPartition } from '../../../../core/base/token.ts';
import { offsetEnd } from '../../../../core/merkle/tree.ts';
import { decodePage, encodePage } from '../../../../core/replication/replica/dead-records.ts';
import * as exchange from '../../../../core/wire/peer/exchange-codec.ts';
import {
  decodeLeftoverQuestion,
  encodeLeftoverQuestion,
} from '../../../../core/wire/peer/layout-versions.ts';
import * as batch from '../../../../core/wire/peer/record-batch-codec.ts';
import * as walk from '../../../../core/wire/peer/walk-messages.ts';
import { recordBy } from '../../records.ts';
import { type FuzzTarget, reader, sameAgain, sameValue } from '../target.ts';

const refusals = ['bad-input'] as const;
const kinds = exchange.questionKind;
const bodyOf = (question: Buffer) => question.subarray(exchange.headBytes);
const keyIn = (partition: number): Buffer => {
  for (let number = 0; ; number++) {
    const key = Buffer.from(`key-${number}`);
    if (Math.floor(slotOf(key) / slotsPerPartition) === partition) return key;
  }
};
const key = keyIn(5);
const records = [
  { key, record: recordBy(1) },
  { key: Buffer.from('k'), record: Buffer.alloc(9) },
];

function checkOrder(numbers: readonly number[]): void {
  if (numbers.some((number, index) => index > 0 && number <= numbers[index - 1]))
    throw new Error('Out of order.');
}

const scan: walk.ScanQuestion = { keyspace: 1, partition: 5, fromPosition: partitionStart(5), countMax: 100 };
const leaves = { bits: 4, leaves: [1, 7, 15], fromOffset: 10, forgottenUntilMs: 99 };

const comparing: readonly FuzzTarget[] = [
  reader({
    ...{ name: 'comparison-head', refusals },
    seeds: [exchange.encodePartitions(kinds.roots, 1, 1, [3])],
    read: exchange.decodeHead,
    holds: sameAgain(({ head, body }) =>
      Buffer.concat([exchange.question(head.kind, head.exchange, head.keyspace, 0), body]),
    ),
  }),
  reader({
    ...{ name: 'partitions', refusals },
    seeds: [[], [3], [3, 1_023, 0]].map((list) => bodyOf(exchange.encodePartitions(kinds.roots, 1, 1, list))),
    read: exchange.decodePartitions,
    holds: sameAgain((list: number[]) => bodyOf(exchange.encodePartitions(kinds.roots, 1, 1, list))),
  }),
  reader({
    ...{ name: 'roots', refusals },
    seeds: [exchange.encodeRoots([{ bits: 4, isLost: true, keyCount: 3, high: 1, low: 2 }, null])],
    read: (bytes) => exchange.decodeRoots(bytes, 2),
    holds: sameValue(exchange.encodeRoots, (bytes) => exchange.decodeRoots(bytes, 2)),
  }),
  reader({
    ...{ name: 'nodes-request', refusals },
    seeds: [bodyOf(exchange.encodeNodeRequest(1, 1, 5, { parentBits: 2, childBits: 4, parents: [0, 1, 3] }))],
    read: exchange.decodeNodeRequest,
    holds(said, input) {
      checkOrder(said.request.parents);
      return sameAgain(() => bodyOf(exchange.encodeNodeRequest(1, 1, said.partition, said.request)))(
        said,
        input,
      );
    },
  }),
  reader({
    ...{ name: 'nodes', refusals },
    seeds: [exchange.encodeNodes(Uint32Array.of(1, 2, 3, 2 ** 32 - 1))],
    read: (bytes) => exchange.decodeNodes(bytes, 2),
    holds: sameAgain(exchange.encodeNodes),
  }),
  reader({
    ...{ name: 'leaves-request', refusals },
    seeds: [bodyOf(exchange.encodeLeafRequest(kinds.leaves, 1, 1, 5, leaves))],
    read: exchange.decodeLeafRequest,
    holds(said, input) {
      checkOrder(said.request.leaves);
      return sameAgain(() =>
        bodyOf(exchange.encodeLeafRequest(kinds.verify, 1, 1, said.partition, said.request)),
      )(said, input);
    },
  }),
  reader({
    ...{ name: 'listing', refusals },
    seeds: [
      exchange.encodeListing({
        positions: [{ offset: 12, high: 1, low: 2 }],
        nextOffset: 20,
        forgottenUntilMs: 5,
      }),
      exchange.encodeListing({ positions: [], nextOffset: offsetEnd, forgottenUntilMs: 0 }),
    ],
    read: (bytes) => exchange.decodeListing(bytes, 10),
    holds(said, input) {
      checkOrder([9, ...said.positions.map(({ offset }) => offset), said.nextOffset]);
      return sameAgain(exchange.encodeListing)(said, input);
    },
  }),
  reader({
    ...{ name: 'fetch', refusals },
    seeds: [bodyOf(batch.encodeFetch(1, 1, 5, [10, 11, offsetEnd - 1]))],
    read: batch.decodeFetch,
    holds: sameAgain(({ partition, offsets }) => bodyOf(batch.encodeFetch(1, 1, partition, offsets))),
  }),
  reader({
    ...{ name: 'fetched', refusals },
    seeds: [batch.encodeFetched(2, records)],
    read: batch.decodeFetched,
    holds: sameAgain(({ answeredCount, records: found }) => batch.encodeFetched(answeredCount, found)),
  }),
  reader({
    ...{ name: 'page-request', refusals },
    seeds: [bodyOf(batch.encodePageRequest(1, 1, { partition: 5, fromOffset: 10, bytesMax: 65_536 }))],
    read: batch.decodePageRequest,
    holds: sameAgain((request) => bodyOf(batch.encodePageRequest(1, 1, request))),
  }),
  reader({
    ...{ name: 'record-page', refusals },
    seeds: [batch.encodeRecordPage({ nextOffset: 20, records })],
    read: (bytes) => batch.decodeRecordPage(bytes, 10),
    holds(page, input) {
      checkOrder([10, page.nextOffset]);
      return sameAgain(batch.encodeRecordPage)(page, input);
    },
  }),
  reader({
    ...{ name: 'store', refusals },
    seeds: [bodyOf(batch.encodeStore(1, 1, 5, records))],
    read: batch.decodeStore,
    holds: sameAgain(({ partition, records: found }) => bodyOf(batch.encodeStore(1, 1, partition, found))),
  }),
  reader({
    ...{ name: 'refused', refusals },
    seeds: [batch.encodeRefused(3)],
    read: batch.decodeRefused,
    holds: sameAgain(batch.encodeRefused),
  }),
  reader({
    ...{ name: 'dead-records', refusals },
    seeds: [
      encodePage({
        keyspace: 1,
        partition: 5,
        from: 0,
        until: offsetEnd,
        records: [{ offset: 4, hash: 2 ** 52 + 1 }],
      }),
    ],
    read: decodePage,
    holds(page, input) {
      if (page.records.some(({ offset }) => offset < page.from || offset >= page.until)) {
        throw new Error('A record where nobody looks.');
      }
      return sameAgain(encodePage)(page, input);
    },
  }),
];

const walking: readonly FuzzTarget[] = [
  reader({
    ...{ name: 'scan-question', refusals, seeds: [walk.encodeQuestion(scan)] },
    read: walk.decodeScanQuestion,
    holds: sameValue(walk.encodeQuestion as (question: walk.ScanQuestion) => Buffer, walk.decodeScanQuestion),
  }),
  reader({
    ...{
      name: 'count-question',
      refusals,
      seeds: [walk.encodeQuestion({ keyspace: 1, partitions: [1, 2] })],
    },
    read: walk.decodeCountQuestion,
    holds: sameValue(
      walk.encodeQuestion as (question: walk.CountQuestion) => Buffer,
      walk.decodeCountQuestion,
    ),
  }),
  reader({
    ...{ name: 'flush-question', refusals, seeds: [walk.encodeQuestion({ keyspace: 1, partition: 2 })] },
    read: walk.decodeFlushQuestion,
    holds: sameValue(
      walk.encodeQuestion as (question: walk.FlushQuestion) => Buffer,
      walk.decodeFlushQuestion,
    ),
  }),
  reader({
    ...{ name: 'keys-page', refusals },
    seeds: [
      walk.encodeKeysPage({ keys: [key], nextPosition: partitionStart(5) + 9 }),
      walk.encodeKeysPage({ keys: [], nextPosition: null }),
    ],
    read: (bytes) => walk.decodeKeysPage(bytes, scan),
    holds(page) {
      checkOrder([scan.fromPosition, page.nextPosition ?? Infinity]);
      return sameValue(walk.encodeKeysPage, (bytes) => walk.decodeKeysPage(bytes, scan))(page);
    },
  }),
  reader({
    ...{ name: 'count', refusals, seeds: [walk.encodeCount(1_234), walk.encodeCount(0)] },
    read: walk.decodeCount,
    holds(count) {
      if (!Number.isSafeInteger(count) || count < 0) throw new Error('No count.');
      return undefined;
    },
  }),
  reader({
    ...{
      name: 'leftovers',
      refusals,
      seeds: [encodeLeftoverQuestion({ keyspace: 1, partitions: [4, 1_023] })],
    },
    read: decodeLeftoverQuestion,
    holds: sameAgain(encodeLeftoverQuestion),
  }),
];

export const exchangeTargets: readonly FuzzTarget[] = [...comparing, ...walking];
