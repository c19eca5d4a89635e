/** MULTI, EXEC and WATCH by real clients, on a cluster of three node processes. */
import { Redis } from 'ioredis';
import { createClient, WatchError } from 'redis';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { RealCluster, waitUntil } from '../support/cluster.ts';
import { connectImpatiently } from '../support/recording-client.ts';

let cluster: RealCluster;
beforeAll(async () => {
  cluster = new RealCluster();
  await cluster.start();
});
afterAll(() => cluster.dispose());

const connect = (port: number) => new Redis({ host: '127.0.0.1', port, maxRetriesPerRequest: 3 });

describe('transactions', () => {
  test('of many clients at all nodes move money without making or losing any', async () => {
    const accounts = Array.from({ length: 4 }, (_, index) => `{bank}${index}`);
    const clients = Array.from({ length: 9 }, (_, index) => connect(cluster.ports[index % 3]));
    await clients[0].mset(...accounts.flatMap((account) => [account, 100]), '{bank}moves', 0);
    let moves = 0;
    let lost = 0;
    await Promise.all(
      clients.map(async (client, index) => {
        for (let turn = 0; turn < 25; turn++) {
          const from = accounts[(index + turn) % 4];
          const to = accounts[(index + 2 * turn + 1) % 4];
          await client.watch(from, to);
          const [held, other] = (await client.mget(from, to)).map(Number);
          const replies = await client
            .multi()
            .set(from, held - 1)
            .set(to, (from === to ? held - 1 : other) + 1)
            .incr('{bank}moves')
            .exec();
          if (replies === null) lost++;
          else moves++;
        }
      }),
    );
    for (const client of clients.slice(0, 3)) {
      const values = (await client.mget(...accounts, '{bank}moves')).map(Number);
      expect(values.slice(0, 4).reduce((sum, value) => sum + value, 0)).toBe(400);
      expect(values[4]).toBe(moves);
    }
    expect(moves).toBeGreaterThan(20);
    // All of them want the same keys: some must have been told to begin again.
    expect(lost).toBeGreaterThan(0);
    for (const client of clients) client.disconnect();
  });

  test('by node-redis: typed replies, and an error where a watched key changed', async () => {
    const port = cluster.ports[1];
    const client = await createClient({ url: `redis://127.0.0.1:${port}` }).connect();
    const other = connect(cluster.ports[2]);
    const replies = await client.multi().set('{n}a', '1').incr('{n}a').get('{n}a').exec();
    expect(replies).toEqual(['OK', 2, '2']);
    await client.watch('{n}a');
    await other.incr('{n}a');
    await expect(client.multi().set('{n}a', '10').exec()).rejects.toBeInstanceOf(WatchError);
    expect(await client.get('{n}a')).toBe('3');
    await expect(client.multi().set('{n}a', '1').set('{m}b', '1').exec()).rejects.toThrow(
      /CROSSSLOT|EXECABORT/,
    );
    other.disconnect();
    client.destroy();
  });

  test('are done whole or not at all when nodes are killed, and what was acknowledged is there', async () => {
    const keys = ['{whole}a', '{whole}b', '{whole}c'];
    let sent = 0;
    let acknowledged = 0;
    let isOver = false;
    const load = (async () => {
      const clients = cluster.ports.map(connectImpatiently);
      for (let turn = 0; !isOver; turn++) {
        const client = clients[turn % 3];
        const number = ++sent;
        const transaction = client.multi();
        for (const key of keys) transaction.set(key, number);
        try {
          const replies = await transaction.exec();
          if (replies?.every(([error]) => error === null)) acknowledged = number;
        } catch {
          // Done or not: the next one writes over it.
        }
        await new Promise((resolve) => setImmediate(resolve));
      }
      for (const client of clients) client.disconnect();
    })();
    for (const name of ['node-1', 'node-2', 'node-3']) {
      const before = acknowledged;
      await waitUntil('transactions go on', () => acknowledged > before + 50);
      const pid = (await cluster.nodes()).find((node) => node.name === name)!.pid;
      process.kill(pid!, 'SIGKILL');
      await waitUntil(`${name} is back`, async () => {
        const found = (await cluster.nodes()).find((node) => node.name === name)!;
        return found.state === 'up' && found.pid !== pid;
      });
    }
    isOver = true;
    await load;
    for (const port of cluster.ports) {
      const client = connect(port);
      const values = (await client.mget(...keys)).map(Number);
      expect(new Set(values).size).toBe(1);
      expect(values[0]).toBeGreaterThanOrEqual(acknowledged);
      expect(values[0]).toBeLessThanOrEqual(sent);
      client.disconnect();
    }
  });
});
