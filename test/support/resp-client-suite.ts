/**
 * What applications do with a Redis client, against whatever `startTarget` starts: one node or a cluster, over memory or
 * for real. Each test uses keys of its own, so the target may be shared and need not be empty.
 */
import { execFile, spawnSync } from 'node:child_process';
import { promisify } from 'node:util';
import { Cluster, Redis } from 'ioredis';
import { createClient, createCluster } from 'redis';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

export interface RespTarget {
  /** One port per node, on 127.0.0.1. */
  readonly ports: readonly number[];
  stop(): Promise<void>;
}

const run = promisify(execFile);
const has = (program: string): boolean => spawnSync(program, ['--version']).status === 0;

export function describeRespClients(title: string, startTarget: () => Promise<RespTarget>): void {
  describe(title, () => {
    let target: RespTarget;
    let port = 0;
    beforeAll(async () => {
      target = await startTarget();
      port = target.ports[0];
    });
    afterAll(() => target.stop());

    test('ioredis sets, gets, counts and pipelines', async () => {
      const client = new Redis({ host: '127.0.0.1', port });
      try {
        expect(await client.set('io:a', 'one')).toBe('OK');
        expect(await client.get('io:a')).toBe('one');
        expect(await client.getBuffer('io:a')).toEqual(Buffer.from('one'));
        await client.del('io:n');
        const results = await client.pipeline().incr('io:n').incr('io:n').get('io:n').exec();
        expect(results).toEqual([
          [null, 1],
          [null, 2],
          [null, '2'],
        ]);
        await client.mset({ 'io:b': '2', 'io:c': '3' });
        expect(await client.mget('io:a', 'io:b', 'io:c', 'io:none')).toEqual(['one', '2', '3', null]);
        expect(await client.del('io:b', 'io:c', 'io:none')).toBe(2);
        await expect(client.incr('io:a')).rejects.toThrow('ERR value is not an integer or out of range');
      } finally {
        client.disconnect();
      }
    });

    test('a pipeline means what it means when its commands are sent one by one', async () => {
      const client = new Redis({ host: '127.0.0.1', port });
      try {
        await client.del('io:p', 'io:q');
        const results = await client
          .pipeline()
          .set('io:p', '1')
          .get('io:p')
          .append('io:p', '2')
          .rename('io:p', 'io:q')
          .get('io:q')
          .exists('io:p')
          .exec();
        expect(results?.map(([, reply]) => reply)).toEqual(['OK', '1', 2, 'OK', '12', 0]);
      } finally {
        client.disconnect();
      }
    });

    test.each([2, 3] as const)('node-redis works in RESP%i', async (RESP) => {
      const client = createClient({ RESP, socket: { host: '127.0.0.1', port } });
      await client.connect();
      try {
        expect(await client.set('nr:a', 'one', { expiration: { type: 'EX', value: 100 } })).toBe('OK');
        expect(await client.get('nr:a')).toBe('one');
        expect(await client.ttl('nr:a')).toBeGreaterThan(95);
        expect(await client.get('nr:none')).toBeNull();
        expect(await client.incrByFloat('nr:f', 0.5)).toBeDefined();
        const replies = await Promise.all(
          Array.from({ length: 500 }, (_, index) => client.set(`nr:${index}`, `${index}`)),
        );
        expect(new Set(replies)).toEqual(new Set(['OK']));
        const found = new Set<string>();
        for await (const keys of client.scanIterator({ MATCH: 'nr:*', COUNT: 100 }))
          for (const key of keys) found.add(key);
        for (let index = 0; index < 500; index++) expect(found.has(`nr:${index}`)).toBe(true);
        expect(await client.info()).toContain('redis_version');
        expect(await client.configGet('maxclients')).toEqual({ maxclients: '10000' });
      } finally {
        client.destroy();
      }
    });

    test('a value of 10 MiB comes back unchanged', async () => {
      const client = new Redis({ host: '127.0.0.1', port });
      try {
        const value = Buffer.alloc(10 * 1_048_576);
        for (let index = 0; index < value.length; index += 97) value[index] = index & 0xff;
        await client.set('big', value);
        expect((await client.getBuffer('big'))?.equals(value)).toBe(true);
        await client.del('big');
      } finally {
        client.disconnect();
      }
    });

    test('an ioredis cluster client finds its way', async () => {
      const client = new Cluster(target.ports.map((each) => ({ host: '127.0.0.1', port: each })));
      try {
        for (let index = 0; index < 50; index++) await client.set(`ic:${index}`, String(index));
        for (let index = 0; index < 50; index++) expect(await client.get(`ic:${index}`)).toBe(String(index));
      } finally {
        client.disconnect();
      }
    });

    test('a node-redis cluster client finds its way', async () => {
      const rootNodes = target.ports.map((each) => ({ url: `redis://127.0.0.1:${each}` }));
      const client = createCluster({ rootNodes });
      await client.connect();
      try {
        for (let index = 0; index < 50; index++) await client.set(`nc:${index}`, String(index));
        for (let index = 0; index < 50; index++) expect(await client.get(`nc:${index}`)).toBe(String(index));
      } finally {
        client.destroy();
      }
    });

    test('every node answers for every key', async () => {
      const clients = target.ports.map((each) => new Redis({ host: '127.0.0.1', port: each }));
      try {
        for (let index = 0; index < 30; index++) {
          await clients[index % clients.length].set(`any:${index}`, String(index));
          for (const client of clients) expect(await client.get(`any:${index}`)).toBe(String(index));
        }
        expect(await clients[0].mget(...Array.from({ length: 30 }, (_, index) => `any:${index}`))).toEqual(
          Array.from({ length: 30 }, (_, index) => String(index)),
        );
        expect(await clients[0].rename('any:0', 'any:renamed')).toBe('OK');
        expect(await clients.at(-1)!.get('any:renamed')).toBe('0');
      } finally {
        for (const client of clients) client.disconnect();
      }
    });

    test.skipIf(!has('redis-cli'))('redis-cli reads and writes', async () => {
      const cli = async (...words: string[]): Promise<string> =>
        (await run('redis-cli', ['-h', '127.0.0.1', '-p', String(port), ...words])).stdout.trimEnd();
      expect(await cli('set', 'cli', 'value')).toBe('OK');
      expect(await cli('get', 'cli')).toBe('value');
      expect(await cli('-3', 'get', 'cli')).toBe('value');
      expect(await cli('-c', 'get', 'cli')).toBe('value');
      expect(await cli('nonsense')).toContain('ERR unknown command');
    });

    test.skipIf(!has('redis-benchmark'))('redis-benchmark runs to its end', async () => {
      const options = [
        '-h',
        '127.0.0.1',
        '-p',
        String(port),
        '-t',
        'ping,set,get,incr,mset',
        '-n',
        '2000',
        '-r',
        '500',
        '--csv',
      ];
      const { stdout } = await run('redis-benchmark', [...options, '-P', '8']);
      expect(stdout).toContain('"GET"');
      // Its cluster mode wants more than one master.
      if (target.ports.length === 1) return;
      const clustered = await run('redis-benchmark', [...options, '--cluster']);
      expect(clustered.stdout).toContain('"SET"');
    });
  });
}
