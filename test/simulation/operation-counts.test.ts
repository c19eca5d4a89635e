/** What a coordinator counts of its clients' reads and writes, and a node of what it holds. */
import { afterEach, describe, expect, it } from 'vitest';
import { SimulatedCluster } from '../support/simulation/cluster.ts';

let cluster: SimulatedCluster;

afterEach(() => {
  for (const member of cluster.members) if (member.node !== null) cluster.crash(member);
});

describe('a node', () => {
  it('counts reads and writes by level and outcome, siblings, and what is deleted', async () => {
    cluster = new SimulatedCluster(11, {
      nodeCount: 3,
      readLevel: 'QUORUM',
      writeLevel: 'ALL',
      conflicts: 'siblings',
      sloppy: false,
      network: { lossShare: 0, repeatShare: 0, delayMinMs: 0.2, delayMaxMs: 2, noticeMs: 300 },
      clockSkewMaxMs: 0,
      diskDelayMaxMs: 2,
    });
    await cluster.startAll();
    const { time, members, keyspace } = cluster;
    const [first, , third] = members;
    const write = (key: string, value: string) =>
      time.until(cluster.write(first, key, value, { context: '' }));
    await write('a', 'one');
    await write('a', 'beside it');
    await time.until(cluster.read(first, 'a'));
    // At the node that is asked: what replaces all that a quorum knows is coordinated where all meet.
    await time.until(cluster.change(first, { key: 'a', basis: 'held', decide: () => ({ kind: 'delete' }) }));
    const node = first.node!;
    const dead = () => node.deadRecordsOf(node.engine.statistics());
    expect(dead()).toBe(1);
    cluster.crash(third);
    await time.advance(2_000);
    await expect(write('b', 'refused')).rejects.toMatchObject({ code: 'quorum-not-met' });
    const put = { kind: 'put', value: Buffer.from('owed'), expiresAtMs: 0 } as const;
    await time.until(cluster.change(first, { key: 'b', basis: 'held', level: 'QUORUM', decide: () => put }));
    // The hint for the one that is away is the node's own, and none of what clients deleted.
    expect(node.parts.hints.targets()).not.toEqual([]);
    expect(dead()).toBe(1);
    const counts = { keyspace: keyspace.name, failed: 0 };
    expect(node.store.operations.list()).toEqual([
      { ...counts, kind: 'read', level: 'QUORUM', ok: 1, refused: 0 },
      { ...counts, kind: 'write', level: 'QUORUM', ok: 1, refused: 0 },
      { ...counts, kind: 'write', level: 'ALL', ok: 3, refused: 1 },
    ]);
    expect(node.parts.counters).toMatchObject({ siblingReads: 1, siblingWrites: 1 });
  });
});
