/** The layout of a computer: changes in a row, what a refusing disk leaves, and how nodes come to the newest. */
import { beforeEach, describe, expect, it } from 'vitest';
import { CoterieError } from '../../../core/base/errors.ts';
import { LayoutService } from '../../../core/host/layouts/layout-service.ts';
import { digestOf } from '../../../core/host/layouts/layout-store.ts';
import { LocalNode } from '../../../core/host/nodes/node-handle.ts';
import type { NodeSupervisor } from '../../../core/host/nodes/node-supervisor.ts';
import { firstLayout, type Layout } from '../../../core/layout/layout.ts';
import type { LayoutReport, ToNode } from '../../../core/node-process/messages.ts';
import type { Disk } from '../../../core/ports/disk.ts';
import { VirtualTime } from '../../support/virtual-time.ts';

const first = firstLayout({
  clusterId: 'cluster',
  clusterName: 'first',
  createdAtMs: 0,
  computers: [{ id: 'a', name: 'a', dataCenter: 'office' }],
  nodes: [{ id: 1, name: 'node-1', computer: 'a', dataCenter: 'office', weight: 1 }],
});
const named = (name: string) => (layout: Layout, digest: string) => ({
  ...layout,
  clusterName: name,
  version: layout.version + 1,
  parent: digest,
});

const reportOf = (version: number): LayoutReport => ({
  version,
  live: [version],
  trackers: [],
  lacking: 0,
  open: [],
  receivedBytes: 0,
  moving: [],
});

let time: VirtualTime;
let refusal: CoterieError | null;
let written: string[];
let sent: number[];
let state: string;
let node: LocalNode;
let lost: number[];
let asked: number;
let service: LayoutService;
beforeEach(() => {
  time = new VirtualTime();
  refusal = null;
  written = [];
  sent = [];
  lost = [];
  asked = 0;
  state = 'up';
  const supervisor = {
    status: () => ({ state }),
    members: [],
    send: (message: ToNode) => {
      if (message.type === 'layout') sent.push(message.live.at(-1)!.layout.version);
      if (message.type === 'tell-layouts') asked++;
    },
  } as unknown as NodeSupervisor;
  node = new LocalNode(first.nodes[0], supervisor, () => time.monotonicMs());
  const disk = {
    replaceFile: async (path: string) => {
      if (refusal !== null) throw refusal;
      written.push(path);
    },
  } as unknown as Disk;
  service = new LayoutService(
    {
      ...{ disk, timers: time, nodes: () => [node] },
      changed: () => {},
      released: () => {},
      elsewhere: () => [],
      lost: ({ version }) => lost.push(version),
    },
    [{ layout: first, digest: digestOf(first) }],
  );
});

describe('a change of the layout', () => {
  it('is durable twice, and over once every node that is up goes by it', async () => {
    let done = false;
    const change = service.change(named('second')).then(() => {
      done = true;
    });
    await time.advance(100);
    expect([written, sent, done]).toEqual([['layout.json', 'layout.copy.json'], [2], false]);
    service.holds(node, reportOf(2));
    await time.advance(1);
    await change;
    expect(service.present.clusterName).toBe('second');
  });

  it('does not wait for ever for a node that does not take it, nor for one that is down', async () => {
    await time.until(service.change(named('second')));
    state = 'down';
    const startedMs = time.monotonicMs();
    await time.until(service.change(named('third')));
    expect(time.monotonicMs() - startedMs).toBeLessThan(100);
  });

  it('that the disk refuses has changed nothing, and the next one starts from what is there', async () => {
    state = 'down';
    refusal = new CoterieError('disk-full', 'The disk is full.');
    await expect(service.change(named('second'))).rejects.toMatchObject({ code: 'disk-full' });
    expect([service.present, sent]).toEqual([first, []]);
    refusal = null;
    await time.until(service.change(named('third')));
    expect([service.present.version, service.present.clusterName]).toEqual([2, 'third']);
  });

  it('follows the one before it, and names it as its parent', async () => {
    state = 'down';
    const parents: string[] = [];
    const noting = (name: string) => (layout: Layout, digest: string) => {
      parents.push(`${layout.clusterName} ${digest.length}`);
      return named(name)(layout, digest);
    };
    await time.until(Promise.all([service.change(noting('second')), service.change(noting('third'))]));
    expect(parents).toEqual(['first 64', 'second 64']);
    expect(service.present.version).toBe(3);
  });
});

describe('a node that says which layout it goes by', () => {
  it('is offered the present one when it is behind, each time after a longer wait', async () => {
    state = 'down';
    await time.until(service.change(named('second')));
    sent = [];
    for (let second = 0; second < 60; second++) {
      service.holds(node, reportOf(1));
      await time.advance(1_000);
    }
    expect(sent.length).toBeGreaterThan(3);
    expect(sent.length).toBeLessThan(9);
  });

  it('that is ahead is asked for what it has, and offered nothing', () => {
    service.holds(node, reportOf(9));
    expect([asked, sent]).toEqual([1, []]);
  });
});

describe('what another computer decided', () => {
  const elsewhere = (layout: Layout) => [{ layout, digest: digestOf(layout) }];

  it('is durable, goes to the nodes, and counts here from then on', async () => {
    const next = named('theirs')(first, digestOf(first));
    await time.until(service.learn(elsewhere(next), new Map()));
    expect([service.present, written, sent]).toEqual([next, ['layout.json', 'layout.copy.json'], [2]]);
    expect(lost).toEqual([]);
  });

  it('is told where it takes the place of what was decided here at the same moment', async () => {
    state = 'down';
    await time.until(service.change(named('ours')));
    // Of two layouts of one version the lower digest stands: so one of these does not.
    const rivals = ['a', 'b', 'c', 'd', 'e'].map((name) => named(name)(first, digestOf(first)));
    const own = digestOf(service.present);
    const wins = rivals.find((rival) => digestOf(rival) < own)!;
    await time.until(service.learn(elsewhere(wins), new Map()));
    expect([service.present, lost]).toEqual([wins, [2]]);
    await time.until(service.learn(elsewhere(first), new Map()));
    expect(service.present).toEqual(wins);
  });

  it('is not taken where it is of another cluster, or not what its name says', async () => {
    const next = named('theirs')(first, digestOf(first));
    const stranger = { ...next, clusterId: 'another' };
    await expect(service.learn(elsewhere(stranger), new Map())).rejects.toMatchObject({ code: 'bad-input' });
    const renamed = { ...next, clusterName: 'forged' };
    const forged = [{ layout: renamed, digest: digestOf(next) }];
    await expect(service.learn(forged, new Map())).rejects.toMatchObject({ code: 'bad-input' });
    expect([service.present, written]).toEqual([first, []]);
  });
});
