/** A node whose links are there while it still opens its storage: the others go on without it, and clients hear nothing of it. */
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { CoterieError } from '../../core/base/errors.ts';
import { addressOf } from '../../core/base/token.ts';
import type { CoordinatorStore } from '../../core/replication/coordinator/store.ts';
import { SimulatedCluster } from '../support/simulation/cluster.ts';

const keyCount = 60;
/** Until the others have noticed a change: less than the deadline of any request. */
const noticedMs = 400;

let cluster: SimulatedCluster;
let whenStarted: Promise<void>;
const store = (): CoordinatorStore => cluster.members[0].node!.store;

/** Two copies on three nodes: the first one has to ask others about a third of all keys. */
beforeEach(async () => {
  cluster = new SimulatedCluster(5, {
    nodeCount: 3,
    factors: { office: 2 },
    readLevel: 'ONE',
    writeLevel: 'ONE',
    conflicts: 'siblings',
    sloppy: false,
    network: { lossShare: 0, repeatShare: 0, delayMinMs: 0.2, delayMaxMs: 2, noticeMs: 100 },
    clockSkewMaxMs: 0,
    diskDelayMaxMs: 1,
  });
  await cluster.startAll();
  for (let index = 0; index < keyCount; index++) {
    await cluster.time.until(cluster.write(cluster.members[0], `key-${index}`, 'value', 'held'));
  }
  await cluster.time.advance(noticedMs);
  const second = cluster.members[1];
  cluster.crash(second);
  await cluster.time.advance(noticedMs);
  second.disk.faults.delayMaxMs = 1_000_000;
  whenStarted = cluster.start(second);
  await cluster.time.advance(noticedMs);
  second.disk.faults.delayMaxMs = 1;
  expect(second.node).toBeNull();
  expect(store().endpoints()[1]).toMatchObject({ nodeId: second.id, up: true });
});

afterEach(async () => {
  await cluster.time.until(whenStarted);
  for (const member of cluster.members) if (member.node !== null) cluster.crash(member);
});

/** What a client is told. */
async function answerOf<T>(
  ask: (done: (error: CoterieError | null, value?: T | null) => void) => void,
): Promise<T> {
  const answer = new Promise<T>((resolve, reject) =>
    ask((error, value) => (error === null ? resolve(value as T) : reject(error))),
  );
  return cluster.time.until(answer);
}

it('is not chosen for a command again once it has said that it is starting', async () => {
  const forwarded = Array.from({ length: keyCount }, (_, index) =>
    addressOf(0, Buffer.from(`key-${index}`)),
  ).filter((address) => store().coordinatorOf(address, 'read') === 2);
  expect(forwarded.length).toBeGreaterThan(0);
  const command = answerOf((done) => store().forward(2, Buffer.from('1 2 0 - -'), done));
  await expect(command).rejects.toMatchObject({ code: 'not-ready' });
  for (const address of forwarded) {
    for (const purpose of ['read', 'write', 'read-modify-write'] as const) {
      expect(store().coordinatorOf(address, purpose)).toBe(3);
    }
  }
});

it('is passed over by counting, scanning and flushing', async () => {
  expect(await answerOf<number>((done) => store().count(0, null, done))).toBe(keyCount);
  const keys = new Set<string>();
  for (let position: number | null = 0; position !== null; ) {
    const from: number = position;
    const page = await answerOf<{ keys: readonly Buffer[]; nextPosition: number | null }>((done) =>
      store().scan(0, from, 1_000, done),
    );
    for (const key of page.keys) keys.add(key.toString());
    position = page.nextPosition;
  }
  expect(keys.size).toBe(keyCount);
  await answerOf((done) => store().flush(0, done));
  expect(await answerOf<number>((done) => store().count(0, null, done))).toBe(0);
});
