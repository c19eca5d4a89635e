/** What a write on a condition promises, and what it does not, on real nodes in virtual time. */
import { afterEach, describe, expect, it } from 'vitest';
import type { ConsistencyLevel } from '../../core/base/levels.ts';
import type { LiveValue, Mutation } from '../../core/ports/key-value-store.ts';
import { SimulatedCluster } from '../support/simulation/cluster.ts';

let cluster: SimulatedCluster;

async function start(level: ConsistencyLevel): Promise<void> {
  cluster = new SimulatedCluster(11, {
    readLevel: level,
    writeLevel: level,
    conflicts: 'siblings',
    sloppy: false,
    nodeCount: 3,
    network: { lossShare: 0, repeatShare: 0, delayMinMs: 0.2, delayMaxMs: 2, noticeMs: 100 },
    clockSkewMaxMs: 0,
    diskDelayMaxMs: 1,
  });
  await cluster.startAll();
}

afterEach(() => {
  for (const member of cluster.members) if (member.node !== null) cluster.crash(member);
});

const patiently = <T>(promise: Promise<T>) => cluster.time.until(cluster.within(promise, 4_000));
const read = (index: number) => patiently(cluster.readWithContext(cluster.members[index], 'key'));

/** Whether it was written. `onlyIf` null: only where no value is. */
async function tryWrite(index: number, value: string, onlyIf: string | null): Promise<boolean> {
  const put: Mutation = { kind: 'put', value: Buffer.from(value), expiresAtMs: 0 };
  const decide = ({ length }: readonly LiveValue[]): Mutation =>
    (onlyIf === null) === (length === 0) ? put : { kind: 'none' };
  const condition = onlyIf === null ? {} : { onlyIf };
  const { result } = await cluster.change(cluster.members[index], {
    ...{ key: 'key', basis: 'quorum', decide },
    ...condition,
  });
  return result.written;
}

/** Three at each node, at once. */
const allAtOnce = (onlyIf: string | null) =>
  patiently(Promise.all(Array.from({ length: 9 }, (_, turn) => tryWrite(turn % 3, `value-${turn}`, onlyIf))));

describe('writes on a condition', () => {
  it('of many that create, or build on one context, at all nodes at once, one is made', async () => {
    await start('QUORUM');
    expect((await allAtOnce(null)).filter(Boolean)).toHaveLength(1);
    for (let round = 0; round < 5; round++) {
      const { values, context } = await read(round % 3);
      expect(values).toHaveLength(1);
      expect((await allAtOnce(context)).filter(Boolean)).toHaveLength(1);
    }
  });

  it('on both sides of a partition are both made at a level that needs no majority, and none is lost', async () => {
    await start('ONE');
    await patiently(tryWrite(0, 'before', null));
    await cluster.time.advance(500);
    const { context } = await read(0);
    const [alone, ...others] = cluster.members;
    for (const other of others) cluster.network.cut(alone.id, other.id);
    await cluster.time.advance(500);
    expect(await patiently(tryWrite(0, 'left', context))).toBe(true);
    expect(await patiently(tryWrite(1, 'right', context))).toBe(true);
    cluster.network.heal();
    await cluster.time.advance(10_000);
    const both = await patiently(cluster.readWithContext(alone, 'key', { level: 'ALL' }));
    expect([...both.values].sort()).toEqual(['left', 'right']);
    // Whoever saw one side only is refused; whoever saw both resolves it.
    expect(await patiently(tryWrite(0, 'late', context))).toBe(false);
    expect(await patiently(tryWrite(1, 'merged', both.context))).toBe(true);
  });

  it('on the side of a partition that has no majority are refused at QUORUM', async () => {
    await start('QUORUM');
    await patiently(tryWrite(0, 'before', null));
    const { context } = await read(0);
    const [alone, ...others] = cluster.members;
    for (const other of others) cluster.network.cut(alone.id, other.id);
    await cluster.time.advance(500);
    await expect(patiently(tryWrite(0, 'left', context))).rejects.toMatchObject({ code: 'quorum-not-met' });
    expect(await patiently(tryWrite(1, 'right', context))).toBe(true);
    cluster.network.heal();
    await cluster.time.advance(10_000);
    expect((await read(0)).values).toEqual(['right']);
  });
});
