/** A paused node does not stand still for ever: its host ends it in order, and another takes it over (host-gone.test.ts). */
import { Redis } from 'ioredis';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { isAlive, killAll, RealCluster, waitUntil } from '../support/cluster.ts';
import { RawClient } from '../support/resp-target.ts';

let cluster: RealCluster;
let pids: number[] = [];
beforeEach(async () => {
  cluster = new RealCluster();
  const ready = await cluster.start();
  pids = ready.nodes.map(({ pid }) => pid);
  for (const name of ['node-2', 'node-3']) await cluster.command('node', 'pause', name);
});
afterEach(async () => {
  killAll(pids);
  await cluster.dispose();
});

const allGone = () => pids.every((pid) => !isAlive(pid));

test('stopped in order, a host ends its paused nodes in order', async () => {
  expect(await cluster.stop()).toBe(0);
  expect(allGone()).toBe(true);
});

test('a paused node can be killed, and is started again', async () => {
  await cluster.command('node', 'kill', 'node-2');
  await waitUntil('it is up', async () => (await cluster.nodes())[1].state === 'up');
  await cluster.command('node', 'resume', 'node-3');
  await waitUntil('it is up', async () => (await cluster.nodes())[2].state === 'up');
  pids.push(...(await cluster.nodes()).map(({ pid }) => pid!));
});

test('a node that somebody else froze is up for nobody as soon as the others have established it', async () => {
  for (const name of ['node-2', 'node-3']) await cluster.command('node', 'resume', name);
  await waitUntil('all are up', async () => (await cluster.nodes()).every(({ state }) => state === 'up'));
  const ask = async (path: string) => (await fetch(`${cluster.uiUrl}${path}`)).text();
  await waitUntil('all is well', async () => JSON.parse(await ask('health')).status === 'healthy');
  process.kill(pids[1], 'SIGSTOP');
  await waitUntil('it is not heard', async () => (await cluster.nodes())[1].state === 'unheard');
  const health = JSON.parse(await ask('health')) as { status: string; reasons: string[] };
  expect(health.status).toBe('degraded');
  expect(health.reasons[0]).toContain('lack a replica');
  expect(await ask('metrics')).toMatch(/coterie_node_up\{node="node-2"[^}]*\} 0/);
  expect(JSON.parse(await ask('health/ready'))).toMatchObject({ ready: true });
  process.kill(pids[1], 'SIGCONT');
  await waitUntil('it is up', async () => (await cluster.nodes())[1].state === 'up');
});

test('what was asked of a node that stood still is not done when its client, or the other node, has given up', async () => {
  for (const name of ['node-2', 'node-3']) await cluster.command('node', 'resume', name);
  await waitUntil('all are up', async () => (await cluster.nodes()).every(({ state }) => state === 'up'));
  const [here, , far] = cluster.ports;
  const keys = Array.from({ length: 60 }, (_, index) => `late-${index}`);
  const client = new Redis({ host: '127.0.0.1', port: here });
  for (const key of keys) await client.set(key, 'first');
  process.kill(pids[2], 'SIGSTOP');
  // One talks to the node that stands still; the other to one that forwards commands to it, until it is found to be down.
  const direct = await RawClient.connect(far);
  for (const key of keys) direct.write(`SET ${key} late\r\nINCR ${key}-count\r\n`);
  const refused = await Promise.allSettled(keys.map((key) => client.incr(`${key}-count`)));
  await waitUntil('it is not heard', async () => (await cluster.nodes())[2].state === 'unheard');
  direct.close();
  for (const key of keys) await client.set(key, 'newest');
  process.kill(pids[2], 'SIGCONT');
  await waitUntil('it is up', async () => (await cluster.nodes())[2].state === 'up');
  const at = new Redis({ host: '127.0.0.1', port: far });
  for (const [index, key] of keys.entries()) {
    expect(await at.get(key)).toBe('newest');
    // Who was told that it was done finds it done, once; who was not, once at most.
    const count = Number(await at.get(`${key}-count`));
    if (refused[index].status === 'fulfilled') expect(count).toBe(1);
    else expect(count).toBeLessThanOrEqual(1);
  }
  for (const one of [client, at]) one.disconnect();
});
