/** Keys that are written as one: whole or not at all, whatever goes wrong, and the last acknowledged is there. */
import { expect, it } from 'vitest';
import { SimulatedCluster } from '../support/simulation/cluster.ts';
import { harmlessToData } from '../support/simulation/nemesis.ts';
import { type RunOptions, safeOptions, simulate } from '../support/simulation/run.ts';
import { worldOf } from '../support/simulation/world.ts';

const firstSeed = Number(process.env.COTERIE_FIRST_SEED ?? 1);
const seedCount = Number(process.env.COTERIE_SEEDS ?? 4);
const seeds = Array.from({ length: seedCount }, (_, index) => firstSeed + index);

const usual: RunOptions = { ...safeOptions, workload: 'transactions', keyCount: 3 };

/** Returns how many were acknowledged. */
async function expectKept(seed: number, options: RunOptions): Promise<number> {
  const { violations, acknowledgedCount, transcript } = await simulate(seed, options);
  if (violations.length > 0) {
    expect.fail([`seed ${seed}: ${violations.join('\n')}`, ...transcript.slice(-80)].join('\n'));
  }
  return acknowledgedCount;
}

it.each(seeds)('on three nodes, whatever loses no durable data (seed %i)', async (seed) => {
  expect(await expectKept(seed, { ...usual, faults: harmlessToData })).toBeGreaterThan(0);
});

it.each(seeds)('on five nodes, with nothing but crashes and paused processes (seed %i)', async (seed) => {
  const options: RunOptions = { ...usual, nodeCount: 5, faults: ['crash', 'pause'], restMs: 50 };
  expect(await expectKept(seed, options)).toBeGreaterThan(0);
});

it.each(seeds)('in the world of a register (seed %i)', async (seed) => {
  // A register's world: nothing in it breaks more than was promised of one key. In some nothing is acknowledged, as of registers.
  for (let candidate = seed * 1_000; ; candidate++) {
    const world = worldOf(candidate);
    if (world.workload !== 'register' || world.valueBytes > 1_000) continue;
    await expectKept(candidate, { ...world, workload: 'transactions' });
    return;
  }
});

it('that only one replica was taking when its power went are found whole or not at all', async () => {
  const found = new Set<string>();
  for (let seed = 1; seed <= 40; seed++) {
    const cluster = new SimulatedCluster(seed, {
      ...{ readLevel: 'QUORUM', writeLevel: 'QUORUM', conflicts: 'siblings', sloppy: false, nodeCount: 3 },
      network: { lossShare: 0, repeatShare: 0, delayMinMs: 0.2, delayMaxMs: 2, noticeMs: 100 },
      clockSkewMaxMs: 0,
      diskDelayMaxMs: 2,
    });
    await cluster.startAll();
    const keys = ['{t}a', '{t}b', '{t}c'];
    const [first] = cluster.members;
    const patiently = <T>(promise: Promise<T>) => cluster.time.until(cluster.within(promise, 4_000));
    const write = (value: string) =>
      cluster.changeTogether(first, keys, () =>
        keys.map(() => ({ kind: 'put', value: Buffer.from(value.repeat(40)), expiresAtMs: 0 })),
      );
    const { coordinator } = await patiently(write('1'));
    // It has read, and then what it sends reaches nobody.
    let isAlone = false;
    cluster
      .changeTogether(first, keys, () => {
        for (const { id } of cluster.members)
          if (id !== coordinator.id) cluster.network.cut(coordinator.id, id);
        isAlone = true;
        return keys.map(() => ({ kind: 'put', value: Buffer.from('2'.repeat(40)), expiresAtMs: 0 }));
      })
      .catch(() => {});
    for (let turn = 0; !isAlone && turn < 200; turn++) await cluster.time.advance(0.1);
    await cluster.time.advance(cluster.random.next() * 3);
    cluster.crash(coordinator);
    cluster.network.heal();
    await cluster.time.until(cluster.start(coordinator));
    await cluster.time.advance(10_000);
    const shown: string[] = [];
    for (const key of keys) shown.push((await patiently(cluster.read(first, key, { level: 'ALL' })))[0][0]);
    expect(shown, `seed ${seed}`).toEqual([shown[0], shown[0], shown[0]]);
    found.add(shown[0]);
    for (const member of cluster.members) if (member.node !== null) cluster.crash(member);
  }
  // Both ends were met, or the power always went too early or too late.
  expect([...found].sort()).toEqual(['1', '2']);
});

it('are refused unread where they hold more than may be written as one', async () => {
  const cluster = new SimulatedCluster(1, {
    ...{ readLevel: 'QUORUM', writeLevel: 'QUORUM', conflicts: 'siblings', sloppy: false, nodeCount: 3 },
    network: { lossShare: 0, repeatShare: 0, delayMinMs: 0.2, delayMaxMs: 2, noticeMs: 100 },
    clockSkewMaxMs: 0,
    diskDelayMaxMs: 1,
  });
  await cluster.startAll();
  const [first] = cluster.members;
  const keys = ['{t}a', '{t}b', '{t}c'];
  const put = { kind: 'put', value: Buffer.alloc(25_000_000), expiresAtMs: 0 } as const;
  const changed = (key: string) =>
    cluster.time.until(
      cluster.within(
        cluster.changeTogether(first, [key], () => [put]),
        20_000,
      ),
    );
  for (const key of keys) await changed(key);
  let isDecided = false;
  const refused = cluster.changeTogether(first, keys, () => {
    isDecided = true;
    return keys.map(() => ({ kind: 'none' }));
  });
  await expect(cluster.time.until(cluster.within(refused, 20_000))).rejects.toMatchObject({
    code: 'too-large',
  });
  expect(isDecided).toBe(false);
  for (const member of cluster.members) cluster.crash(member);
});
