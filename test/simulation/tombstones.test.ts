/** Tombstones are collected by rule, expired values forgotten by their horizon: what was replaced must not come back. */
import { afterEach, describe, expect, it } from 'vitest';
import { addressOf } from '../../core/base/token.ts';
import { defaultExpirySettings } from '../../core/replication/replica/expiry-turns.ts';
import { type Member, SimulatedCluster } from '../support/simulation/cluster.ts';
import { collectGraceMs as graceMs, resurrectedAfter } from '../support/simulation/deletions.ts';
import { cameBack } from '../support/simulation/expiries.ts';

const calm = { lossShare: 0, repeatShare: 0, delayMinMs: 0.2, delayMaxMs: 2, noticeMs: 100 };

let cluster: SimulatedCluster;

async function start(nodeCount = 3, antiEntropyTickMs = 0, expiry = defaultExpirySettings): Promise<void> {
  cluster = new SimulatedCluster(1, {
    readLevel: 'QUORUM',
    writeLevel: 'QUORUM',
    conflicts: 'siblings',
    sloppy: true,
    nodeCount,
    network: { ...calm },
    clockSkewMaxMs: 0,
    diskDelayMaxMs: 1,
    collectGraceMs: graceMs,
    antiEntropyTickMs,
    expiry,
  });
  await cluster.startAll();
}

function endAll(): void {
  for (const member of cluster.members) if (member.node !== null) cluster.crash(member);
}

// The runs over many seeds have clusters of their own.
afterEach(() => {
  if (cluster !== undefined) endAll();
});

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

describe('a tombstone of a key that another node holds without being its owner', () => {
  it('stays, because that copy could come back, until it is gone', async () => {
    await start(4);
    await write(0, 'key', 'value');
    await cluster.time.advance(1_000);
    const address = addressOf(0, Buffer.from('key'));
    const isHeldBy = (member: Member) => cluster.time.until(member.node!.parts.records.get(address));
    const held = await Promise.all(cluster.members.map(isHeldBy));
    const other = cluster.members[held.indexOf(null)];
    const { records } = other.node!.parts;
    // As a layout in which it was an owner would have left it.
    const old = held.find((record) => record !== null)!;
    const options = { durability: 'always', newestOnly: false } as const;
    await patiently(new Promise<void>((resolve) => records.merge(address, old, options, () => resolve())));
    await remove(0, 'key');
    await cluster.time.advance(graceMs * 5);
    expect(recordCounts()).toEqual([1, 1, 1, 1]);
    const removed = new Promise<void>((resolve) =>
      records.removeIf(
        address,
        () => true,
        () => resolve(),
      ),
    );
    await patiently(removed);
    await cluster.time.advance(graceMs * 5);
    expect(recordCounts()).toEqual([0, 0, 0, 0]);
  });
});

describe('a deleted value', () => {
  const seeds = Array.from({ length: Number(process.env.COTERIE_SEEDS ?? 3) }, (_, index) => index + 1);

  it('never comes back when tombstones are collected by the rule', async () => {
    for (const seed of seeds) expect(await resurrectedAfter(seed, 'by rule')).toEqual([]);
  });

  it('comes back when each replica forgets tombstones after a while: the checker is awake', async () => {
    const found: string[] = [];
    for (const seed of seeds.slice(0, 40)) found.push(...(await resurrectedAfter(seed, 'by time')));
    expect(found.length).toBeGreaterThan(0);
  });
});

describe('an expired value', () => {
  const expire = (index: number, key: string, afterMs: number) =>
    patiently(
      cluster.write(cluster.members[index], key, 'soon over', 'held', cluster.time.nowMs() + afterMs),
    );
  /** The margin and a whole cycle. */
  const forgottenAfterMs = 130_000;

  it('goes from every node that is up, by itself, while another is away, and does not come back with it', async () => {
    await start();
    await expire(0, 'key', 20_000);
    await cluster.time.advance(5_000);
    expect(recordCounts()).toEqual([1, 1, 1]);
    cluster.crash(cluster.members[2]);
    await cluster.time.advance(15_000 + forgottenAfterMs);
    expect(recordCounts()).toEqual([0, 0]);
    await cluster.time.until(cluster.start(cluster.members[2]));
    await cluster.time.advance(20_000);
    expect(recordCounts()).toEqual([0, 0, 0]);
  });

  it('that replaced one for ever waits until all agree', async () => {
    await start();
    await write(0, 'key', 'for ever');
    await cluster.time.advance(500);
    cluster.crash(cluster.members[2]);
    await cluster.time.advance(500);
    await expire(0, 'key', 20_000);
    await cluster.time.advance(20_000 + forgottenAfterMs);
    expect(recordCounts()[0]).toBeGreaterThan(0);
    await cluster.time.until(cluster.start(cluster.members[2]));
    await cluster.time.advance(60_000);
    expect(recordCounts()).toEqual([0, 0, 0]);
    for (let index = 0; index < 3; index++) expect(await read(index, 'key')).toEqual([]);
  });

  it('is numbered on: a later write of its key does not repeat a forgotten event', async () => {
    await start();
    for (let turn = 0; turn < 5; turn++) await expire(0, 'key', 1_000);
    const old = await patiently(cluster.readWithContext(cluster.members[0], 'key'));
    await cluster.time.advance(forgottenAfterMs);
    expect(recordCounts()).toEqual([0, 0, 0]);
    await patiently(cluster.write(cluster.members[0], 'key', 'new', { context: '' }));
    await patiently(cluster.write(cluster.members[0], 'key', 'late', { context: old.context }));
    expect((await read(1, 'key')).sort()).toEqual(['late', 'new']);
  });
});

describe('expired values that one replica has forgotten', () => {
  /** A quarter of the usual: comparisons all the while are what takes the time of these runs. */
  const inHurry = { cycleMs: 16_000, marginMs: 15_000 };
  const keys = Array.from({ length: 50 }, (_, index) => `key-${index}`);
  const writeAll = async () => {
    const expiresAtMs = cluster.time.nowMs() + 10_000;
    for (const key of keys) {
      await patiently(cluster.write(cluster.members[0], key, 'soon over', 'held', expiresAtMs));
    }
  };

  it('are not brought back by repair while another, whose clock is behind, still holds them', async () => {
    await start(3, 5_000, inHurry);
    cluster.members[2].skewMs = -90_000;
    await writeAll();
    await cluster.time.advance(45_000);
    const seen: number[][] = [];
    for (let turn = 0; turn < 20; turn++) {
      await cluster.time.advance(1_000);
      seen.push(recordCounts());
    }
    expect(seen.every(([one, two]) => one === 0 && two === 0)).toBe(true);
    expect(seen[0][2]).toBeGreaterThan(0);
    for (const { node } of cluster.running()) {
      const { valueBytes, keysDiffering } = node!.repair.figures().totals;
      expect([valueBytes, keysDiffering]).toEqual([0, 0]);
    }
    await cluster.time.advance(90_000);
    expect(recordCounts()).toEqual([0, 0, 0]);
  });

  it('and a restart brings back go again, and its trees tell what it holds', async () => {
    await start(3, 1_000, inHurry);
    await writeAll();
    await cluster.time.advance(45_000);
    expect(recordCounts()).toEqual([0, 0, 0]);
    const [member] = cluster.members;
    await cluster.time.until(member.node!.stop());
    cluster.crash(member);
    await cluster.time.until(cluster.start(member));
    expect(member.node!.engine.statistics().recordCount).toBeGreaterThan(0);
    await cluster.time.advance(10_000);
    expect(recordCounts()).toEqual([0, 0, 0]);
    for (const { node } of cluster.running()) expect(node!.repair.figures().trees.keyCount).toBe(0);
  });
});

describe('many tombstones of one partition', () => {
  it('go in one round, whatever their number, while keys beside them are written on', async () => {
    await start();
    const keys = Array.from({ length: 1_100 }, (_, index) => `{tag}${index}`);
    for (const key of keys) await patiently(cluster.remove(cluster.members[0], key));
    const writing = keys.slice(0, 100);
    for (let turn = 0; turn < 5; turn++) {
      for (const key of writing) await write(turn % 3, key, `${turn}`);
      await cluster.time.advance(graceMs / 2);
    }
    expect(recordCounts()).toEqual([100, 100, 100]);
  });
});

describe('a value that an expiring one replaced', () => {
  const seeds = Array.from({ length: Number(process.env.COTERIE_SEEDS ?? 3) }, (_, index) => index + 1);

  it('never comes back after the expiring one was forgotten, also with a node away for long', async () => {
    let forgottenCount = 0;
    for (const seed of seeds) {
      const result = await cameBack(seed, 'by the horizon');
      expect(result.found).toEqual([]);
      forgottenCount += result.forgottenCount;
    }
    expect(forgottenCount).toBeGreaterThan(seeds.length);
  });

  it('comes back when expired values are forgotten without a look at their horizon: the checker is awake', async () => {
    const found: string[] = [];
    for (const seed of seeds) {
      if (found.length === 0) found.push(...(await cameBack(seed, 'once expired')).found);
    }
    expect(found.length).toBeGreaterThan(0);
  });
});
