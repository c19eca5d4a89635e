/** A paused node does not stand still for ever: its host ends it in order, and another takes it over (host-gone.test.ts). */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { isAlive, killAll, RealCluster, waitUntil } from '../support/cluster.ts';

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
