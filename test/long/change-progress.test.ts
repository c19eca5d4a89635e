/** What people read about a change of a real cluster: each partition that comes, and which node holds it up. */
import { Redis } from 'ioredis';
import { afterEach, expect, it } from 'vitest';
import type { PartitionProgress } from '../../core/contract/layout-views.ts';
import { ChangingCluster } from '../support/changing-cluster.ts';
import { waitUntil } from '../support/cluster.ts';

let cluster: ChangingCluster;

afterEach(() => cluster.dispose());

it('tells of a partition that comes how far it is, how fast, and from whom', async () => {
  cluster = new ChangingCluster();
  await cluster.start('--nodes', '3');
  await cluster.command('layout', 'intensity', 'gentle');
  const client = new Redis({ host: '127.0.0.1', port: cluster.ports[0] });
  // Six partitions that take long enough to be seen half-way, whichever of them go to a new node.
  const value = 'x'.repeat(500_000);
  for (let turn = 0; turn < 120; turn++) await client.set(`{${turn % 6}}:${turn}`, value);
  client.disconnect();
  const seen: PartitionProgress[] = [];
  const look = async () => {
    const { state, progress } = await cluster.show();
    seen.push(...progress.nodes.flatMap(({ moving }) => moving));
    return state === 'settled';
  };
  await cluster.api.call('layout.stage', { changes: [{ kind: 'add-nodes', count: 3, weight: 1 }] });
  await cluster.api.call('layout.apply', {});
  await waitUntil('the cluster is settled', look, 120_000);
  const halfway = seen.filter(({ share }) => share !== null && share > 0 && share < 1);
  expect(halfway.length).toBeGreaterThan(0);
  expect(halfway[0]).toMatchObject({
    keyspace: 'default',
    from: expect.stringMatching(/^node-[123]$/),
    bytesPerSecond: expect.any(Number),
    remainingMs: expect.any(Number),
  });
  expect((await cluster.show()).progress.nodes).toEqual([]);
}, 180_000);

it('says which node holds a change up and what to do, and goes on once that is done', async () => {
  cluster = new ChangingCluster();
  await cluster.start('--nodes', '4');
  await cluster.command('node', 'stop', 'node-2');
  await cluster.command('node', 'weight', 'node-1', '3', '--apply');
  const others = async () => {
    const { progress } = await cluster.show();
    return progress.nodes.every(({ name, partitionsDone }) => name !== 'node-2' || partitionsDone === 0);
  };
  await waitUntil('it waits for one', async () => (await cluster.show()).waitsFor.length === 1);
  expect(await others()).toBe(true);
  const words = /waits for node-2, which has been stopped.*coterie node start node-2.*remove node-2 --dead/;
  await expect(cluster.command('layout', 'wait', '--timeout', '1')).rejects.toThrow(words);
  await cluster.command('node', 'remove', 'node-2', '--dead', '--apply');
  await cluster.command('layout', 'wait', '--timeout', '60');
  expect(await cluster.show()).toMatchObject({ state: 'settled', waitsFor: [] });
}, 180_000);
