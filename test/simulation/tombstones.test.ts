/** Tombstones are collected by rule, never by time alone: a deleted value must not come back. */
import { afterEach, describe, expect, it } from 'vitest';
import { addressOf } from '../../core/base/token.ts';
import { summarise } from '../../core/versions/record-codec.ts';
import { SeededRandom } from '../support/seeded-random.ts';
import { SimulatedCluster } from '../support/simulation/cluster.ts';

const calm = { lossShare: 0, repeatShare: 0, delayMinMs: 0.2, delayMaxMs: 2, noticeMs: 100 };
const rough = { lossShare: 0.03, repeatShare: 0.05, delayMinMs: 0.2, delayMaxMs: 300, noticeMs: 200 };
const graceMs = 2_000;

let cluster: SimulatedCluster;

async function start(seed: number, network = calm, collects = true, sloppy = true): Promise<void> {
  cluster = new SimulatedCluster(seed, {
    readLevel: 'QUORUM',
    writeLevel: 'QUORUM',
    conflicts: 'siblings',
    sloppy,
    nodeCount: 3,
    network: { ...network },
    clockSkewMaxMs: 0,
    diskDelayMaxMs: 1,
    ...(collects ? { collectGraceMs: graceMs } : {}),
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

const recordCounts = () => cluster.running().map((member) => member.node!.engine.statistics().recordCount);

describe('a tombstone', () => {
  it('goes from every replica once all agree', async () => {
    await start(1);
    await write(0, 'key', 'value');
    await remove(1, 'key');
    await cluster.time.advance(1_000);
    expect(recordCounts()).toEqual([1, 1, 1]);
    await cluster.time.advance(graceMs + 1_000);
    expect(recordCounts()).toEqual([0, 0, 0]);
    expect(await read(2, 'key')).toEqual([]);
  });

  it('stays while a replica is away for long, and the value does not come back with it', async () => {
    await start(1);
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
    await start(1);
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

/** Writes, deletes and crashes; answers the keys that show a value although their last acknowledged change deleted them. */
async function resurrectedAfter(seed: number, collect: 'by rule' | 'by time'): Promise<string[]> {
  await start(seed, rough, collect === 'by rule', false);
  const random = new SeededRandom(seed ^ 0xdead);
  const keys = Array.from({ length: 4 }, (_, index) => `key-${index}`);
  const deleted = new Map<string, boolean>();
  for (let turn = 0; turn < 30; turn++) {
    if (random.chance(0.3)) {
      const victim = random.pick(cluster.members);
      if (victim.node !== null && cluster.running().length === 3) cluster.crash(victim);
    } else if (cluster.running().length < 3 && random.chance(0.5)) {
      const away = cluster.members.find((member) => member.node === null)!;
      await cluster.time.until(cluster.start(away));
    }
    const key = random.pick(keys);
    const member = random.pick(cluster.running());
    const isDelete = random.chance(0.5);
    try {
      const change = isDelete
        ? cluster.remove(member, key)
        : cluster.write(member, key, String(turn), 'quorum');
      await cluster.time.until(cluster.within(change, 1_500));
      deleted.set(key, isDelete);
    } catch {
      // Nobody knows what became of it.
      deleted.set(key, false);
    }
    if (collect === 'by time') {
      for (const { node } of cluster.running()) forgetTombstones(node!.parts.records, keys);
    }
    await cluster.time.advance(random.next() * 1_500);
  }
  for (const member of cluster.members) {
    if (member.node === null) await cluster.time.until(cluster.start(member));
  }
  cluster.network.faults.lossShare = 0;
  await cluster.time.advance(20_000);
  const found: string[] = [];
  for (const [key, isDeleted] of deleted) {
    for (let index = 0; index < 3 && isDeleted; index++) {
      const values = await read(index, key);
      if (values.length > 0) found.push(`seed ${seed}: n${index + 1} shows ${key} = ${values.join()}`);
    }
  }
  endAll();
  return found;
}

/** What the rule forbids: each replica by itself, after a while. */
function forgetTombstones(
  records: {
    removeIf: (
      address: ReturnType<typeof addressOf>,
      isExpected: (r: Buffer) => boolean,
      done: () => void,
    ) => void;
  },
  keys: readonly string[],
): void {
  for (const key of keys) {
    records.removeIf(
      addressOf(0, Buffer.from(key)),
      (record) => summarise(record).tombstone,
      () => {},
    );
  }
}

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
