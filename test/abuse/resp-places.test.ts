/** Thousands of connections, and patterns made to cost: other clients and the host are served meanwhile. */
import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { encodeCommand } from '../../core/wire/resp/encoder.ts';
import { allowedMs } from '../support/abuse.ts';
import { RealCluster, waitUntil } from '../support/cluster.ts';
import { Bystander, Intruder, lostAt } from '../support/intruder.ts';

const cluster = new RealCluster();
let port: number;
let pids: (number | null)[];

beforeAll(async () => {
  await cluster.start('--nodes', '1');
  port = cluster.ports[0];
  pids = (await cluster.nodes()).map(({ pid }) => pid);
});
afterAll(() => cluster.dispose());

const hostWrites = async (key: string): Promise<boolean> => {
  const answer = await fetch(`${cluster.uiUrl}kv/default/${key}`, { method: 'PUT', body: 'value' });
  await answer.text();
  return answer.ok;
};

async function limit(client: Redis): Promise<number> {
  return Number(/maxclients:([0-9]+)/.exec(await client.info('clients'))![1]);
}

test('as many idle connections as there are places, and more: a newcomer and the host find one', async () => {
  const watcher = new Redis({ host: '127.0.0.1', port });
  const places = await limit(watcher);
  // Where this process may not open so many, the rest of the test means little, but does not fail.
  const intruder = new Intruder(port);
  const bystander = new Bystander(port);
  try {
    for (let count = 0; count < places + 200 && intruder.sockets.length < 12_000; count += 400) {
      await intruder.connect(400);
    }
    await waitUntil(
      'the place of the oldest is given away',
      () => intruder.openCount < intruder.sockets.length,
    );
    const newcomer = new Redis({ host: '127.0.0.1', port, maxRetriesPerRequest: 2, commandTimeout: 5_000 });
    expect(await newcomer.set('newcomer', 'is served')).toBe('OK');
    newcomer.disconnect();
    expect(await hostWrites('first')).toBe(true);
  } finally {
    intruder.leave();
  }
  const { p99Ms } = await bystander.stop();
  expect(bystander.failures).toEqual([]);
  expect(p99Ms).toBeLessThan(allowedMs(2_000));
  expect(await lostAt(port, bystander.acknowledged)).toEqual([]);
  expect((await cluster.nodes()).map(({ pid }) => pid)).toEqual(pids);
  watcher.disconnect();
});

test('patterns that were made to cost, over long keys: nobody waits for them', async () => {
  const client = new Redis({ host: '127.0.0.1', port, commandTimeout: 30_000 });
  for (let index = 0; index < 20; index++) await client.set('a'.repeat(60_000) + index, 'v');
  const bystander = new Bystander(port);
  const intruder = new Intruder(port);
  const patterns = [
    'a*'.repeat(511),
    `*${'a'.repeat(1_000)}b*`,
    `*${'a?'.repeat(400)}b*`,
    `*${'[ab]'.repeat(200)}[c]*`,
  ];
  for (const [index, socket] of (await intruder.connect(8)).entries()) {
    socket.resume();
    const pattern = patterns[index % patterns.length];
    for (let count = 0; count < 20; count++) {
      socket.write(encodeCommand(['KEYS', pattern]));
      socket.write(encodeCommand(['SCAN', '0', 'MATCH', pattern, 'COUNT', '10000']));
    }
  }
  await expect(client.keys('a'.repeat(1_025))).rejects.toThrow(/the pattern has 1025 bytes/);
  await new Promise((resolve) => setTimeout(resolve, 5_000));
  const { p99Ms, count } = await bystander.stop();
  intruder.leave();
  client.disconnect();
  if (process.env.COTERIE_FIGURES !== undefined) {
    process.stdout.write(`patterns: bystander p99 ${p99Ms.toFixed(0)} ms of ${count}\n`);
  }
  expect(bystander.failures).toEqual([]);
  expect(p99Ms).toBeLessThan(allowedMs(1_000));
  expect((await cluster.nodes()).map(({ pid }) => pid)).toEqual(pids);
});
