/** The nodes of a real cluster change while clients write and read: no operation fails twice, no read is stale, nothing is lost. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { afterEach, expect, it } from 'vitest';
import { ChangingCluster } from '../support/changing-cluster.ts';
import { waitUntil } from '../support/cluster.ts';
import { CountingLoad } from '../support/counting-load.ts';
import { MixedLoad } from '../support/mixed-load.ts';

let cluster: ChangingCluster;
let load: MixedLoad | null = null;

afterEach(async () => {
  await load?.stop();
  load = null;
  await cluster.dispose();
});

async function started(): Promise<MixedLoad> {
  cluster = new ChangingCluster();
  await cluster.start('--nodes', '3');
  await cluster.lookForPorts();
  load = new MixedLoad(() => cluster.clientPorts, { keyCount: 400 });
  load.begin(8, 100);
  await waitUntil('clients are at work', () => load!.count > 500);
  return load;
}

async function expectNothingLost(): Promise<void> {
  await load!.stop();
  expect({ failed: load!.failed, stale: load!.stale }).toEqual({ failed: [], stale: [] });
  for (const port of cluster.clientPorts) expect(await load!.missingAt(port)).toEqual([]);
}

it('grows from three nodes to five, drains one, gives another one more, and one joins by itself', async () => {
  await started();
  const counting = new CountingLoad(() => cluster.clientPorts);
  counting.begin(4);
  const grown = await cluster.change({ kind: 'add-nodes', count: 2, weight: 1 });
  expect(cluster.clientPorts).toHaveLength(5);
  expect(grown.plannedBytes).toBeLessThanOrEqual(grown.minimumBytes * 1.1);
  await cluster.change({ kind: 'remove-node', node: 'node-2', dead: false });
  expect(cluster.clientPorts).toHaveLength(4);
  const isGone = () => !existsSync(join(cluster.folder, 'nodes', 'node-2'));
  await waitUntil('the drained node has ended, and its data is gone', isGone);
  await cluster.change({ kind: 'weigh-node', node: 'node-4', weight: 2 });
  await cluster.command('layout', 'join-by-itself', 'on');
  await cluster.command('node', 'add');
  await cluster.followed('one joins by itself', { minimumBytes: 0, bytes: 0 }, performance.now());
  expect(cluster.clientPorts).toHaveLength(5);
  await cluster.command('layout', 'intensity', 'fast');
  expect(await cluster.show()).toMatchObject({ joinsByItself: true, transfer: 'fast' });
  const history = (await cluster.command('layout', 'history')) as { by: string; changes: string[] }[];
  expect(history[0]).toMatchObject({
    by: expect.stringContaining('(command line)'),
    changes: [expect.stringContaining('Add node-')],
  });
  await counting.stop();
  expect(counting.count).toBeGreaterThan(500);
  for (const port of cluster.clientPorts) expect(await counting.wrongAt(port)).toEqual([]);
  await expectNothingLost();
}, 240_000);

it('answers every read with the latest write when a factor was raised a moment ago', async () => {
  cluster = new ChangingCluster();
  await cluster.start('--nodes', '3');
  await cluster.command('keyspace', 'create', 'raised', '--factor', '1', '--database', '1');
  const clients = cluster.ports.map((port) => new Redis({ host: '127.0.0.1', port, db: 1 }));
  const keys = Array.from({ length: 500 }, (_, index) => `key-${index}`);
  await Promise.all(keys.map((key) => clients[0].set(key, `value of ${key}`)));
  await cluster.command('keyspace', 'alter', 'raised', '--factor', '3');
  for (const client of clients) {
    const found = await Promise.all(keys.map((key) => client.get(key)));
    expect(found).toEqual(keys.map((key) => `value of ${key}`));
    client.disconnect();
  }
}, 120_000);

it('replaces a node that is dead for good, while another is killed again and again', async () => {
  await started();
  const victim = (await cluster.nodes()).find(({ name }) => name === 'node-3')!;
  await cluster.command('node', 'stop', 'node-3');
  await cluster.lookForPorts();
  const killing = setInterval(async () => {
    const other = (await cluster.nodes()).find(({ name, state }) => name === 'node-1' && state === 'up');
    if (other?.pid) process.kill(other.pid, 'SIGKILL');
  }, 4_000);
  try {
    await cluster.change({ kind: 'replace-node', node: victim.name });
  } finally {
    clearInterval(killing);
  }
  await waitUntil('all nodes are up', async () =>
    (await cluster.nodes()).every(({ state }) => state === 'up'),
  );
  await cluster.lookForPorts();
  await load!.stop();
  expect(load!.stale).toEqual([]);
  for (const port of cluster.clientPorts) expect(await load!.missingAt(port)).toEqual([]);
}, 240_000);
