/** Replicas that differ, in every way they can, are brought together; and what that costs. */
import { afterEach, describe, expect, it } from 'vitest';
import { addressOf, partitionCount, partitionOf } from '../../core/base/token.ts';
import type { StorageNode } from '../../core/node/storage-node.ts';
import type { ExchangeFigures } from '../../core/repair/exchange-figures.ts';
import type { RangeOutcome, RangeRequest } from '../../core/repair/repair-range.ts';
import { call } from '../../core/replication/calls.ts';
import { encodeRecord } from '../../core/versions/record-codec.ts';
import { actorOf, type VersionSet } from '../../core/versions/version-set.ts';
import { calls } from '../../core/wire/peer/calls.ts';
import { encodePartitions, questionKind } from '../../core/wire/peer/exchange-codec.ts';
import { SimulatedCluster } from '../support/simulation/cluster.ts';
import { craftedKey, plainKey } from '../support/twin-keys.ts';

const calm = { lossShare: 0, repeatShare: 0, delayMinMs: 0.2, delayMaxMs: 2, noticeMs: 100 };
const all = Array.from({ length: partitionCount }, (_, partition) => partition);

let cluster: SimulatedCluster;

async function start(nodeCount: number, antiEntropyTickMs = 0): Promise<void> {
  cluster = new SimulatedCluster(7, {
    readLevel: 'QUORUM',
    writeLevel: 'QUORUM',
    conflicts: 'siblings',
    sloppy: false,
    nodeCount,
    network: { ...calm },
    clockSkewMaxMs: 0,
    diskDelayMaxMs: 1,
    antiEntropyTickMs,
  });
  await cluster.startAll();
}

afterEach(() => {
  for (const member of cluster.members) if (member.node !== null) cluster.crash(member);
});

const nodeOf = (index: number): StorageNode => cluster.members[index].node!;

/** A record as if `writer` had written `counter` times. */
function record(value: string, { writer = 1, counter = 1, tombstone = false } = {}): Buffer {
  const dot = { actor: actorOf(writer, 1), counter };
  const version = { ...dot, timestamp: 1_000 + counter, expiresAtMs: 0, tombstone };
  const set: VersionSet = {
    context: [dot],
    versions: [{ ...version, value: Buffer.from(tombstone ? '' : value) }],
    horizonMs: 0,
  };
  return encodeRecord(set);
}

/** Puts a record on single replicas, past the coordinator. */
async function plant(indexes: readonly number[], key: string | Buffer, bytes: Buffer): Promise<void> {
  for (const index of indexes) {
    const { records } = nodeOf(index).parts;
    const options = { durability: 'always' as const, newestOnly: false };
    const merged = new Promise<void>((resolve, reject) => {
      records.merge(addressOf(0, Buffer.from(key)), bytes, options, (error) =>
        error === null ? resolve() : reject(error),
      );
    });
    await cluster.time.until(merged);
  }
}

function repair(index: number, request: Partial<RangeRequest> = {}): Promise<RangeOutcome> {
  const peers = cluster.members.map(({ id }) => id).filter((id) => id !== cluster.members[index].id);
  const whole = { keyspace: 0, partitions: all, peers, dryRun: false, ...request };
  return cluster.time.until(
    new Promise((resolve, reject) => {
      nodeOf(index).repair.repairRange(
        whole,
        () => {},
        (error, outcome) => (error === null ? resolve(outcome) : reject(error)),
      );
    }),
  );
}

/** The root of every tree of a member, once all are built. */
async function rootsOf(index: number): Promise<string[]> {
  const { trees } = nodeOf(index).repair;
  while (all.some((partition) => trees.tree(0, partition) === null)) await cluster.time.advance(100);
  return all.map((partition) => {
    const root = { high: 0, low: 0 };
    trees.tree(0, partition)!.node(0, 0, root);
    return `${root.high}:${root.low}`;
  });
}

async function expectWhole(): Promise<void> {
  expect(await cluster.time.until(cluster.divergent())).toEqual([]);
  const roots = await rootsOf(0);
  for (let index = 1; index < cluster.running().length; index++) expect(await rootsOf(index)).toEqual(roots);
}

/** Something of everything; answers how many keys differ between the first two replicas. */
async function diverge(): Promise<number> {
  for (let key = 0; key < 40; key++) await plant([0, 1], `same-${key}`, record('same'));
  for (let key = 0; key < 5; key++) await plant([0], `first-${key}`, record('first only'));
  for (let key = 0; key < 6; key++) await plant([1], `second-${key}`, record('second only'));
  await plant([0, 1], 'deleted', record('old'));
  await plant([0], 'deleted', record('', { counter: 2, tombstone: true }));
  await plant([0], 'siblings', record('mine', { writer: 1 }));
  await plant([1], 'siblings', record('yours', { writer: 2 }));
  await plant([0], 'behind', record('1', { counter: 1 }));
  await plant([1], 'behind', record('2', { counter: 2 }));
  return 5 + 6 + 3;
}

describe('an exchange', () => {
  it('brings two diverged replicas together: writes, deletes and siblings', async () => {
    await start(2);
    const differing = await diverge();
    const { figures, skipped } = await repair(0);
    expect(figures.keysDiffering).toBe(differing);
    expect(figures.recordsReceived).toBe(6 + 3);
    // What the first alone held, its deletion, and the joined siblings.
    expect(figures.recordsSent).toBe(5 + 2);
    expect(skipped).toEqual([]);
    await expectWhole();
    const values = await cluster.time.until(cluster.read(cluster.members[1], 'siblings'));
    expect(values.sort()).toEqual(['mine', 'yours']);
    expect(await cluster.time.until(cluster.read(cluster.members[1], 'deleted'))).toEqual([]);
  });

  it('brings keys of one position together, whoever lacks which, though their records look alike', async () => {
    // One replica holds the one, the other the other: the same token, the same header.
    await start(2);
    await plant([0], plainKey, record('1'));
    await plant([1], craftedKey, record('2'));
    expect((await repair(0)).figures).toMatchObject({ recordsReceived: 1, recordsSent: 1 });
    await expectWhole();
  });

  it('sends the peer a key that it lacks beside one of the same position', async () => {
    await start(2);
    await plant([0, 1], plainKey, record('1'));
    await plant([0], craftedKey, record('2'));
    expect((await repair(0)).figures).toMatchObject({ recordsSent: 1 });
    await expectWhole();
  });

  it('between equal replicas moves roots only', async () => {
    await start(2);
    for (let key = 0; key < 50; key++) await plant([0, 1], `key-${key}`, record('same'));
    const { figures } = await repair(1);
    expect(figures).toMatchObject({ partitionsCompared: 1_024, keysDiffering: 0, valueBytes: 0 });
    expect(figures.nodesExchanged).toBe(1_024);
    expect(figures.positionsListed).toBe(0);
  });

  it('as a dry run counts the same differences and changes nothing', async () => {
    await start(2);
    const differing = await diverge();
    const before = await cluster.time.until(cluster.records());
    const { figures } = await repair(0, { dryRun: true });
    expect(figures).toMatchObject({
      keysDiffering: differing,
      recordsSent: 0,
      recordsReceived: 0,
      valueBytes: 0,
    });
    expect(await cluster.time.until(cluster.records())).toEqual(before);
  });

  it('takes several levels where one partition holds many keys, and lists few of them', async () => {
    await start(2);
    for (let key = 0; key < 400; key++) await plant([0, 1], `{tag}${key}`, record('same'));
    await plant([1], '{tag}7', record('newer', { counter: 2 }));
    const partitions = [partitionOf(addressOf(0, Buffer.from('{tag}')).tokenHigh)];
    const { figures } = await repair(0, { partitions });
    expect(figures).toMatchObject({ keysDiffering: 1, recordsReceived: 1, recordsSent: 0 });
    expect(figures.nodesExchanged).toBeLessThan(40);
    expect(figures.positionsListed).toBeLessThan(20);
    await expectWhole();
  });

  it('gives a wiped replica all its keys back', async () => {
    await start(3);
    for (let key = 0; key < 60; key++) await plant([0, 1, 2], `key-${key}`, record(`value ${key}`));
    const victim = cluster.members[2];
    cluster.crash(victim);
    victim.disk.wipe();
    await cluster.time.advance(300);
    await cluster.time.until(cluster.start(victim));
    await cluster.time.advance(300);
    const { figures } = await repair(0);
    expect(figures).toMatchObject({ keysDiffering: 60, recordsSent: 60 });
    await expectWhole();
  });

  it('of three replicas brings to the first peer what the second knew', async () => {
    await start(3);
    await plant([0], 'a', record('from the first'));
    await plant([1], 'b', record('from the second'));
    await plant([2], 'c', record('from the third'));
    const { figures } = await repair(0);
    expect(figures.keysDiffering).toBe(3);
    await expectWhole();
  });

  it('that a crash broke off is finished by the next one', async () => {
    await start(2);
    const differing = await diverge();
    const { repair: node } = nodeOf(0);
    const request = { keyspace: 0, partitions: all, peers: [2], dryRun: false };
    const ended = new Promise<string>((resolve) => {
      node.repairRange(
        request,
        () => {},
        (error) => resolve(error?.code ?? 'whole'),
      );
    });
    const held = () => nodeOf(0).engine.statistics().recordCount;
    const before = held();
    while (held() === before) await cluster.time.advance(0.1);
    cluster.crash(cluster.members[1]);
    expect(await cluster.time.until(ended)).toBe('unavailable');
    await cluster.time.until(cluster.start(cluster.members[1]));
    await cluster.time.advance(300);
    const { figures } = await repair(0);
    expect(figures.keysDiffering).toBeLessThanOrEqual(differing);
    await expectWhole();
  });

  it('stops when it is cancelled, and goes on after a pause', async () => {
    await start(2);
    await diverge();
    const request = { keyspace: 0, partitions: all, peers: [2], dryRun: false };
    const outcomes: string[] = [];
    const begin = (name: string) =>
      nodeOf(0).repair.repairRange(
        request,
        () => {},
        (error) => outcomes.push(`${name}: ${error?.message ?? 'whole'}`),
      );
    const cancelled = begin('first');
    cancelled.cancel();
    await cluster.time.advance(1_000);
    expect(outcomes).toEqual(['first: The comparison was stopped.']);
    const paused = begin('second');
    paused.pause();
    await cluster.time.advance(2_000);
    expect(outcomes).toHaveLength(1);
    paused.resume();
    await cluster.time.advance(4_000);
    expect(outcomes[1]).toBe('second: whole');
    await expectWhole();
  });

  it('keeps up with writes that go on meanwhile', async () => {
    await start(3);
    await plant([0], 'planted', record('x'));
    const running = repair(0);
    for (let turn = 0; turn < 40; turn++) {
      await cluster.time.until(
        cluster.write(cluster.members[turn % 3], `key-${turn % 7}`, String(turn), 'quorum'),
      );
    }
    await running;
    await cluster.time.advance(500);
    await expectWhole();
  });
});

describe('a partition that is lacking here', () => {
  const partition = partitionOf(addressOf(0, Buffer.from('{tag}')).tokenHigh);
  const long = 'v'.repeat(5_000);

  async function fill(keyCount: number): Promise<void> {
    for (let key = 0; key < keyCount; key++) await plant([1], `{tag}${key}`, record(long));
  }

  /** The first node has become a replica of it, and the second holds it. */
  function beginToFetch(): Promise<void> {
    nodeOf(0).parts.eligibility.moved(0, partition, [2]);
    return nodeOf(0).repair.rebuild();
  }

  async function fetch(): Promise<ExchangeFigures> {
    await cluster.time.until(beginToFetch());
    return nodeOf(0).repair.rebuildFigures().fetched;
  }

  it('comes page after page, nothing is listed for it, and the way adds next to nothing to what moves', async () => {
    await start(2);
    await fill(240);
    const figures = await fetch();
    expect(figures).toMatchObject({ recordsReceived: 240, recordsSent: 0, positionsListed: 0 });
    expect(figures.wireBytes).toBeLessThan(figures.valueBytes * 1.02);
    await expectWhole();
  });

  it('comes back by itself where all data was lost', async () => {
    await start(2, 60_000);
    await fill(100);
    cluster.crash(cluster.members[0]);
    cluster.members[0].disk.wipe();
    await cluster.time.advance(300);
    await cluster.time.until(cluster.start(cluster.members[0]));
    for (let turn = 0; turn < 60 && !(await cluster.time.until(cluster.isWhole())); turn++) {
      await cluster.time.advance(500);
    }
    expect(nodeOf(0).repair.rebuildFigures()).toMatchObject({
      recordsReceived: 100,
      fetched: { positionsListed: 0 },
    });
    await expectWhole();
  });

  it('is compared afterwards: what is here alone goes to the peer, and a version that is behind is joined', async () => {
    await start(2);
    await fill(100);
    await plant([0], '{tag}here', record('here alone'));
    await plant([0], '{tag}7', record('newer', { counter: 2 }));
    expect(await fetch()).toMatchObject({ recordsReceived: 100 + 1, recordsSent: 2 });
    await expectWhole();
    expect(await cluster.time.until(cluster.read(cluster.members[1], '{tag}7'))).toEqual(['newer']);
  });

  it('is compared instead where much of it is here', async () => {
    await start(2);
    await fill(100);
    for (let key = 0; key < 10; key++) await plant([0], `{tag}${key}`, record(long));
    const figures = await fetch();
    expect(figures).toMatchObject({ recordsReceived: 90, keysDiffering: 90 });
    expect(figures.positionsListed).toBeGreaterThan(0);
    await expectWhole();
  });

  it.each([
    ['the one that gives', 1],
    ['the one that takes', 0],
  ])('is there in the end when %s crashes in between', async (_, victim) => {
    await start(2);
    await fill(300);
    void beginToFetch();
    const held = () => nodeOf(0).engine.countLive(0, partition);
    while (held() === 0) await cluster.time.advance(0.1);
    expect(held()).toBeLessThan(300);
    cluster.crash(cluster.members[victim]);
    await cluster.time.advance(300);
    await cluster.time.until(cluster.start(cluster.members[victim]));
    await cluster.time.advance(300);
    await fetch();
    await expectWhole();
    expect(held()).toBe(300);
  });

  it('keeps up with writes to it', async () => {
    await start(2);
    await fill(200);
    const running = beginToFetch();
    for (let turn = 0; turn < 40; turn++) {
      await plant([0, 1], `{tag}${turn * 9}`, record(`new ${turn}`, { counter: 2 }));
    }
    await cluster.time.until(running);
    await cluster.time.advance(500);
    await expectWhole();
  });

  it('is compared anew where it went missing once more during the comparison', async () => {
    await start(2);
    await fill(200);
    const { repair: node, engine, parts } = nodeOf(0);
    const running = beginToFetch();
    while (engine.countLive(0, partition) === 0) await cluster.time.advance(0.1);
    parts.eligibility.moved(0, partition, [2]);
    await cluster.time.until(running);
    expect(node.rebuildFigures().fetched.partitionsCompared).toBe(2);
  });

  it('stays lacking where it went missing once more during a comparison that the other began', async () => {
    await start(2);
    await fill(200);
    const { engine, parts } = nodeOf(0);
    parts.eligibility.moved(0, partition, [2]);
    const others = { partitions: [partition], peers: [cluster.members[0].id] };
    await repair(1, others);
    expect(parts.eligibility.isWhole).toBe(true);
    await plant([1], '{tag}more', record(long));
    parts.eligibility.moved(0, partition, [2]);
    const running = repair(1, others);
    while (engine.countLive(0, partition) === 200) await cluster.time.advance(0.1);
    parts.eligibility.moved(0, partition, [2]);
    await running;
    expect(parts.eligibility.isWhole).toBe(false);
  });

  it('does not wait for a peer that is busy while others are free', async () => {
    await start(5);
    for (let key = 0; key < 60; key++) {
      await cluster.time.until(cluster.write(cluster.members[1], `key-${key}`, long, 'held'));
    }
    const question = encodePartitions(questionKind.roots, 77, 0, []);
    // As comparisons that end at once on the asking side: the second node is busy with them until it hears no more of them.
    for (const other of [2, 3, 4]) {
      call(nodeOf(other).parts.requests, 2, calls.compareReplicas, question, () => {});
    }
    await cluster.time.advance(100);
    const { eligibility, topology } = nodeOf(0).parts;
    const { replicas, selfIndex } = topology().keyspaces.get(0)!;
    for (const one of all.filter((partition) => selfIndex[partition] >= 0)) {
      const others = replicas[one].map(({ nodeId }) => nodeId).filter((id) => id !== 1);
      eligibility.moved(0, one, others);
    }
    const rebuilt = nodeOf(0).repair.rebuild();
    await cluster.time.advance(3_000);
    expect(nodeOf(0).parts.eligibility.waitsFor()).toEqual(new Set([2]));
    await cluster.time.until(rebuilt);
    expect(await cluster.time.until(cluster.divergent())).toEqual([]);
  });
});

describe('the background worker', () => {
  it('finds and settles differences by itself, and remembers when it compared', async () => {
    await start(3, 1_000);
    await plant([0], 'a', record('one'));
    await plant([2], 'b', record('two'));
    await cluster.time.advance(30_000);
    await expectWhole();
    const figures = nodeOf(0).repair.figures();
    expect(figures.exchangeCount).toBeGreaterThan(0);
    expect(figures.unsettledKeys).toBe(0);
    expect(figures.oldestComparisonMs).toBeGreaterThan(0);
    expect(nodeOf(1).repair.times.lastComparedMs(0, 1, 5)).toBeGreaterThan(0);
  });

  it('brings a wiped node back without anybody asking', async () => {
    await start(3, 1_000);
    for (let key = 0; key < 30; key++) await plant([0, 1, 2], `key-${key}`, record('value'));
    cluster.crash(cluster.members[1]);
    cluster.members[1].disk.wipe();
    await cluster.time.advance(500);
    await cluster.time.until(cluster.start(cluster.members[1]));
    await cluster.time.advance(40_000);
    await expectWhole();
  });
});

describe('the trees of a node', () => {
  it('are taken from the last run after an orderly stop, and built anew after a crash', async () => {
    await start(2);
    for (let key = 0; key < 50; key++) await plant([0, 1], `key-${key}`, record('same'));
    const roots = await rootsOf(0);
    const [member] = cluster.members;
    await cluster.time.until(member.node!.stop());
    await cluster.time.until(cluster.start(member));
    expect(nodeOf(0).repair.figures().trees).toMatchObject({ loadedCount: 1_024, buildCount: 0 });
    await plant([0], 'key-1', record('new', { counter: 2 }));
    expect(await rootsOf(0)).not.toEqual(roots);
    cluster.crash(member);
    await cluster.time.until(cluster.start(member));
    expect(nodeOf(0).repair.figures().trees.loadedCount).toBe(0);
    await cluster.time.advance(300);
    await repair(0);
    await expectWhole();
  });

  it('that are wrong are found out and built anew', async () => {
    await start(2);
    for (let key = 0; key < 20; key++) await plant([0, 1], `key-${key}`, record('same'));
    await repair(0);
    const partition = partitionOf(addressOf(0, Buffer.from('key-3')).tokenHigh);
    for (const index of [0, 1]) {
      nodeOf(index).repair.trees.tree(0, partition)!.add(0, { high: 1, low: index });
    }
    await repair(0, { partitions: [partition] });
    await expectWhole();
  });
});
