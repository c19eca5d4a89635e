/** Changes of nodes on their way: what is drawn for them, what is applied and taken back, and how far the data is. */
import { beforeEach, describe, expect, it } from 'vitest';
import type { NodeMoves } from '../../../core/contract/layout-views.ts';
import { LayoutService } from '../../../core/host/layouts/layout-service.ts';
import { digestOf } from '../../../core/host/layouts/layout-store.ts';
import { Staging } from '../../../core/host/layouts/staging.ts';
import type { LocalNode, NodeHandle } from '../../../core/host/nodes/node-handle.ts';
import { removeComputer, removeNode } from '../../../core/layout/changes.ts';
import { type Layout, type LayoutNode, nextLayout } from '../../../core/layout/layout.ts';
import type { LayoutReport } from '../../../core/node-process/messages.ts';
import { layoutOf } from '../../support/layouts.ts';
import { SeededRandom } from '../../support/seeded-random.ts';
import { SimulatedDisk } from '../../support/simulated-disk.ts';
import { VirtualTime } from '../../support/virtual-time.ts';

const first = layoutOf({ here: 5 });

/** A node that is down: nobody waits for it to take a layout. */
class Handle {
  layouts: LayoutReport | null = null;
  readonly node: LayoutNode;
  constructor(node: LayoutNode) {
    this.node = node;
  }
  figures: object | null = null;
  status = () => ({ state: this.figures === null ? 'down' : 'up', figures: this.figures });
  offerLayouts = () => {};
}

let time: VirtualTime;
let handles: Handle[];
let service: LayoutService;
let disk: SimulatedDisk;
let added: string[];

const opened = (own: readonly string[] = [first.computers[0].id]) =>
  time.until(
    Staging.open({
      ...{ layouts: service, disk, clock: time, random: new SeededRandom(3), ownComputers: new Set(own) },
      nodes: () => handles as unknown as NodeHandle[],
      addComputers: async (ids) => void added.push(...ids),
    }),
  );

beforeEach(() => {
  time = new VirtualTime();
  handles = first.nodes.map((node) => new Handle(node));
  added = [];
  disk = new SimulatedDisk({ timers: time, random: new SeededRandom(1) });
  service = new LayoutService(
    {
      ...{ disk, timers: time, nodes: () => handles as unknown as LocalNode[] },
      ...{ changed() {}, released() {}, lost() {}, elsewhere: () => [] },
    },
    [{ layout: first, digest: digestOf(first) }],
  );
});

describe('a node that is added', () => {
  it('gets no name that a node still has which is leaving', async () => {
    const [leaving] = first.nodes;
    await time.until(service.change((layout, digest) => removeNode(layout, digest, leaving.name, false)));
    const staging = await opened();
    await time.until(staging.stage([{ kind: 'add-nodes', count: 3, weight: 1 }]));
    await time.until(staging.apply('a test'));
    const names = service.present.nodes.map(({ name }) => name);
    expect(names).toHaveLength(7);
    expect(names).not.toContain(leaving.name);
  });

  it('gets none either of one that has left and still runs', async () => {
    handles.push(new Handle({ ...first.nodes[0], id: 99, name: 'node-6' }));
    const staging = await opened();
    await time.until(staging.stage([{ kind: 'add-nodes', count: 1, weight: 1 }]));
    await time.until(staging.apply('a test'));
    expect(service.present.nodes.map(({ name }) => name)).not.toContain('node-6');
  });

  it('in the place of one that is dead is of a computer that the layout knows', async () => {
    const staging = await opened(['another computer']);
    await time.until(staging.stage([{ kind: 'replace-node', node: first.nodes[2].name }]));
    await time.until(staging.apply('a test'));
    const { nodes, computers } = service.present;
    const known = new Set(computers.map(({ id }) => id));
    expect(nodes.every(({ computer }) => known.has(computer))).toBe(true);
    expect(added).toHaveLength(1);
  });
});

it('what is staged is there after a restart, with the same ids, and what was applied can be taken back', async () => {
  const before = await opened();
  const { nodes } = await time.until(before.stage([{ kind: 'add-nodes', count: 2, weight: 1 }]));
  const again = await opened();
  expect(again.preview().nodes).toEqual(nodes);
  const { version } = await time.until(again.apply('a test'));
  expect(again.history().map((entry) => entry.version)).toEqual([version]);
  const movesIn = (rows: readonly NodeMoves[]) => rows.map(({ gains, releases }) => ({ gains, releases }));
  expect(movesIn(again.preview().underWay)).toEqual(movesIn(nodes));
  const last = await opened();
  await time.until(last.revert());
  expect(service.present.nodes).toEqual(first.nodes);
  expect(service.present.rings).toEqual(first.rings);
  expect(last.history()).toEqual([]);
});

it('a decision that concerns no nodes is told with who it was, and stays when nodes are taken back', async () => {
  const staging = await opened();
  await time.until(staging.stage([{ kind: 'add-nodes', count: 1, weight: 1 }]));
  await time.until(staging.apply('anna'));
  const renamed = (layout: Layout, digest: string) => nextLayout(layout, digest, { clusterName: 'other' });
  await time.until(staging.decide(renamed, 'It has another name', 'ben'));
  const again = await opened();
  expect(again.history().map(({ by, changes }) => [by, changes])).toEqual([
    ['ben', ['It has another name']],
    ['anna', ['Add node-6']],
  ]);
  await time.until(again.revert());
  expect(service.present.nodes).toEqual(first.nodes);
  expect(service.present.clusterName).toBe('other');
  expect(again.history().map(({ by }) => by)).toEqual(['ben']);
  await expect(time.until(again.revert())).rejects.toThrow('There is no change of nodes to take back.');
});

describe('a computer that is out', () => {
  /** Each node on a computer of its own. */
  const [kept, other] = first.computers;

  it('is not let in again by taking back what was changed before', async () => {
    const staging = await opened();
    await time.until(staging.stage([{ kind: 'weigh-node', node: first.nodes[0].name, weight: 2 }]));
    await time.until(staging.apply('anna'));
    for (const isDead of [true, false]) {
      const out = isDead ? other.id : first.computers[2].id;
      await time.until(service.change((layout, digest) => removeComputer(layout, digest, out, { isDead })));
      await expect(time.until((await opened()).revert())).rejects.toThrow('was taken out since');
      expect(service.present.computers.map(({ id }) => id)).not.toContain(out);
    }
    expect(service.present.computers.map(({ id }) => id)).toContain(kept.id);
  });

  it('is back where it went with its last node by the change that is taken back', async () => {
    const staging = await opened();
    const own = first.nodes.filter(({ computer }) => computer === other.id);
    const changes = own.map(({ name }) => ({ kind: 'remove-node', node: name, dead: false }) as const);
    await time.until(staging.stage(changes));
    await time.until(staging.apply('anna'));
    expect(service.present.computers.map(({ id }) => id)).not.toContain(other.id);
    await time.until((await opened()).revert());
    expect(service.present.computers.map(({ id }) => id)).toContain(other.id);
  });
});

it('what is staged goes by itself when that is wanted, it is new nodes only, and nothing is against it', async () => {
  const staging = await opened();
  const stage = (change: Parameters<Staging['stage']>[0][number]) => time.until(staging.stage([change]));
  await stage({ kind: 'add-nodes', count: 1, weight: 1 });
  expect(staging.goesByItself).toBe(false);
  await time.until(service.change((layout, digest) => nextLayout(layout, digest, { joinsByItself: true })));
  expect(staging.goesByItself).toBe(true);
  await stage({ kind: 'remove-node', node: first.nodes[0].name, dead: false });
  expect(staging.goesByItself).toBe(false);
  await time.until(staging.unstage());
  expect(staging.goesByItself).toBe(false);
});

it('bytes that nodes receive after a change has ended are none of it', async () => {
  const staging = await opened();
  const report = (receivedBytes: number): LayoutReport => ({
    ...{ version: 2, live: [2], trackers: [], lacking: 0, open: [], receivedBytes, moving: [] },
  });
  handles[0].layouts = report(500);
  await time.until(staging.stage([{ kind: 'weigh-node', node: first.nodes[0].name, weight: 2 }]));
  await time.until(staging.apply('a test'));
  handles[0].layouts = report(1_700);
  await time.advance(2_000);
  const bytesMoved = () => staging.view(String).progress.bytesMoved;
  expect(bytesMoved()).toBe(1_200);
  // As once all nodes have said that they have their share.
  const live = service.live.slice(-1);
  Object.defineProperty(service, 'live', { get: () => live });
  staging.settled();
  handles[0].layouts = report(9_000);
  await time.advance(60_000);
  expect(bytesMoved()).toBe(1_200);
  await time.until(staging.stage([{ kind: 'weigh-node', node: first.nodes[1].name, weight: 2 }]));
  expect(staging.preview().durationMs).toBe(0);
});

it('reckons what a copy takes by the nodes that say what they hold, and not for those that are away', async () => {
  const staging = await opened();
  const holds = (diskBytes: number) => ({ diskBytes, coldDiskBytes: 0, coldRawBytes: 0, deadBytes: 0 });
  const preview = async () => {
    for (const handle of handles) handle.figures = holds(1_024_000);
    await time.until(staging.stage([{ kind: 'add-nodes', count: 1, weight: 1 }]));
    const whole = staging.preview().moves;
    handles[0].figures = null;
    return [whole, staging.preview().moves];
  };
  const [whole, without] = await preview();
  expect(whole.bytes).toBeGreaterThan(0);
  // The others hold as much of each partition as before: so does the node that is away.
  expect(without.bytes / whole.bytes).toBeCloseTo(1, 1);
});
