/**
 * Scenarios that once went wrong elsewhere, rebuilt by the names they have in Riak's own system tests (riak_test), on real
 * nodes in virtual time.
 */
import { afterEach, describe, expect, it } from 'vitest';
import { addressOf } from '../../core/base/token.ts';
import { SimulatedCluster } from '../support/simulation/cluster.ts';

let cluster: SimulatedCluster;

async function start(nodeCount = 3, antiEntropyTickMs = 0): Promise<void> {
  cluster = new SimulatedCluster(7, {
    readLevel: 'QUORUM',
    writeLevel: 'QUORUM',
    conflicts: 'siblings',
    sloppy: true,
    nodeCount,
    network: { lossShare: 0, repeatShare: 0, delayMinMs: 0.2, delayMaxMs: 2, noticeMs: 100 },
    clockSkewMaxMs: 0,
    diskDelayMaxMs: 1,
    antiEntropyTickMs,
  });
  await cluster.startAll();
}

afterEach(() => {
  for (const member of cluster.members) if (member.node !== null) cluster.crash(member);
});

const patiently = <T>(promise: Promise<T>) => cluster.time.until(cluster.within(promise, 4_000));
const write = (index: number, key: string, value: string, basis: 'held' | 'quorum' | { context: string }) =>
  patiently(cluster.write(cluster.members[index], key, value, basis));
const read = (index: number, key: string) => patiently(cluster.read(cluster.members[index], key));

/** A write whose answer's context is kept, as a client does. */
function writeWith(index: number, key: string, value: string, context: string): Promise<string> {
  const { store } = cluster.members[index].node!;
  return patiently(
    new Promise<string>((resolve, reject) => {
      store.write(
        addressOf(0, Buffer.from(key)),
        { basis: { context } },
        () => ({ kind: 'put', value: Buffer.from(value), expiresAtMs: 0 }),
        (error, result) => (error === null ? resolve(result!.context()) : reject(error)),
      );
    }),
  );
}

describe('sibling_explosion', () => {
  it('two clients interleave 99 writes, each with the context of its own last answer: two siblings', async () => {
    await start();
    const contexts = ['', ''];
    for (let turn = 0; turn < 99; turn++) {
      const client = turn % 2;
      contexts[client] = await writeWith(turn % 3, 'key', `client-${client} turn-${turn}`, contexts[client]);
    }
    expect((await read(0, 'key')).sort()).toEqual(['client-0 turn-98', 'client-1 turn-97']);
  });
});

describe('kv679', () => {
  it('a replica that lost its data does not reuse its history: new writes are not taken for old ones', async () => {
    await start();
    const [victim] = cluster.members;
    for (let turn = 0; turn < 5; turn++) await write(0, 'key', `before-${turn}`, 'held');
    cluster.crash(victim);
    victim.disk.wipe();
    await cluster.time.until(cluster.start(victim));
    await cluster.time.advance(500);
    // Blind: the coordinator knows nothing of the key any more. Under its old actor this would be event 1, long superseded.
    await write(0, 'key', 'after', { context: '' });
    await cluster.time.advance(1_000);
    for (const index of [0, 1, 2]) expect(await read(index, 'key')).toContain('after');
  });

  it('the same when the log lost its last writes in a crash', async () => {
    await start();
    const [victim] = cluster.members;
    for (let turn = 0; turn < 3; turn++) {
      // Sent to the others before it is durable here; the crash then forgets it here alone.
      cluster.write(victim, 'key', `before-${turn}`, 'held').catch(() => {});
      await cluster.time.advance(0.5);
      cluster.crash(victim);
      await cluster.time.until(cluster.start(victim));
      await cluster.time.advance(400);
    }
    await write(0, 'key', 'after', 'held');
    for (const index of [0, 1, 2]) expect(await read(index, 'key')).toContain('after');
  });
});

describe('partition_repair', () => {
  it('a replica whose data is gone is whole again without anybody reading a key', async () => {
    await start(3, 1_000);
    for (let index = 0; index < 200; index++) await write(index % 3, `key-${index}`, 'value', 'held');
    const [, victim] = cluster.members;
    cluster.crash(victim);
    victim.disk.wipe();
    await cluster.time.until(cluster.start(victim));
    await cluster.time.advance(20_000);
    expect(await cluster.time.until(cluster.isWhole())).toBe(true);
    const held = await cluster.time.until(cluster.records());
    expect(held.map((records) => records.size)).toEqual([200, 200, 200]);
  });

  it('replicas that drifted apart with nothing to tell them become equal', async () => {
    await start(3, 1_000);
    for (let index = 0; index < 50; index++) await write(0, `key-${index}`, 'value', 'held');
    await cluster.time.advance(1_000);
    const { records } = cluster.members[2].node!.parts;
    for (let index = 0; index < 50; index += 5) {
      const gone = new Promise<void>((resolve) =>
        records.removeIf(
          addressOf(0, Buffer.from(`key-${index}`)),
          () => true,
          () => resolve(),
        ),
      );
      await cluster.time.until(gone);
    }
    expect(await cluster.time.until(cluster.divergent())).toHaveLength(10);
    await cluster.time.advance(20_000);
    expect(await cluster.time.until(cluster.divergent())).toEqual([]);
  });
});

describe('verify_handoff', () => {
  it('what stand-ins took in the absence of a node is at home when it is back', async () => {
    await start(5);
    const [, , victim] = cluster.members;
    cluster.crash(victim);
    await cluster.time.advance(500);
    for (let index = 0; index < 100; index++) await write(index % 2, `key-${index}`, 'value', 'held');
    await cluster.time.until(cluster.start(victim));
    await cluster.time.advance(10_000);
    expect(await cluster.time.until(cluster.divergent())).toEqual([]);
  });
});
