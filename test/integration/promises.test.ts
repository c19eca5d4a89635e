/**
 * What the README promises, by name, and what it says is not promised: real processes, a Redis client, nothing else. One
 * cluster goes through all of it; each test begins when the cluster has got over the one before.
 */
import { openSync, readdirSync, readSync, rmSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { NodeView } from '../../core/contract/node-views.ts';
import { RealCluster, waitUntil } from '../support/cluster.ts';
import { type Books, missingAt, newBooks, writeLoad } from '../support/recording-client.ts';

const names = ['node-1', 'node-2', 'node-3'] as const;

const cluster = new RealCluster();
const clients: Redis[] = [];
let ports: number[];
beforeAll(async () => {
  await cluster.start();
  ports = cluster.ports;
});
afterAll(() => cluster.dispose());
beforeEach(async () => {
  for (const { name, state } of await nodes()) {
    if (state === 'stopped') await cluster.api.call('nodes.start', { name });
    if (state === 'paused') await cluster.api.call('nodes.resume', { name });
  }
  await waitUntil('the cluster is calm', isCalm, 60_000);
});
afterEach(() => {
  for (const client of clients.splice(0)) client.disconnect();
});

async function nodes(): Promise<NodeView[]> {
  return (await cluster.api.call('cluster.snapshot', {})).nodes;
}

async function nodeNamed(name: string): Promise<NodeView> {
  return (await nodes()).find((node) => node.name === name)!;
}

/** All are up, reach one another, miss nothing and owe nothing. */
async function isCalm(): Promise<boolean> {
  return (await nodes()).every(
    ({ state, figures }) =>
      state === 'up' &&
      figures !== null &&
      figures.peersDown.length === 0 &&
      figures.rebuildingPartitions === 0 &&
      figures.hints.every(({ owed }) => owed === 0),
  );
}

function clientOf(name: (typeof names)[number], db = 0): Redis {
  const client = new Redis({ port: ports[names.indexOf(name)], db, maxRetriesPerRequest: 1 });
  client.on('error', () => {});
  clients.push(client);
  return client;
}

const clientsOfAll = (db = 0) => names.map((name) => clientOf(name, db));

async function stop(name: string): Promise<void> {
  await cluster.api.call('nodes.stop', { name });
}

async function start(name: string): Promise<void> {
  await cluster.api.call('nodes.start', { name });
  await waitUntil(`${name} is up`, async () => (await nodeNamed(name)).state === 'up');
}

/** kill -9, by the process' number; resolves when the host has started another. */
async function killed(...victims: readonly string[]): Promise<void> {
  const before = await nodes();
  for (const { name, pid } of before) if (victims.includes(name)) process.kill(pid!, 'SIGKILL');
  await waitUntil(`${victims.join()} came back`, async () =>
    (await nodes()).every(
      ({ name, state, pid }, index) =>
        !victims.includes(name) || (state === 'up' && pid !== before[index].pid),
    ),
  );
}

/** Clients write at all nodes while something happens; every acknowledged value must be read at every node afterwards. */
async function underLoad(happening: (books: Books) => Promise<void>): Promise<void> {
  const books = newBooks();
  let done = false;
  const load = writeLoad(() => ports, books, { writerCount: 6, keysPerWriter: 50, shouldStop: () => done });
  await more(books);
  await happening(books);
  done = true;
  await load;
  for (const port of ports) expect(await missingAt(port, books)).toEqual([]);
}

async function more(books: Books, count = 200): Promise<void> {
  const { count: before } = books;
  await waitUntil('some writes are acknowledged', () => books.count > before + count);
}

/** Some values that nobody changes while `happening`. */
async function keeps(happening: () => Promise<void>): Promise<void> {
  const books = newBooks();
  let done = false;
  const load = writeLoad(() => ports, books, { writerCount: 6, keysPerWriter: 50, shouldStop: () => done });
  await more(books, 600);
  done = true;
  await load;
  await happening();
  for (const port of ports) expect(await missingAt(port, books)).toEqual([]);
}

const folderOf = (name: string) => join(cluster.folder, 'nodes', name);

function damageSegment(name: string): void {
  const folder = join(folderOf(name), 'data');
  const segments = readdirSync(folder)
    .filter((file) => /^segment-.*\.log$/.test(file))
    .map((file) => join(folder, file))
    .sort((a, b) => statSync(b).size - statSync(a).size);
  const file = openSync(segments[0], 'r+');
  const middle = Math.floor(statSync(segments[0]).size / 2);
  const bytes = Buffer.alloc(64);
  readSync(file, bytes, 0, 64, middle);
  for (let index = 0; index < 64; index++) bytes[index] ^= 0xff;
  writeSync(file, bytes, 0, 64, middle);
}

describe('promised', () => {
  it.each(names)(
    'every read sees the latest acknowledged write with %s down, through every node that is left, and through it when it is back',
    async (victim) => {
      const readers = names.filter((name) => name !== victim).map((name) => clientOf(name));
      await stop(victim);
      for (let round = 1; round <= 12; round++) {
        for (const [index, writer] of readers.entries()) {
          const value = `${victim} ${round} ${index}`;
          expect(await writer.set(`latest-${round % 4}`, value)).toBe('OK');
          for (const reader of readers) expect(await reader.get(`latest-${round % 4}`)).toBe(value);
        }
      }
      await start(victim);
      // Stale as it is, it does not answer from what it holds alone.
      const back = clientOf(victim);
      for (let round = 9; round <= 12; round++) {
        expect(await back.get(`latest-${round % 4}`)).toBe(`${victim} ${round} 1`);
      }
    },
  );

  it('nothing acknowledged is lost on kill -9 of each node in turn', () =>
    underLoad(async (books) => {
      for (const name of names) {
        await killed(name);
        await more(books);
      }
    }));

  it('nothing acknowledged is lost on kill -9 of all nodes at once', () =>
    underLoad(async (books) => {
      await killed(...names);
      await more(books);
    }));

  it('nothing acknowledged is lost when one replica’s disk is wiped', () =>
    underLoad(async (books) => {
      const { pid } = await nodeNamed('node-2');
      process.kill(pid!, 'SIGKILL');
      rmSync(folderOf('node-2'), { recursive: true });
      await waitUntil('node-2 came back', async () => {
        const node = await nodeNamed('node-2');
        return node.state === 'up' && node.pid !== pid;
      });
      await more(books);
    }));

  it('nothing acknowledged is lost when one replica’s disk is damaged', () =>
    keeps(async () => {
      await stop('node-3');
      damageSegment('node-3');
      await start('node-3');
    }));

  it('nothing acknowledged is lost when one replica’s records are deleted and its identity is kept, nor what it takes afterwards', () =>
    keeps(async () => {
      const [first, second, third] = clientsOfAll();
      for (let key = 0; key < 20; key++) await first.set(`kept-${key}`, 'old');
      await stop('node-1');
      rmSync(join(folderOf('node-1'), 'data'), { recursive: true });
      await start('node-1');
      // Under an old epoch the others would take its writes for ones that they have long seen.
      for (let key = 0; key < 20; key++) expect(await first.set(`kept-${key}`, `new ${key}`)).toBe('OK');
      for (const reader of [second, third]) {
        for (let key = 0; key < 20; key++) expect(await reader.get(`kept-${key}`)).toBe(`new ${key}`);
      }
    }));

  it('no read at QUORUM misses what was acknowledged while the replication factor is raised from 1 to 3', async () => {
    await cluster.api.call('keyspaces.create', { name: 'growing', factors: 1, database: 5 });
    const readers = clientsOfAll(5);
    const keys = Array.from({ length: 200 }, (_, key) => `key-${key}`);
    await Promise.all(keys.map((key) => readers[0].set(key, `value of ${key}`)));
    await cluster.api.call('keyspaces.alter', { name: 'growing', factors: 3 });
    // An error is allowed while the new replicas are being filled; nil never is.
    const answer = async (reader: Redis, key: string): Promise<string | null> => {
      let found: string | null = null;
      await waitUntil(`${key} is answered`, async () => {
        try {
          found = await reader.get(key);
          return true;
        } catch {
          return false;
        }
      });
      return found;
    };
    for (const reader of readers) {
      const found = await Promise.all(keys.map((key) => answer(reader, key)));
      expect(keys.filter((key, index) => found[index] !== `value of ${key}`)).toEqual([]);
    }
  });

  it('a key that was deleted stays deleted when a replica that missed it is back, and when another is killed', async () => {
    const [first, second, third] = clientsOfAll();
    const keys = Array.from({ length: 20 }, (_, key) => `gone-${key}`);
    for (const key of keys) await first.set(key, 'there');
    await stop('node-2');
    expect(await first.del(...keys)).toBe(keys.length);
    await start('node-2');
    for (const reader of [first, second, third]) {
      for (const key of keys) expect(await reader.get(key)).toBeNull();
    }
    await waitUntil('nothing is owed', isCalm, 60_000);
    await killed('node-3');
    for (const reader of clientsOfAll()) {
      for (const key of keys) expect(await reader.get(key)).toBeNull();
    }
  });

  it('INCR from all nodes at once loses nothing while nothing fails', async () => {
    const each = 60;
    const counted = await Promise.all(
      clientsOfAll().flatMap((client) => Array.from({ length: each }, () => client.incr('counter'))),
    );
    expect(new Set(counted).size).toBe(3 * each);
    for (const client of clientsOfAll()) expect(await client.get('counter')).toBe(String(3 * each));
  });

  it('SCAN shows all keys at every node, and FLUSHALL empties every keyspace', async () => {
    await cluster.api.call('keyspaces.create', { name: 'scanned', database: 6 });
    const scanners = clientsOfAll(6);
    const keys = Array.from({ length: 400 }, (_, key) => `scanned-${key}`);
    await Promise.all(keys.map((key, index) => scanners[index % 3].set(key, 'v')));
    for (const scanner of scanners) {
      const found = new Set<string>();
      let cursor = '0';
      do {
        const [next, page] = await scanner.scan(cursor, 'COUNT', 50);
        for (const key of page) found.add(key);
        cursor = next;
      } while (cursor !== '0');
      expect([...found].sort()).toEqual([...keys].sort());
    }
    expect(await scanners[1].flushall()).toBe('OK');
    for (const db of [0, 5, 6]) {
      for (const client of clientsOfAll(db)) expect(await client.dbsize()).toBe(0);
    }
    expect(await scanners[2].get('scanned-7')).toBeNull();
  });
});

describe('not promised', () => {
  it('that two sides of a partition do not both succeed: both did, both values are kept, and a plain read shows the newer', async () => {
    const one = { readLevel: 'ONE', writeLevel: 'ONE' } as const;
    await cluster.api.call('keyspaces.create', { name: 'apart', database: 7, ...one });
    const [left, right] = [clientOf('node-1', 7), clientOf('node-2', 7)];
    await Promise.all([left.ping(), right.ping()]);
    const pause = (...some: string[]) =>
      Promise.all(some.map((name) => cluster.api.call('nodes.pause', { name })));
    const resume = (...some: string[]) =>
      Promise.all(some.map((name) => cluster.api.call('nodes.resume', { name })));
    const sees = (name: string, down: string) =>
      waitUntil(
        `${name} has no link to ${down}`,
        async () => (await nodeNamed(name)).figures?.peersDown.join() === down,
      );
    await pause('node-2', 'node-3');
    await sees('node-1', 'node-2,node-3');
    expect(await left.set('lock', 'left', 'NX')).toBe('OK');
    await pause('node-1');
    await resume('node-2', 'node-3');
    await sees('node-2', 'node-1');
    expect(await right.set('lock', 'right', 'NX')).toBe('OK');
    await resume('node-1');
    await waitUntil('they are together again', isCalm, 60_000);
    for (const client of [left, right]) {
      const [, siblings] = (await client.call('CT.GET', 'lock', 'CONSISTENCY', 'ALL')) as [string, string[]];
      expect(siblings).toEqual(['right', 'left']);
      expect(await client.get('lock')).toBe('right');
    }
  });
});
