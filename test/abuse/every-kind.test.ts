/**
 * Every kind of abuse, by somebody on this computer, one after the other on one cluster: no process ends, node and host stay within
 * their memory, and another client of the attacked node is answered as if nothing was, and loses nothing. How long it waits is measured
 * by `npm run bench -- abuse`.
 */
import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { hostPid } from '../support/abuse.ts';
import { type Abuse, AbuseTarget } from '../support/abuses/abuse.ts';
import { abusesBetweenNodes } from '../support/abuses/between-nodes.ts';
import { abusesOverHttp } from '../support/abuses/over-http.ts';
import { abusesOverRedis, fillFor } from '../support/abuses/over-redis.ts';
import { RealCluster, waitUntil } from '../support/cluster.ts';
import { forgetPeak, lostAt, mebibyte, memoryOf } from '../support/intruder.ts';
import { logIn } from '../support/log-in.ts';
import { type Steady, SteadyClient } from '../support/steady-client.ts';
import { craftedKey, plainKey } from '../support/twin-keys.ts';

/** The budget of its clients, its values in memory, and what the runtime has not given back. */
const nodeBytesMax = 1_600 * mebibyte;
/** Both budgets, what it has without anybody, and copies of a moment. */
const hostBytesMax = 1_100 * mebibyte;
const servedTimes = 200;

const cluster = new RealCluster();
let target: AbuseTarget;
let client: Redis;
let pids: number[];
let host: number;

beforeAll(async () => {
  await cluster.start('--nodes', '3');
  client = new Redis({ host: '127.0.0.1', port: cluster.ports[0] });
  await fillFor(client);
  const { nodes } = await cluster.api.call('cluster.snapshot', {});
  pids = nodes.map(({ pid }) => pid!);
  host = hostPid(cluster);
  const { url } = (await cluster.command('login')) as { url: string };
  const peerPorts = nodes.map(({ peer }) => Number(peer!.split(':')[1]));
  target = new AbuseTarget(cluster, await logIn(url), peerPorts);
});
afterAll(async () => {
  target?.leave();
  client?.disconnect();
  await cluster.dispose();
});

const clientBytes = async () => Number(/mem_clients_normal:([0-9]+)/.exec(await client.info('memory'))![1]);

/** How another client fared. It ends before the abuse does: what it is refused, it is refused because of that. */
async function servedDuring(abuse: Abuse): Promise<Steady> {
  const steady = new SteadyClient(target.clientPort, abuse.name.replace(/[^ -~]/g, ''));
  try {
    await steady.served(25);
    target.begin();
    await abuse.run(target);
    await steady.served(servedTimes);
    return await steady.stop();
  } finally {
    steady.kill();
    target.leave();
  }
}

const abuses = [...abusesOverRedis, ...abusesOverHttp, ...abusesBetweenNodes];

test.each(abuses.map((abuse) => [abuse.name, abuse] as const))('%s', async (_, abuse) => {
  for (const pid of [...pids, host]) forgetPeak(pid);
  const { failures, written } = await servedDuring(abuse);
  expect(failures).toEqual([]);
  expect(await lostAt(target.clientPort, written)).toEqual([]);
  for (const pid of pids) expect(memoryOf(pid).peakBytes).toBeLessThan(nodeBytesMax);
  expect(memoryOf(host).peakBytes).toBeLessThan(hostBytesMax);
  expect((await cluster.nodes()).map(({ pid, state }) => ({ pid, state }))).toEqual(
    pids.map((pid) => ({ pid, state: 'up' })),
  );
  expect(hostPid(cluster)).toBe(host);
  expect((await fetch(`${cluster.uiUrl}health`)).status).toBe(200);
  await waitUntil('all that it held is let go', async () => (await clientBytes()) < 2 * mebibyte);
});

test('afterwards keys of one token have each its own value, and nothing was a mistake', async () => {
  expect(await client.get(plainKey)).toBe('plain');
  expect(await client.get(craftedKey)).toBe('crafted');
  expect(cluster.log).not.toMatch(/mistake of Coterie|uncaught/i);
});
