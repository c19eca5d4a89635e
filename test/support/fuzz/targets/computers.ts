/** What computers of a cluster say to each other. */
import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { CoterieError } from '../../../../core/base/errors.ts';
import { productVersion } from '../../../../core/base/version.ts';
import {
  computerNews,
  remoteCall,
  remoteRepair,
  repairFigures,
  toldKeys,
} from '../../../../core/host/computers/messages.ts';
import { RepairExchange } from '../../../../core/host/repairs/repair-exchange.ts';
import { recordIn, type SharedRecord } from '../../../../core/host/repairs/shared-records.ts';
import { historyOf, withTracker } from '../../../../core/layout/history.ts';
import type { Layout } from '../../../../core/layout/layout.ts';
import { decodeLayout, encodeLayout } from '../../../../core/layout/layout-document.ts';
import { answerIn } from '../../../../core/platform/computer-calls.ts';
import { closedRules, openRules } from '../../../../core/security/access.ts';
import { mergeAccess } from '../../../../core/security/access-merge.ts';
import { firstKeys, markOf, withEpoch } from '../../../../core/security/key-epochs.ts';
import { decodeNews, encodeNews } from '../../../../core/wire/peer/layout-messages.ts';
import { layoutOf } from '../../layouts.ts';
import { VirtualTime } from '../../virtual-time.ts';
import { json, message } from '../json-target.ts';
import { type FuzzTarget, reader, sameValue } from '../target.ts';
import { access, authority, place } from './samples.ts';

const layout = layoutOf({ here: 3 });
const history = withTracker(historyOf([{ layout, digest: 'd' }]), 1, {
  ...{ turn: 2, key: 'k', heard: 1, ack: 1, sync: 1, syncAck: 1 },
});
const status = {
  ...{
    state: 'up',
    sinceMs: 1,
    pid: 2,
    clientPort: 7_379,
    peerPort: 7_400,
    networkPort: null,
    restartCount: 0,
    restartAtMs: null,
  },
  ...{ problem: null, lastLogLines: ['line'], figures: null, peersDown: [] },
};
const news = {
  ...{
    computers: ['c1'],
    version: productVersion,
    port: 7_421,
    host: null,
    clientHosts: ['10.0.0.1'],
    places: [place],
  },
  nodes: [
    {
      id: 1,
      status,
      members: [{ id: 2, state: 'alive', incarnation: 1, sinceMs: 1, suspectedBy: null, confirmedBy: [] }],
      layouts: {
        ...{ version: 1, live: [1], lacking: 0, open: [3], receivedBytes: 0 },
        moving: [{ keyspace: 0, partition: 3, peer: 2, share: 0.5, bytes: 10, tookMs: 4 }],
      },
    },
  ],
  ...{
    layout: { version: 1, digest: 'd' },
    requests: [],
    access,
    keys: { number: 0, digest: '' },
    repairs: { digest: 'd', nowMs: 1 },
  },
  applied: [{ version: 2, by: 'anna', changes: ['node-1 was added'] }],
};
const job = {
  ...{
    id: 'job-0001',
    keyspace: 'default',
    dataCenters: [],
    firstPartition: 0,
    lastPartition: 3,
    dryRun: false,
    parallelism: 1,
    intensity: 'normal',
  },
  ...{
    by: 'person',
    state: 'running',
    createdAtMs: 1,
    startedAtMs: 1,
    ...{ endedAtMs: null, waitingFor: null, segmentsPerMinute: null, etaMs: null },
    ...{ keysDiffering: 0, recordsSent: 0, valueBytes: 0, treeBytes: 0 },
    scheduleId: null,
    askedBy: 'anna',
    askedOn: 'c1',
    runsOn: 'c1',
    mark: { epoch: 1, version: 1, runner: 'c1' },
  },
  segments: [{ firstPartition: 0, lastPartition: 3, state: 'open', differences: 0, reason: '', attempts: 0 }],
};
const removal = { kind: 'removal', format: 1, removal: { id: 's1', keyspace: 'default', removedAtMs: 1 } };
const records = [removal, { kind: 'job', format: 1, job }];

function exchangeOf(learn: (record: SharedRecord) => void): RepairExchange {
  const time = new VirtualTime();
  const log = { info() {}, warn() {}, error() {} };
  return new RepairExchange({
    clock: time,
    log,
    peers: () => [],
    records: () => [removal as unknown as SharedRecord],
    learn,
  });
}

const keys = firstKeys(Buffer.alloc(32, 7), authority, 1);

export const computerTargets: readonly FuzzTarget[] = [
  message('computer-news', computerNews, [news], (told) => {
    for (const own of [openRules, closedRules, computerNews.parse(news).access]) {
      const one = mergeAccess(own, told.access);
      if (JSON.stringify(mergeAccess(told.access, own)) !== JSON.stringify(one))
        throw new Error('Two computers make different rules of it.');
    }
  }),
  message(
    'told-keys',
    toldKeys,
    [
      {
        current: { number: 1, secret: '08'.repeat(32), authority, madeAtMs: 5 },
        knownTo: ['k1', 'k2'],
        isUsed: true,
      },
    ],
    ({ current, knownTo }) => {
      const held = withEpoch(keys, current, knownTo, 'alone');
      if (held !== null && withEpoch(held, keys.current, [], 'alone') !== null)
        throw new Error('Two epochs are each the later one.');
      markOf(current);
    },
  ),
  message('remote-call', remoteCall, [{ method: 'nodes.stop', input: { name: 'node-1' }, by: 'anna' }]),
  message('remote-repair', remoteRepair, [
    { nodeId: 1, work: { keyspace: 1, partitions: [1, 2], replicas: [1, 2], dryRun: false } },
  ]),
  message('repair-figures', repairFigures, [
    { keysDiffering: 1, recordsSent: 2, valueBytes: 3, treeBytes: 4 },
  ]),
  reader({
    ...{ name: 'repair-question', refusals: ['bad-input'] },
    seeds: [
      json({
        known: [{ name: 'schedule s1', stamp: { final: 0, epoch: 1, rank: 0, writer: '', version: 1 } }],
      }),
      json({ known: [] }),
    ],
    read: (bytes) => exchangeOf(() => {}).answer(bytes),
    holds: ({ records: told }) => `${told.length}`,
  }),
  reader({
    ...{ name: 'repair-records', seeds: [json({ records })] },
    async read(bytes) {
      const learnt: SharedRecord[] = [];
      await exchangeOf((record) => learnt.push(record)).heard('key', 'other', async () => bytes);
      return learnt;
    },
    holds(learnt) {
      if (learnt.some((record) => recordIn(record) === null))
        throw new Error('Told on, it would be refused.');
      return `${learnt.map(({ kind }) => kind).join()}`;
    },
  }),
  reader({
    ...{ name: 'repair-record', seeds: records.map(json), refusals: ['bad-input'] },
    read(bytes) {
      let value: unknown;
      try {
        value = JSON.parse(bytes.toString());
      } catch {
        throw new CoterieError('bad-input', 'no JSON');
      }
      return recordIn(value);
    },
    holds: (record) => record?.kind ?? 'none',
  }),
  reader({
    ...{
      name: 'layout-news',
      refusals: ['bad-input'],
      seeds: [encodeNews(history, []), encodeNews(history, history.live)],
    },
    words: ['"newest"', '"live"', '"trackers"', '"layouts"', '"digest"', '[1,"d"]'],
    read: (bytes) => decodeNews(bytes, [{ layout, digest: 'known' }]),
    holds: ({ trackers, layouts }) => `${trackers.size > 0} ${layouts.length}`,
  }),
  reader({
    ...{
      name: 'layout-document',
      refusals: ['corrupt', 'unsupported'],
      seeds: [encodeLayout(layout)],
      words: ['"format":1', '"format":2'],
    },
    read: (bytes) => decodeLayout(bytes.toString()),
    holds: sameValue(
      (value: Layout) => Buffer.from(encodeLayout(value)),
      (bytes) => decodeLayout(bytes.toString()),
    ),
  }),
  reader({
    name: 'computer-refusal',
    seeds: [
      json({ error: { code: 'busy', message: 'Later.' } }),
      json({ error: { code: 'nonsense', message: 5 } }),
    ],
    read(bytes) {
      const response = Object.assign(Readable.from([bytes], { objectMode: true }), { statusCode: 400 });
      return answerIn(response as unknown as IncomingMessage).catch((cause: unknown) => cause);
    },
    holds(cause) {
      if (!(cause instanceof CoterieError) || cause.message.length > 2_000) throw cause;
      return cause.code.slice(0, 4);
    },
  }),
];
