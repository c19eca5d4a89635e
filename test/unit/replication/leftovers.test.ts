import { describe, expect, it } from 'vitest';
import { addressOf, partitionOf, partitionStart } from '../../../core/base/token.ts';
import { Workers } from '../../../core/node/workers.ts';
import { scanPage } from '../../../core/ports/scan-page.ts';
import type { Writer } from '../../../core/replication/parts.ts';
import { Leftovers } from '../../../core/replication/replica/leftovers.ts';
import { LocalRecords } from '../../../core/replication/replica/local-records.ts';
import { topologyOf } from '../../../core/replication/topology.ts';
import { MemoryEngine } from '../../../core/storage/memory-engine.ts';
import { actorOf } from '../../../core/versions/version-set.ts';
import { HandNetwork } from '../../support/hand-network.ts';
import { layoutOf, withKeyspace } from '../../support/layouts.ts';
import { LogCapture } from '../../support/log-capture.ts';
import { recordBy } from '../../support/records.ts';
import { VirtualTime } from '../../support/virtual-time.ts';

/** Node 1 has no replica of anything any more. */
const layout = withKeyspace(layoutOf({ old: 1, here: 3 }), { factors: { here: 2 } });

const fixed = topologyOf(layout, 1);

const atOnce = { durability: 'always', newestOnly: false } as const;

async function attic(keys: readonly string[]) {
  const time = new VirtualTime();
  const network = new HandNetwork();
  const log = new LogCapture();
  const engine = new MemoryEngine({ clock: time, timers: time });
  const records = new LocalRecords(engine);
  const taken: string[] = [];
  const state = { topology: fixed, onGive: () => {} };
  /** As repair does it: the peer has what is held here of these partitions, if it can be reached. */
  const give = async (keyspace: number, partitions: readonly number[], peer: number) => {
    if (!network.isUp(peer)) return [];
    state.onGive();
    for (const partition of partitions) {
      const request = { keyspace, partition, fromPosition: partitionStart(partition), countMax: 100 };
      const { records: found } = await scanPage(engine, request);
      taken.push(...found.map(({ key }) => `${peer} ${key}`));
    }
    return partitions;
  };
  const writer: Writer = { actor: actorOf(1, 1), counterMax: 0, refusal: null };
  const workers = new Workers({ clock: time, timers: time, log, isBusy: () => false });
  let begun = false;
  const begin = () => {
    if (begun) workers.wake('leftovers');
    else workers.add(leftovers);
    begun = true;
  };
  const leftovers = new Leftovers({
    ...{ engine, records, writer, give, wake: begin },
    topology: () => state.topology,
  });
  for (const key of keys) {
    records.merge(addressOf(0, Buffer.from(key)), recordBy(1, 7), atOnce, () => {});
  }
  await time.advance(1);
  const count = () => engine.statistics().recordCount;
  return {
    time,
    network,
    records,
    leftovers,
    begin,
    end: () => workers.close(),
    taken,
    writer,
    state,
    count,
  };
}

const replicasOf = (key: string) =>
  fixed.keyspaces
    .get(0)!
    .replicas[partitionOf(addressOf(0, Buffer.from(key)).tokenHigh)].map(({ nodeId }) => nodeId);

describe('a record of a partition that is replicated elsewhere now', () => {
  it('is handed to every present replica, and then forgotten, with its event numbers kept', async () => {
    const { time, begin, end, leftovers, taken, writer, count } = await attic(['a', 'b', 'c']);
    begin();
    await time.advance(500);
    const expected = ['a', 'b', 'c'].flatMap((key) => replicasOf(key).map((node) => `${node} ${key}`));
    expect(taken.sort()).toEqual(expected.sort());
    expect(count()).toBe(0);
    expect(leftovers.handedOverCount).toBe(3);
    expect(writer.counterMax).toBe(7);
    end();
  });

  it('stays while one of them cannot be reached, and goes when it is back', async () => {
    const { time, network, begin, end, count } = await attic(['a']);
    const [one] = replicasOf('a');
    network.set(one, false);
    begin();
    await time.advance(5_000);
    expect(count()).toBe(1);
    network.set(one, true);
    await time.advance(2_000);
    expect(count()).toBe(0);
    end();
  });

  it('is told of to whoever asks whether nothing is held here', async () => {
    const { time, leftovers, end } = await attic(['a']);
    const partition = partitionOf(addressOf(0, Buffer.from('a')).tokenHigh);
    const other = (partition + 1) % 1_024;
    expect(await time.until(leftovers.holdsNothing(0, [partition, other]))).toEqual([false, true]);
    await time.advance(500);
    expect(await time.until(leftovers.holdsNothing(0, [partition, other]))).toEqual([true, true]);
    end();
  });

  it('stays when its partition changes while it is handed over, and goes with what came', async () => {
    const { time, state, records, begin, end, taken, count } = await attic(['{tag}a', '{tag}b']);
    let isLate = false;
    state.onGive = () => {
      // A coordinator that still goes by the old layout writes in between.
      if (!isLate) records.merge(addressOf(0, Buffer.from('{tag}late')), recordBy(2, 1), atOnce, () => {});
      isLate = true;
    };
    begin();
    await time.advance(900);
    expect(count()).toBe(3);
    await time.advance(5_000);
    expect(count()).toBe(0);
    expect(new Set(taken)).toEqual(
      new Set(
        ['{tag}a', '{tag}b', '{tag}late'].flatMap((key) => replicasOf(key).map((node) => `${node} ${key}`)),
      ),
    );
    end();
  });

  it('stays where this node is a replica', async () => {
    const { time, begin, end, taken, state, count } = await attic(['a']);
    state.topology = topologyOf(layoutOf({ old: 1, here: 3 }), 1);
    begin();
    await time.advance(500);
    expect(taken).toEqual([]);
    expect(count()).toBe(1);
    end();
  });
});
