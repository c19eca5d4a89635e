/** Nodes die under the load of real clients; nothing acknowledged is lost. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { RealCluster, waitUntil } from '../support/cluster.ts';
import { allUp, killAndAwait } from '../support/kill-rotation.ts';
import { missingAt, newBooks, writeLoad } from '../support/recording-client.ts';

let cluster: RealCluster;
beforeEach(async () => {
  cluster = new RealCluster();
  await cluster.start();
});
afterEach(() => cluster.dispose());

test('one of three nodes is killed with -9 twice during writes, and every acknowledged value is read from each node', async () => {
  const books = newBooks();
  let done = false;
  const load = writeLoad(() => cluster.ports, books, {
    writerCount: 24,
    keysPerWriter: 400,
    shouldStop: () => done,
  });
  for (const victim of ['node-2', 'node-3']) {
    const before = books.acknowledged.size;
    await waitUntil('the load has begun', () => books.acknowledged.size > before || books.sent.size > 1_000);
    await killAndAwait(cluster, victim);
    // Who looks at the nodes now and then can miss that one was down. The activity cannot.
    const { activity } = await cluster.api.call('cluster.snapshot', {});
    expect(activity.map(({ message }) => message)).toContainEqual(
      expect.stringMatching(new RegExp(`^${victim} .*SIGKILL`)),
    );
  }
  const total = books.count;
  await waitUntil('some more writes', () => books.count > total + 500);
  done = true;
  await load;
  expect({ refused: books.refused, causes: books.causes }).toEqual({ refused: 0, causes: [] });
  expect(books.acknowledged.size).toBeGreaterThan(1_000);
  for (const port of cluster.ports) expect(await missingAt(port, books)).toEqual([]);
});

test('all nodes and the host are killed with -9 during writes; started again, every acknowledged value is there', async () => {
  const books = newBooks();
  const load = writeLoad(() => cluster.ports, books, {
    writerCount: 24,
    keysPerWriter: 200,
    // A port that was freed may be another cluster's next: what that one acknowledges is not to be found in this one.
    shouldStop: () => !cluster.isRunning,
  });
  await waitUntil('the load has begun', () => books.acknowledged.size > 1_000);
  await cluster.killAll();
  await load;
  await cluster.start();
  for (const port of cluster.ports) expect(await missingAt(port, books)).toEqual([]);
});

test('a paused node neither blocks nor loses anything, and serves again when it goes on', async () => {
  const books = newBooks();
  let done = false;
  const load = writeLoad(() => cluster.ports.slice(0, 1), books, {
    writerCount: 8,
    keysPerWriter: 50,
    shouldStop: () => done,
  });
  await cluster.command('node', 'pause', 'node-3');
  const before = [...books.acknowledged.values()].reduce((a, b) => a + b, 0);
  await waitUntil(
    'writes go on without it',
    () => [...books.acknowledged.values()].reduce((a, b) => a + b, 0) > before + 2_000,
  );
  await cluster.command('node', 'resume', 'node-3');
  done = true;
  await load;
  expect({ refused: books.refused, causes: books.causes }).toEqual({ refused: 0, causes: [] });
  const port = Number((await cluster.nodes())[2].client.split(':')[1]);
  expect(await missingAt(port, books)).toEqual([]);
});

test('a node stopped in order comes back with its data and its epoch', async () => {
  await cluster.command('put', 'kept', 'value');
  await cluster.command('node', 'stop', 'node-1');
  await waitUntil('it is stopped', async () => (await cluster.nodes())[0].state === 'stopped');
  expect(((await cluster.command('get', 'kept')) as { siblings: { text: string }[] }).siblings[0].text).toBe(
    'value',
  );
  await cluster.command('node', 'start', 'node-1');
  await waitUntil('it is up', () => allUp(cluster));
  const replicas = (await cluster.command('replicas', 'default', 'kept')) as { relation: string }[];
  expect(replicas.map((replica) => replica.relation)).toEqual(['equal', 'equal', 'equal']);
});
