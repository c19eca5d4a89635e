/** The cluster is changed while its nodes start, and many times in a moment: every node ends with the latest layout. */
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { afterEach, beforeEach, test } from 'vitest';
import { ControlClient } from '../../core/cli/control-client.ts';
import { lockFolder } from '../../core/platform/folder-lock.ts';
import { RealCluster, waitUntil } from '../support/cluster.ts';

let cluster: RealCluster;
beforeEach(() => {
  cluster = new RealCluster();
});
afterEach(() => cluster.dispose());

const databases = [1, 2, 3, 4, 5, 6, 7, 8];

async function createAll(api: ControlClient, prefix: string, which: readonly number[]): Promise<void> {
  await Promise.all(
    which.map((database) => api.call('keyspaces.create', { name: `${prefix}${database}`, database })),
  );
}

async function missingAt(port: number, which: readonly number[]): Promise<number[]> {
  const client = new Redis({ host: '127.0.0.1', port, maxRetriesPerRequest: 1 });
  client.on('error', () => {});
  const missing: number[] = [];
  for (const database of which) {
    const found = await client.select(database).catch(() => 'refused');
    if (found !== 'OK') missing.push(database);
  }
  client.disconnect();
  return missing;
}

async function expectEverywhere(which: readonly number[]): Promise<void> {
  for (const port of cluster.ports) {
    await waitUntil(
      `all is known at ${port}`,
      async () => (await missingAt(port, which)).length === 0,
      10_000,
    );
  }
}

test('keyspaces created while a node starts are known to every node', async () => {
  await cluster.start();
  await cluster.stop();
  // A node waits while its folder is taken: so long does it start.
  const lock = lockFolder(join(cluster.folder, 'nodes', 'node-2'), 'the test');
  const starting = cluster.start();
  const api = new ControlClient(cluster.folder);
  await waitUntil('the others take clients', async () => {
    const states = await api.call('cluster.snapshot', {}).then(
      ({ nodes }) => nodes.map(({ state }) => state).join(),
      () => '',
    );
    return states === 'up,starting,up';
  });
  await createAll(api, 'early', databases);
  lock.release();
  await starting;
  await expectEverywhere(databases);
});

test('of many changes in a moment the last one is known to every node, also to one that is started again meanwhile', async () => {
  await cluster.start();
  const api = new ControlClient(cluster.folder);
  await Promise.all([
    createAll(api, 'quick', databases),
    api.call('nodes.kill', { name: 'node-2' }),
    api.call('nodes.restart', { name: 'node-3' }),
  ]);
  await waitUntil('all are up', async () => (await cluster.nodes()).every(({ state }) => state === 'up'));
  await expectEverywhere(databases);
  await Promise.all(
    databases.map((database) =>
      api.call('keyspaces.drop', { name: `quick${database}`, confirm: `quick${database}` }),
    ),
  );
  for (const port of cluster.ports) {
    await waitUntil(`none is known at ${port}`, async () => (await missingAt(port, databases)).length === 8);
  }
});
