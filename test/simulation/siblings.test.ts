/** Siblings that several nodes took while they were apart: more than any of them would take alone, and they come together. */
import { afterEach, describe, expect, it } from 'vitest';
import { siblingCountMax } from '../../core/versions/sibling-limits.ts';
import { SimulatedCluster } from '../support/simulation/cluster.ts';

const calm = { lossShare: 0, repeatShare: 0, delayMinMs: 0.2, delayMaxMs: 2, noticeMs: 300 };

let cluster: SimulatedCluster;

afterEach(() => {
  for (const member of cluster.members) if (member.node !== null) cluster.crash(member);
});

describe('three nodes apart that each take blind writes of one key up to the limit', () => {
  it('come to the same siblings afterwards, refuse more, and take the write that replaces them all', async () => {
    cluster = new SimulatedCluster(7, {
      nodeCount: 3,
      readLevel: 'ONE',
      writeLevel: 'ONE',
      conflicts: 'siblings',
      sloppy: false,
      network: { ...calm },
      clockSkewMaxMs: 0,
      diskDelayMaxMs: 2,
      antiEntropyTickMs: 1_000,
    });
    const { time, network, members } = cluster;
    await cluster.startAll();
    const pairs = members.flatMap((a) =>
      members.filter((b) => a.id < b.id).map((b) => [a.id, b.id] as const),
    );
    for (const [a, b] of pairs) network.cut(a, b);
    await time.advance(2_000);
    const write = (index: number, value: string, context: string) =>
      time.until(cluster.write(members[index], 'key', value, { context }));
    for (const [index] of members.entries()) {
      for (let turn = 0; turn < siblingCountMax; turn++) await write(index, `${index}.${turn}`, '');
      await expect(write(index, 'one more', '')).rejects.toMatchObject({ code: 'too-many-siblings' });
    }
    network.heal();
    await time.advance(60_000);
    for (const member of members) {
      expect(await time.until(cluster.read(member, 'key'))).toHaveLength(3 * siblingCountMax);
    }
    expect(await time.until(cluster.divergent())).toEqual([]);
    await expect(write(0, 'one more', '')).rejects.toMatchObject({ code: 'too-many-siblings' });
    const { context } = await time.until(cluster.readWithContext(members[1], 'key'));
    await write(0, 'chosen', context);
    await time.advance(5_000);
    for (const member of members) expect(await time.until(cluster.read(member, 'key'))).toEqual(['chosen']);
  });
});
