/** The end of a host is not the end of the data: its nodes go on, and the next host takes them over as they are. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readControlAddress } from '../../core/host/servers/control-server.ts';
import { isAlive, killAll, RealCluster, waitUntil } from '../support/cluster.ts';

let cluster: RealCluster;
let pids: number[] = [];
beforeEach(async () => {
  cluster = new RealCluster();
  pids = (await cluster.start()).nodes.map(({ pid }) => pid);
});
afterEach(async () => {
  pids.push(...(await cluster.nodes().catch(() => [])).flatMap(({ pid }) => pid ?? []));
  await cluster.dispose();
  killAll(pids);
});

const killHost = async () => {
  const { pid } = readControlAddress(cluster.folder)!;
  process.kill(pid, 'SIGKILL');
  await waitUntil('the host is gone', () => !isAlive(pid));
};

test('users are not changed while the host is gone, and whoever asks is told so', async () => {
  const { password } = (await cluster.command('user', 'add', 'boss', '--access', 'admin')) as {
    password: string;
  };
  const client = new Redis({ host: '127.0.0.1', port: cluster.ports[0] });
  await client.call('AUTH', 'boss', password);
  await killHost();
  const words = ['SETUSER', 'eve', 'on', '>secret', '~*', '+@read'];
  await waitUntil('the node has noticed it', async () =>
    (await client.call('ACL', ...words).then(String, ({ message }: Error) => message)).includes(
      'Coterie is not running at this computer',
    ),
  );
  expect(await client.call('ACL', 'USERS')).not.toContain('eve');
  expect(await client.set('key', 'v')).toBe('OK');
  client.disconnect();
});

test('nodes serve on when their host is killed, and are managed by the next', async () => {
  const [port] = cluster.ports;
  const client = new Redis({ host: '127.0.0.1', port });
  let acknowledged = 0;
  let refused = 0;
  let going = true;
  const writer = (async () => {
    while (going) {
      await client.set(`key ${acknowledged % 50}`, acknowledged).then(
        () => acknowledged++,
        () => refused++,
      );
    }
  })();
  await killHost();
  const before = acknowledged;
  await waitUntil('writes go on without a host', () => acknowledged > before + 500);
  expect(pids.map(isAlive)).toEqual([true, true, true]);

  const again = await cluster.start();
  expect(again.nodes.map(({ pid }) => pid)).toEqual(pids);
  expect(cluster.ports[0]).toBe(port);
  going = false;
  await writer;
  expect(refused).toBe(0);
  client.disconnect();

  // It is managed as any other: told of a change, stopped, killed, started.
  await cluster.command('keyspace', 'create', 'made-later');
  await cluster.command('put', 'key', 'value', '--keyspace', 'made-later');
  process.kill(pids[1], 'SIGKILL');
  await waitUntil('the killed one is back', async () => {
    const nodes = await cluster.nodes();
    return nodes[1].state === 'up' && nodes[1].pid !== pids[1];
  });
  await cluster.command('node', 'stop', 'node-3');
  await waitUntil('it has ended', () => !isAlive(pids[2]));
  await cluster.command('node', 'start', 'node-3');
  await waitUntil('all are up', async () => (await cluster.nodes()).every(({ state }) => state === 'up'));
  const { activity } = await cluster.api.call('cluster.snapshot', {});
  expect(activity.filter(({ message }) => message.includes('is managed again')).length).toBe(3);
  expect(await cluster.stop()).toBe(0);
  await waitUntil('all have ended', () => !pids.some(isAlive));
});

test('a paused node goes on when its host is killed, and is managed by the next', async () => {
  await cluster.command('node', 'pause', 'node-2');
  await killHost();
  const ready = await cluster.start();
  expect(ready.nodes.map(({ pid }) => pid)).toEqual(pids);
  // One that has just been resumed may still be doubted by the others.
  await waitUntil('all are up', async () => (await cluster.nodes()).every(({ state }) => state === 'up'));
});

test('nodes whose host returns with another secret are ended in order and started anew', async () => {
  const client = new Redis({ host: '127.0.0.1', port: cluster.ports[0] });
  await client.set('key', 'value');
  client.disconnect();
  await killHost();
  rmSync(join(cluster.folder, 'cluster-secret'));
  const ready = await cluster.start();
  expect(ready.nodes.map(({ state }) => state)).toEqual(['up', 'up', 'up']);
  await waitUntil('the old ones are gone', () => !pids.some(isAlive));
  const other = new Redis({ host: '127.0.0.1', port: cluster.ports[2] });
  expect(await other.get('key')).toBe('value');
  other.disconnect();
});
