import { describe, expect, it } from 'vitest';
import type { Layout } from '../../../core/layout/layout.ts';
import { alterKeyspace } from '../../../core/layout/layout.ts';
import { KeptFile } from '../../../core/node/kept-file.ts';
import { layoutFile, readKeptHistory } from '../../../core/node/kept-layout.ts';
import { NodeLayouts } from '../../../core/node/node-layouts.ts';
import { ReadEligibility } from '../../../core/replication/replica/read-eligibility.ts';
import { layoutOf } from '../../support/layouts.ts';
import { LogCapture } from '../../support/log-capture.ts';
import { SeededRandom } from '../../support/seeded-random.ts';
import { SimulatedDisk } from '../../support/simulated-disk.ts';
import { VirtualTime } from '../../support/virtual-time.ts';

const first = layoutOf({ here: 3 });
/** With fewer copies, so that some partition moves somewhere. */
const second = alterKeyspace(first, '', 'default', { factors: { here: 1 } });
const third = alterKeyspace(second, '', 'default', { factors: { here: 3 } });

const lived = (layout: Layout) => ({ layout, digest: String(layout.version) });

class Shelf {
  readonly time = new VirtualTime();
  readonly log = new LogCapture();
  readonly disk = new SimulatedDisk({ timers: this.time, random: new SeededRandom(1) });
  readonly eligibility = new ReadEligibility({ onWhole() {}, onLost() {}, onBack() {} });

  open(given: Layout, isKnown = true): Promise<NodeLayouts> {
    return this.time.until(
      NodeLayouts.open({ ...this, timers: this.time }, { nodeId: 1, isKnown }, [lived(given)]),
    );
  }

  async followed(given: Layout, isKnown = true): Promise<NodeLayouts> {
    const layouts = await this.open(given, isKnown);
    layouts.follow(this.eligibility);
    await this.time.advance(10);
    return layouts;
  }

  /** The versions that are kept, and how far this node had come. */
  async kept() {
    const history = await this.time.until(readKeptHistory(this.disk, this.log));
    const { ack, sync } = history!.trackers.get(1)!;
    return { versions: history!.live.map(({ layout }) => layout.version), ack, sync };
  }
}

describe('a kept file', () => {
  const fileOf = ({ disk, time, log }: Shelf) => new KeptFile({ disk, timers: time, log }, 'state.json');
  const held = (shelf: Shelf) => JSON.parse(shelf.disk.contentOf('state.json').toString());

  it('holds the newest state, however many are asked for while one is being written', async () => {
    const shelf = new Shelf();
    shelf.disk.faults.delayMaxMs = 50;
    const file = fileOf(shelf);
    const all = [1, 2, 3].map((state) => file.keep(state));
    await shelf.time.until(Promise.all(all));
    expect(held(shelf)).toBe(3);
  });

  it('asks a disk again that does not take it, and warns each time', async () => {
    const shelf = new Shelf();
    shelf.disk.faults.capacityBytes = 0;
    const file = fileOf(shelf);
    const kept = file.keep('old');
    await shelf.time.advance(1_500);
    void file.keep('new');
    expect(shelf.log.warnings).toHaveLength(2);
    shelf.disk.faults.capacityBytes = 1_000;
    await shelf.time.until(kept);
    expect(held(shelf)).toBe('new');
  });

  it('gives up when it is closed', async () => {
    const shelf = new Shelf();
    shelf.disk.faults.capacityBytes = 0;
    const file = fileOf(shelf);
    const kept = file.keep('state');
    file.close();
    await shelf.time.until(kept);
    expect(shelf.log.warnings).toHaveLength(1);
  });
});

describe('the layouts of a node', () => {
  it('are those it was given when it is new, settled at once', async () => {
    const shelf = new Shelf();
    const layouts = await shelf.followed(first, false);
    expect(layouts.topology.layout).toEqual(first);
    expect(shelf.eligibility.isWhole).toBe(true);
    expect(await shelf.kept()).toEqual({ versions: [1], ack: 1, sync: 1 });
  });

  it('do not go back to an older one that its host gives it', async () => {
    const shelf = new Shelf();
    await shelf.followed(second, false);
    expect((await shelf.open(first)).topology.layout).toEqual(second);
    expect((await shelf.open(third)).topology.layout).toEqual(third);
  });

  it('are those it is given where the kept one is of another cluster, or has no place for it', async () => {
    for (const changes of [{ clusterId: 'other' }, { nodes: second.nodes.filter(({ id }) => id !== 1) }]) {
      const shelf = new Shelf();
      const text = JSON.stringify({ format: 1, layout: { ...second, ...changes }, settled: 'newest' });
      await shelf.time.until(shelf.disk.replaceFile(layoutFile, Buffer.from(text)));
      expect((await shelf.open(first)).topology.layout).toEqual(first);
    }
  });

  it('keep the older one until everybody has let go of it, and know after a restart what is missing', async () => {
    const shelf = new Shelf();
    const layouts = await shelf.followed(second, false);
    await shelf.time.until(layouts.learn([lived(second), lived(third)], new Map()));
    expect(shelf.eligibility.isWhole).toBe(false);
    expect(await shelf.kept()).toMatchObject({ versions: [2, 3], sync: 2 });
    const missing = shelf.eligibility.missingCount;
    const again = new Shelf();
    await again.time.until(again.disk.replaceFile(layoutFile, shelf.disk.contentOf(layoutFile)));
    const reopened = await again.followed(third);
    expect(again.eligibility.missingCount).toBe(missing);
    expect(reopened.topology.live.map(({ version }) => version)).toEqual([2, 3]);
    expect(reopened.topology.reading.version).toBe(2);
  });

  it('are told to others once they are on disk, with what this node says of itself', async () => {
    const shelf = new Shelf();
    const layouts = await shelf.followed(second, false);
    const told = () => layouts.keptHistory.live.map(({ layout }) => layout.version);
    shelf.disk.faults.capacityBytes = 0;
    const learnt = layouts.learn([lived(second), lived(third)], new Map());
    await shelf.time.advance(5_000);
    expect(layouts.topology.layout.version).toBe(third.version);
    expect(told()).toEqual([2]);
    expect(layouts.keptHistory.trackers.get(1)).toMatchObject({ ack: 2 });
    shelf.disk.faults.capacityBytes = Number.POSITIVE_INFINITY;
    await shelf.time.until(learnt);
    expect(told()).toEqual([2, 3]);
  });

  it('of a version that kept one alone are taken where nothing was missing, and unknown where something was', async () => {
    for (const [settled, isWhole] of [
      ['newest', true],
      [first, false],
      [null, false],
    ] as const) {
      const shelf = new Shelf();
      const text = JSON.stringify({ format: 1, layout: second, settled });
      await shelf.time.until(shelf.disk.replaceFile(layoutFile, Buffer.from(text)));
      const layouts = await shelf.followed(second);
      expect(layouts.topology.layout).toEqual(second);
      expect(shelf.eligibility.isWhole).toBe(isWhole);
    }
  });

  it.each([
    ['missing', null],
    ['cut off', '{"format":1,"layout":'],
    ['of another shape', '[]'],
  ])('count a file that is %s as unknown: a node that was here before hears everybody', async (_, text) => {
    const shelf = new Shelf();
    if (text !== null) await shelf.time.until(shelf.disk.replaceFile(layoutFile, Buffer.from(text)));
    await shelf.followed(first);
    expect(shelf.eligibility.isWhole).toBe(false);
    expect(
      shelf.eligibility
        .wanted()
        .map(({ peer }) => peer)
        .sort(),
    ).toEqual([2, 3]);
    expect(shelf.eligibility.missingCount).toBe(1_024);
    expect(shelf.log.warnings).toHaveLength(text === null ? 0 : 1);
  });

  it('are not guessed while the disk does not answer', async () => {
    const shelf = new Shelf();
    await shelf.followed(first, false);
    shelf.disk.faults.failNextReads = 1;
    await expect(shelf.open(first)).rejects.toMatchObject({ code: 'disk-failed' });
  });
});
