import { describe, expect, it } from 'vitest';
import type { Layout } from '../../../core/layout/layout.ts';
import { PossibleLosses } from '../../../core/node/possible-losses.ts';
import { topologyOf } from '../../../core/replication/topology.ts';
import { layoutOf, withKeyspace } from '../../support/layouts.ts';
import { LogCapture } from '../../support/log-capture.ts';
import { SeededRandom } from '../../support/seeded-random.ts';
import { SimulatedDisk } from '../../support/simulated-disk.ts';
import { VirtualTime } from '../../support/virtual-time.ts';

class Ward {
  readonly time = new VirtualTime();
  readonly log = new LogCapture();
  readonly disk = new SimulatedDisk({ timers: this.time, random: new SeededRandom(1) });
  layout: Layout = layoutOf({ here: 3 });

  open(): Promise<PossibleLosses> {
    const { disk, time, log } = this;
    const topology = () => topologyOf(this.layout, 1);
    return this.time.until(PossibleLosses.open({ disk, timers: time, log, topology }, 1));
  }
}

const lost = (partitions: number[]) => [{ keyspace: 0, partitions }];

describe('an acknowledged write', () => {
  it('may be gone once so many replicas have lost their data as a write needs, not before', async () => {
    const ward = new Ward();
    const losses = await ward.open();
    losses.lostHere(0, 5);
    expect(losses.all()).toEqual([]);
    losses.lostTogether(0, 5, 2);
    losses.lostTogether(0, 5, 2);
    expect(losses.all()).toEqual(lost([5]));
    expect(ward.log.errors).toHaveLength(1);
  });

  it('may be gone with this replica alone where one was enough', async () => {
    const ward = new Ward();
    ward.layout = withKeyspace(ward.layout, { writeLevel: 'ONE' });
    const losses = await ward.open();
    losses.lostHere(0, 9);
    losses.lostHere(0, 5);
    expect(losses.all()).toEqual(lost([5, 9]));
    expect(ward.log.errors).toHaveLength(1);
  });

  it('is not gone where this replica had got its data back before another lost its own', async () => {
    const ward = new Ward();
    ward.layout = withKeyspace(ward.layout, { writeLevel: 'ALL' });
    const losses = await ward.open();
    losses.lostTogether(0, 5, 2);
    losses.isBack(0, 5);
    losses.lostTogether(0, 5, 3);
    expect(losses.all()).toEqual([]);
  });

  it('stays possibly gone over a restart, until a person accepts it or its keyspace is dropped', async () => {
    const ward = new Ward();
    (await ward.open()).lostTogether(0, 5, 2);
    await ward.time.advance(10);
    const again = await ward.open();
    expect(again.all()).toEqual(lost([5]));
    ward.layout = { ...ward.layout, keyspaces: [] };
    expect(again.all()).toEqual([]);
    await ward.time.until(again.accept());
    ward.layout = layoutOf({ here: 3 });
    expect((await ward.open()).all()).toEqual([]);
  });

  it.each(['', '{', 'null', '{"losses":7}', '{"losses":[{"keyspace":0,"partitions":[-1,1024,"x"]}]}'])(
    'is not told of by a damaged file: %s',
    async (text) => {
      const ward = new Ward();
      await ward.time.until(ward.disk.replaceFile('possible-losses.json', Buffer.from(text)));
      expect((await ward.open()).all()).toEqual([]);
    },
  );
});
