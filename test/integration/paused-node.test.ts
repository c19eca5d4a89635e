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
