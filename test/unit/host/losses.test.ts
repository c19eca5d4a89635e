/** What may be lost, on its way from a node to a person and back. */
import { beforeEach, describe, expect, it } from 'vitest';
import { healthOf } from '../../../core/gateway/http/health.ts';
import { metricsText } from '../../../core/gateway/http/metrics.ts';
import { createHandlers, type HostActions } from '../../../core/host/api-handlers.ts';
import { dispatch } from '../../../core/host/dispatch.ts';
import { acceptedInWords, LossBook } from '../../../core/host/view/loss-book.ts';
import { keyspaceViewOf } from '../../../core/host/view/views.ts';
import type { Layout } from '../../../core/layout/layout.ts';
import type { PossibleLoss } from '../../../core/node/possible-losses.ts';
import { lossFiguresOf, NodeLosses } from '../../../core/node-process/losses.ts';
import type { FromNode } from '../../../core/node-process/messages.ts';
import type { Wanted } from '../../../core/replication/replica/read-eligibility.ts';
import { FakeCluster } from '../../ui/fake-cluster.ts';

const layout = {
  nodes: [
    { id: 1, name: 'node-1' },
    { id: 2, name: 'node-2' },
    { id: 3, name: 'node-3' },
  ],
  keyspaces: [{ id: 7, name: 'orders' }],
} as unknown as Layout;

class PretendedNode {
  readonly layout = layout;
  lost: PossibleLoss[] = [];
  wanted: Wanted[] = [];
  /** What the disk is waited for. */
  disk: Promise<void> = Promise.resolve();

  possibleLosses(): PossibleLoss[] {
    return this.lost;
  }

  waitsFor(): number[] {
    return this.wanted.map(({ peer }) => peer);
  }

  async acceptLoss(): Promise<{ losses: PossibleLoss[]; notHeard: Wanted[] }> {
    const given = { losses: this.lost, notHeard: this.wanted };
    this.wanted = [];
    await this.disk;
    this.lost = [];
    return given;
  }
}

let node: PretendedNode;
let reached: number[];
let sent: FromNode[];
let accepting: number;
let accepted: number;
let losses: NodeLosses;
beforeEach(() => {
  node = new PretendedNode();
  reached = [];
  sent = [];
  accepting = 0;
  accepted = 0;
  losses = new NodeLosses({
    node,
    isReached: (id) => reached.includes(id),
    send: (message) => sent.push(message),
    onAccepting: () => accepting++,
    onAccepted: () => accepted++,
  });
});

const some = (...partitions: number[]): PossibleLoss => ({ keyspace: 7, partitions });

describe('a node', () => {
  it('tells its host at the start, then whenever what may be lost has changed', () => {
    losses.report();
    losses.report();
    node.lost = [some(1, 2)];
    losses.report();
    losses.report();
    expect(sent).toEqual([
      { type: 'losses', losses: [] },
      { type: 'losses', losses: [some(1, 2)] },
    ]);
  });

  it('puts names and counts into its figures', () => {
    node.lost = [some(1, 2), { keyspace: 99, partitions: [1] }];
    node.wanted = [{ keyspace: 7, peer: 1, partitions: [1] }];
    expect(lossFiguresOf(node)).toEqual({
      possibleLoss: [{ keyspace: 'orders', partitions: 2 }],
      waitsFor: ['node-1'],
    });
  });

  it('lets go what may be lost and whom it waits for, and tells that before it answers', async () => {
    node.lost = [some(1, 2)];
    node.wanted = [{ keyspace: 7, peer: 1, partitions: [1] }];
    losses.report();
    sent.length = 0;
    await losses.accept(5);
    expect(sent).toEqual([
      { type: 'losses', losses: [] },
      {
        type: 'loss-accepted',
        task: 5,
        accepted: { losses: [some(1, 2)], notHeard: [{ keyspace: 7, peer: 1, partitions: [1] }] },
        code: 'conflict',
        reason: '',
      },
    ]);
    expect(accepted).toBe(1);
  });

  it('waits for nobody from the moment it lets go, not only once the disk has it', async () => {
    node.wanted = [{ keyspace: 7, peer: 1, partitions: [1] }];
    let written: () => void = () => {};
    node.disk = new Promise((resolve) => (written = resolve));
    const done = losses.accept(5);
    expect([accepting, accepted]).toEqual([1, 0]);
    written();
    await done;
    expect([accepting, accepted]).toEqual([1, 1]);
  });

  it('lets nothing go while a node that it reaches still brings its data back', async () => {
    node.lost = [some(1, 2)];
    node.wanted = [{ keyspace: 7, peer: 3, partitions: [1] }];
    reached = [3];
    await losses.accept(5);
    expect(sent).toMatchObject([{ type: 'loss-accepted', accepted: null, code: 'conflict' }]);
    expect(sent[0]).toHaveProperty('reason', expect.stringContaining('from node-3'));
    expect(node.lost).toHaveLength(1);
  });

  it('says so when there is nothing to accept', async () => {
    await losses.accept(5);
    expect(sent).toMatchObject([{ type: 'loss-accepted', accepted: null, code: 'conflict' }]);
  });
});

describe('the losses of a computer', () => {
  it('count each partition once, name the nodes that tell it, and are news once a node and keyspace', () => {
    const book = new LossBook();
    expect(book.take('node-3', [some(2, 3)])).toEqual([7]);
    expect(book.take('node-3', [some(2, 3, 4)])).toEqual([]);
    expect(book.take('node-2', [some(1, 2)])).toEqual([7]);
    expect(book.in(7)).toEqual({ partitions: 4, nodes: ['node-2', 'node-3'] });
    expect(book.in(8)).toBeNull();
    book.take('node-3', []);
    expect(book.in(7)).toEqual({ partitions: 2, nodes: ['node-2'] });
  });

  it.each([
    [
      [{ keyspace: 'orders', partitions: 1024 }],
      [],
      'writes may be lost in 1,024 partitions of orders, at node-2.',
    ],
    [[], ['node-1'], 'Accepted: what only node-1 may hold is waited for no more, at node-2.'],
    [
      [{ keyspace: 'orders', partitions: 1 }],
      ['node-1', 'node-1', 'node-3'],
      'writes may be lost in 1 partition of orders, and what only node-1 and node-3 may hold is waited for no more, at node-2.',
    ],
  ])('are put into words when they are accepted: %#', (lost, notHeard, words) => {
    const wanted = notHeard.map((name) => ({ node: name, keyspace: 'orders', partitions: 3 }));
    expect(acceptedInWords('node-2', { losses: lost, notHeard: wanted })).toContain(words);
  });

  it('make the health degraded, with the reason, and are a figure of each keyspace', () => {
    const cluster = new FakeCluster('losses');
    cluster.setState('home-1', 'up');
    const { nodes, keyspaces } = cluster.snapshot();
    cluster.close();
    expect(healthOf({ keyspaces })).toMatchObject({
      status: 'degraded',
      healthy: false,
      possibleLoss: [
        { keyspace: 'default', partitions: 1024, nodes: ['home-2', 'home-3'] },
        { keyspace: 'sessions', partitions: 683, nodes: ['home-2'] },
      ],
    });
    const lines = metricsText({ nodes, keyspaces }).split('\n');
    expect(lines).toContain('coterie_partitions_possibly_lost{keyspace="default"} 1024');
    expect(lines).toContain('coterie_partitions_possibly_lost{keyspace="sessions"} 683');
  });

  it('make a keyspace unavailable where the replicas that are up wait for one that is away', () => {
    const cluster = new FakeCluster('losses');
    const { keyspaces, advice } = cluster.snapshot();
    cluster.close();
    expect(healthOf({ keyspaces }).status).toBe('unavailable');
    expect(advice.map(({ id, subject }) => [id, subject])).toEqual(
      expect.arrayContaining([
        ['loss-default', 'home-2'],
        ['waits-home-3', 'home-3'],
      ]),
    );
  });

  it('make no more partitions unavailable than the waiting replicas lack', () => {
    const cluster = new FakeCluster('losses');
    cluster.setState('home-1', 'stopped');
    const [keyspace] = cluster.layout.keyspaces;
    const lacking = new Map([[cluster.layout.nodes[2].id, 3]]);
    const isUp = (id: number) => id !== cluster.layout.nodes[0].id;
    const view = keyspaceViewOf(cluster.layout, keyspace, { isUp, lacking, possibleLoss: null });
    cluster.close();
    expect(view).toMatchObject({ underReplicated: 1_024, unavailable: 3 });
  });

  it('are accepted by nobody in read-only mode', async () => {
    const host = { readOnly: true } as HostActions;
    const refused = dispatch(createHandlers(host), host, 'nodes.acceptLoss', { name: 'node-2' });
    await expect(refused).rejects.toMatchObject({ code: 'unauthorized' });
  });
});
