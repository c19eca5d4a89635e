/** Tombstones are collected by rule, never by time alone: a deleted value must not come back. */
import { afterEach, describe, expect, it } from 'vitest';
import { addressOf } from '../../core/base/token.ts';
import { SimulatedCluster } from '../support/simulation/cluster.ts';
import { collectGraceMs as graceMs, resurrectedAfter } from '../support/simulation/deletions.ts';

const calm = { lossShare: 0, repeatShare: 0, delayMinMs: 0.2, delayMaxMs: 2, noticeMs: 100 };

let cluster: SimulatedCluster;

async function start(): Promise<void> {
  cluster = new SimulatedCluster(1, {
    readLevel: 'QUORUM',
    writeLevel: 'QUORUM',
    conflicts: 'siblings',
    sloppy: true,
    nodeCount: 3,
    network: { ...calm },
    clockSkewMaxMs: 0,
    diskDelayMaxMs: 1,
    collectGraceMs: graceMs,
  });
  await cluster.startAll();
}

function endAll(): void {
  for (const member of cluster.members) if (member.node !== null) cluster.crash(member);
}

afterEach(endAll);

const patiently = <T>(promise: Promise<T>) => cluster.time.until(cluster.within(promise, 4_000));
const write = (index: number, key: string, value: string) =>
  patiently(cluster.write(cluster.members[index], key, value, 'quorum'));
const remove = (index: number, key: string) => patiently(cluster.remove(cluster.members[index], key));
const read = (index: number, key: string) => patiently(cluster.read(cluster.members[index], key));

/** Without the one record by which a node vouches for its identity. */
const recordCounts = () => cluster.running().map(({ node }) => node!.engine.statistics().recordCount - 1);

describe('a tombstone', () => {
  it('goes from every replica once all agree', async () => {
    await start();
    await write(0, 'key', 'value');
    await remove(1, 'key');
    await cluster.time.advance(1_000);
    expect(recordCounts()).toEqual([1, 1, 1]);
    await cluster.time.advance(graceMs + 1_000);
    expect(recordCounts()).toEqual([0, 0, 0]);
    expect(await read(2, 'key')).toEqual([]);
  });

  it('stays while a replica is away for long, and the value does not come back with it', async () => {
    await start();
    await write(0, 'key', 'value');
    await cluster.time.advance(500);
    cluster.crash(cluster.members[2]);
    await cluster.time.advance(500);
    await remove(0, 'key');
    await cluster.time.advance(60_000);
    expect(cluster.members[0].node!.engine.statistics().recordCount).toBeGreaterThan(0);
    await cluster.time.until(cluster.start(cluster.members[2]));
    await cluster.time.advance(20_000);
    expect(recordCounts()).toEqual([0, 0, 0]);
    for (let index = 0; index < 3; index++) expect(await read(index, 'key')).toEqual([]);
  });

  it('is forgotten with its event numbers, which are not given out again', async () => {
    await start();
    for (let turn = 0; turn < 5; turn++) await write(0, 'key', `old-${turn}`);
    const { node } = cluster.members[0];
    const old = await cluster.time.until(
      new Promise<string>((resolve) =>
        node!.store.read(addressOf(0, Buffer.from('key')), {}, (_, result) => resolve(result!.context())),
      ),
    );
    await remove(0, 'key');
    await cluster.time.advance(graceMs + 2_000);
    expect(recordCounts()).toEqual([0, 0, 0]);
    // Blind, so it starts a history of its own; a writer from before the deletion then adds to it.
    await patiently(cluster.write(cluster.members[0], 'key', 'new', { context: '' }));
    await patiently(cluster.write(cluster.members[0], 'key', 'late', { context: old }));
    expect((await read(1, 'key')).sort()).toEqual(['late', 'new']);
  });
});

describe('a deleted value', () => {
  const seeds = Array.from({ length: Number(process.env.COTERIE_SEEDS ?? 40) }, (_, index) => index + 1);

  it('never comes back when tombstones are collected by the rule', async () => {
    for (const seed of seeds) expect(await resurrectedAfter(seed, 'by rule')).toEqual([]);
  });

  it('comes back when each replica forgets tombstones after a while: the checker is awake', async () => {
    const found: string[] = [];
    for (const seed of seeds.slice(0, 40)) found.push(...(await resurrectedAfter(seed, 'by time')));
    expect(found.length).toBeGreaterThan(0);
  });
});
