/** Sloppy quorum and hinted handoff, on real nodes in virtual time. */
import { afterEach, describe, expect, it } from 'vitest';
import { addressOf, partitionOf } from '../../core/base/token.ts';
import { topologyOf } from '../../core/replication/topology.ts';
import { SimulatedCluster } from '../support/simulation/cluster.ts';

const calm = { lossShare: 0, repeatShare: 0, delayMinMs: 0.2, delayMaxMs: 2, noticeMs: 100 };
const quorum = { readLevel: 'QUORUM', writeLevel: 'QUORUM', conflicts: 'siblings' } as const;

let cluster: SimulatedCluster;

async function clusterOf(nodeCount: number, sloppy: boolean): Promise<void> {
  cluster = new SimulatedCluster(1, {
    ...quorum,
    sloppy,
    nodeCount,
    network: { ...calm },
    clockSkewMaxMs: 0,
    diskDelayMaxMs: 1,
  });
  await cluster.startAll();
}

afterEach(() => {
  for (const member of cluster.members) if (member.node !== null) cluster.crash(member);
});

const write = (index: number, key: string, value: string) =>
  cluster.time.until(cluster.within(cluster.write(cluster.members[index], key, value, 'held'), 4_000));
const read = (index: number, key: string) =>
  cluster.time.until(cluster.within(cluster.read(cluster.members[index], key), 4_000));

/** What one node holds itself. */
function held(index: number, key: string): Promise<boolean> {
  const { engine } = cluster.members[index].node!;
  return cluster.time.until(
    new Promise((resolve) =>
      engine.get(addressOf(0, Buffer.from(key)), (_, value) => resolve(value !== null)),
    ),
  );
}

const owed = () =>
  cluster
    .running()
    .flatMap((member) => member.node!.parts.hints.ledger())
    .reduce((sum, account) => sum + account.owed, 0);

/** Members in the order of the walk: replicas of the key first. */
function walkOf(key: string): number[] {
  const partition = partitionOf(addressOf(0, Buffer.from(key)).tokenHigh);
  const state = topologyOf(cluster.layout, 1).keyspaces.get(0)!;
  const replicas = state.replicas[partition].map((replica) => replica.nodeId);
  return [...replicas, ...state.fallbacks(partition, 'office')].map((id) => id - 1);
}

describe('a replica that was away', () => {
  it('is given what it missed when it is back, and is owed nothing afterwards', async () => {
    await clusterOf(3, true);
    cluster.crash(cluster.members[2]);
    await cluster.time.advance(500);
    for (let index = 0; index < 200; index++) await write(index % 2, `key-${index}`, 'value');
    expect(owed()).toBe(200);
    await cluster.time.until(cluster.start(cluster.members[2]));
    await cluster.time.advance(8_000);
    expect(owed()).toBe(0);
    for (let index = 0; index < 200; index++) expect(await held(2, `key-${index}`)).toBe(true);
  });

  it('is given it by a coordinator that crashed in between', async () => {
    await clusterOf(3, true);
    cluster.crash(cluster.members[2]);
    await cluster.time.advance(500);
    for (let index = 0; index < 20; index++) await write(0, `key-${index}`, 'value');
    await cluster.time.advance(100);
    cluster.crash(cluster.members[0]);
    await cluster.time.until(cluster.start(cluster.members[0]));
    expect(owed()).toBe(20);
    await cluster.time.until(cluster.start(cluster.members[2]));
    await cluster.time.advance(8_000);
    for (let index = 0; index < 20; index++) expect(await held(2, `key-${index}`)).toBe(true);
  });

  it('is owed a key once, however often it is written, and gets the last value', async () => {
    await clusterOf(3, true);
    cluster.crash(cluster.members[2]);
    await cluster.time.advance(500);
    for (let turn = 0; turn < 30; turn++) await write(0, 'key', `value-${turn}`);
    expect(owed()).toBe(1);
    await cluster.time.until(cluster.start(cluster.members[2]));
    await cluster.time.advance(8_000);
    cluster.crash(cluster.members[0]);
    await cluster.time.advance(500);
    expect(await read(2, 'key')).toEqual(['value-29']);
  });
});

describe('two of three replicas are away, with five nodes', () => {
  it('a sloppy keyspace writes and reads through fallbacks, which hand over later', async () => {
    await clusterOf(5, true);
    const [first, second, third] = walkOf('key');
    cluster.crash(cluster.members[second]);
    cluster.crash(cluster.members[third]);
    await cluster.time.advance(500);
    await write(first, 'key', 'value');
    expect(await read(first, 'key')).toEqual(['value']);
    expect(cluster.members[first].node!.parts.counters.redirected).toBeGreaterThan(0);
    await cluster.time.until(cluster.start(cluster.members[second]));
    await cluster.time.until(cluster.start(cluster.members[third]));
    await cluster.time.advance(8_000);
    expect(await held(second, 'key')).toBe(true);
    expect(await held(third, 'key')).toBe(true);
    expect(owed()).toBe(0);
  });

  it('what a fallback took survives the loss of the only replica that has it', async () => {
    await clusterOf(5, true);
    const [first, second, third] = walkOf('key');
    cluster.crash(cluster.members[second]);
    cluster.crash(cluster.members[third]);
    await cluster.time.advance(500);
    await write(first, 'key', 'value');
    cluster.crash(cluster.members[first]);
    await cluster.time.until(cluster.start(cluster.members[second]));
    await cluster.time.until(cluster.start(cluster.members[third]));
    await cluster.time.advance(8_000);
    expect(await read(second, 'key')).toEqual(['value']);
  });

  it('with no replica left, a write at ANY is kept by a fallback and found later; at ONE it is refused', async () => {
    await clusterOf(5, true);
    const [first, second, third, fallback] = walkOf('key');
    for (const index of [first, second, third]) cluster.crash(cluster.members[index]);
    await cluster.time.advance(500);
    await expect(write(fallback, 'key', 'value')).rejects.toMatchObject({ code: 'unavailable' });
    const { store } = cluster.members[fallback].node!;
    const writeAny = (value: string) =>
      cluster.time.until(
        new Promise<void>((resolve, reject) => {
          store.write(
            addressOf(0, Buffer.from('key')),
            { basis: 'held', level: 'ANY' },
            () => ({ kind: 'put', value: Buffer.from(value), expiresAtMs: 0 }),
            (error) => (error === null ? resolve() : reject(error)),
          );
        }),
      );
    await writeAny('one');
    await writeAny('two');
    for (const index of [first, second, third]) {
      await cluster.time.until(cluster.start(cluster.members[index]));
    }
    await cluster.time.advance(8_000);
    expect(await read(first, 'key')).toEqual(['two']);
  });

  it('a strict keyspace refuses before anything is changed, with required and received', async () => {
    await clusterOf(5, false);
    const [first, second, third] = walkOf('key');
    cluster.crash(cluster.members[second]);
    cluster.crash(cluster.members[third]);
    await cluster.time.advance(500);
    await expect(write(first, 'key', 'value')).rejects.toMatchObject({
      code: 'quorum-not-met',
      details: { required: 2, received: 1, written: false },
    });
    expect(await held(first, 'key')).toBe(false);
    expect(owed()).toBe(0);
  });
});
