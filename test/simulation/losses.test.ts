/** Replicas that lose the same at once: it cannot be undone, so it is told, until a person accepts it. */
import { afterEach, describe, expect, it } from 'vitest';
import { type Member, SimulatedCluster } from '../support/simulation/cluster.ts';

const calm = { lossShare: 0, repeatShare: 0, delayMinMs: 0.2, delayMaxMs: 2, noticeMs: 100 };

let cluster: SimulatedCluster;

async function start(nodeCount = 3): Promise<Member[]> {
  cluster = new SimulatedCluster(7, {
    nodeCount,
    readLevel: 'QUORUM',
    writeLevel: 'QUORUM',
    conflicts: 'siblings',
    sloppy: false,
    network: { ...calm },
    clockSkewMaxMs: 0,
    diskDelayMaxMs: 1,
    antiEntropyTickMs: 500,
  });
  await cluster.startAll();
  return cluster.members;
}

afterEach(() => {
  for (const member of cluster.members) if (member.node !== null) cluster.crash(member);
});

async function wipe(...victims: Member[]): Promise<void> {
  for (const victim of victims) {
    cluster.crash(victim);
    victim.disk.wipe();
  }
  await cluster.time.advance(300);
  for (const victim of victims) await cluster.time.until(cluster.start(victim));
}

const lostAt = (member: Member) =>
  new Set(member.node!.possibleLosses().flatMap(({ partitions }) => partitions));

const lossCount = (member: Member) =>
  member.node!.possibleLosses().reduce((sum, { partitions }) => sum + partitions.length, 0);

async function untilWhole(): Promise<void> {
  for (let turn = 0; turn < 120 && !(await cluster.time.until(cluster.isWhole())); turn++) {
    await cluster.time.advance(500);
  }
}

describe('of three replicas', () => {
  it('one that loses its data loses nobody’s writes, and nothing is told', async () => {
    const [a, b] = await start();
    for (let key = 0; key < 20; key++) await cluster.time.until(cluster.write(a, `key-${key}`, 'v', 'held'));
    await wipe(b);
    await untilWhole();
    expect(cluster.members.map(lossCount)).toEqual([0, 0, 0]);
  });

  it('two that lose their data at once may have lost acknowledged writes: every partition is named, until accepted', async () => {
    const [, b, c] = await start();
    await wipe(b, c);
    await untilWhole();
    expect(await cluster.time.until(cluster.isWhole())).toBe(true);
    // Whichever of the two gets a partition back first has seen that the other lacked it.
    const told = [b, c].map(lostAt);
    expect(new Set(told.flatMap((partitions) => [...partitions])).size).toBe(1_024);
    for (const [index, member] of [b, c].entries()) {
      cluster.crash(member);
      await cluster.time.until(cluster.start(member));
      expect(lostAt(member)).toEqual(told[index]);
      const { losses } = await cluster.time.until(member.node!.acceptLoss());
      expect(losses.flatMap(({ partitions }) => partitions)).toHaveLength(told[index].size);
      expect(lossCount(member)).toBe(0);
    }
  });

  it('two that lose their data one after the other lose nobody’s writes either', async () => {
    const [, b, c] = await start();
    await wipe(b);
    await untilWhole();
    await wipe(c);
    await untilWhole();
    expect(cluster.members.map(lossCount)).toEqual([0, 0, 0]);
  });

  it('two that lost their data wait for the third, until a person says that it is gone for good', async () => {
    const [a, b, c] = await start();
    await cluster.time.until(cluster.write(a, 'key', 'v', 'held'));
    await wipe(b, c);
    cluster.crash(a);
    await cluster.time.advance(30_000);
    expect(b.node!.waitsFor()).toEqual([1]);
    await expect(cluster.time.until(cluster.read(b, 'key'))).rejects.toMatchObject({
      code: 'quorum-not-met',
    });
    for (const member of [b, c]) {
      const { notHeard } = await cluster.time.until(member.node!.acceptLoss());
      expect(notHeard.map(({ peer }) => peer)).toEqual([1]);
    }
    await cluster.time.until(cluster.write(b, 'key', 'new', 'held'));
    expect(await cluster.time.until(cluster.read(c, 'key'))).toEqual(['new']);
  });
});
