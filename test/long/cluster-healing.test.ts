/** Real nodes lose data in every way that a disk knows, under the load of real clients, and become whole without a person. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { openSync, readdirSync, readSync, rmSync, statSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { RealCluster, waitUntil } from '../support/cluster.ts';
import { type Books, missingAt, newBooks, writeLoad } from '../support/recording-client.ts';

interface NodeState {
  name: string;
  state: string;
  pid: number | null;
  figures: {
    keyCount: number;
    rebuildingPartitions: number;
    hints: { owed: number; sent: number }[];
  } | null;
}

let cluster: RealCluster;
beforeEach(async () => {
  cluster = new RealCluster();
  await cluster.start();
});
afterEach(() => cluster.dispose());

const nodes = async () => (await cluster.nodes()) as unknown as NodeState[];
const nodeNamed = async (name: string) => (await nodes()).find((node) => node.name === name)!;

/** Writes under way until told to stop. */
function load(books: Books): { stop: () => Promise<void> } {
  let done = false;
  const running = writeLoad(() => cluster.ports, books, {
    writerCount: 12,
    keysPerWriter: 200,
    shouldStop: () => done,
  });
  return {
    stop: () => {
      done = true;
      return running;
    },
  };
}

async function isWhole(name: string): Promise<boolean> {
  const node = await nodeNamed(name);
  return node.state === 'up' && node.figures !== null && node.figures.rebuildingPartitions === 0;
}

async function nothingOwed(): Promise<boolean> {
  return (await nodes()).every(
    ({ figures }) => figures?.hints.every((account) => account.owed === 0) === true,
  );
}

/** Reads at level ONE at each replica in turn would show what it holds itself; a dry run of repair says it for all. */
async function differences(): Promise<number> {
  const flags = ['--dry-run', '--intensity', 'fast', '--parallel', '4'];
  const job = (await cluster.command('repair', 'run', 'default', ...flags)) as { id: string };
  let found = { state: 'waiting', keysDiffering: -1 };
  await waitUntil(
    'differences are counted',
    async () => {
      found = (await cluster.command('repair', 'show', job.id)) as typeof found;
      return found.state === 'done';
    },
    60_000,
  );
  return found.keysDiffering;
}

test('each node in turn loses its data folder during writes; all are whole again, and nothing is lost', async () => {
  const books = newBooks();
  const writes = load(books);
  for (const name of ['node-1', 'node-2', 'node-3']) {
    const before = books.count;
    await waitUntil('some writes', () => books.count > before + 1_000);
    const { pid } = await nodeNamed(name);
    process.kill(pid!, 'SIGKILL');
    rmSync(join(cluster.folder, 'nodes', name), { recursive: true, force: true });
    await waitUntil(`${name} is back`, async () => {
      const node = await nodeNamed(name);
      return node.state === 'up' && node.pid !== pid;
    });
    await waitUntil(`${name} is whole`, () => isWhole(name), 90_000);
  }
  await writes.stop();
  expect({ refused: books.refused, causes: books.causes }).toEqual({ refused: 0, causes: [] });
  for (const port of cluster.ports) expect(await missingAt(port, books)).toEqual([]);
  await waitUntil('nothing is owed', nothingOwed, 30_000);
  expect(await differences()).toBe(0);
});

test('a damaged segment is noticed at the start and mended from the other replicas', async () => {
  const books = newBooks();
  const writes = load(books);
  await waitUntil('some writes', () => books.count > 2_000);
  await writes.stop();
  await cluster.command('node', 'stop', 'node-2');
  const folder = join(cluster.folder, 'nodes', 'node-2', 'data');
  const [segment] = readdirSync(folder).filter((name) => /^segment-.*\.log$/.test(name));
  // Without its summary the segment is read as a whole. Not forced: a summary of another name would be none.
  rmSync(join(folder, segment.replace('.log', '.sum')));
  const path = join(folder, segment);
  const file = openSync(path, 'r+');
  const middle = Math.floor(statSync(path).size / 2);
  const bytes = Buffer.alloc(64);
  readSync(file, bytes, 0, 64, middle);
  for (let index = 0; index < 64; index++) bytes[index] ^= 0xff;
  writeSync(file, bytes, 0, 64, middle);
  await cluster.command('node', 'start', 'node-2');
  await waitUntil('node-2 is whole', () => isWhole('node-2'), 90_000);
  for (const port of cluster.ports) expect(await missingAt(port, books)).toEqual([]);
  await waitUntil('nothing differs', async () => (await differences()) === 0, 90_000);
});

test('what a node missed while it was stopped is handed over when it is back', async () => {
  await cluster.command('node', 'stop', 'node-3');
  const books = newBooks();
  const port = cluster.ports[0];
  let done = false;
  const writes = writeLoad(() => [port], books, {
    writerCount: 8,
    keysPerWriter: 200,
    shouldStop: () => done,
  });
  await waitUntil('some writes', () => books.count > 1_500);
  done = true;
  await writes;
  await cluster.command('node', 'start', 'node-3');
  await waitUntil('node-3 is up', async () => (await nodeNamed('node-3')).state === 'up');
  await waitUntil('nothing is owed', nothingOwed, 30_000);
  expect(await differences()).toBe(0);
});

const largeBytes = 64 * 1024;
/** Some 10 MB, where 6 are left. */
const largeCount = 160;
/** Bytes that no compression makes smaller. */
const largeValue = (key: string) => createHash('shake256', { outputLength: largeBytes }).update(key).digest();

/** Writes large values at one node and at no other, whatever it says. */
async function writeLarge(
  port: number,
  count: number,
): Promise<{ acknowledged: string[]; refusals: string[] }> {
  const client = new Redis({ host: '127.0.0.1', port, maxRetriesPerRequest: 0 });
  const acknowledged: string[] = [];
  const refusals: string[] = [];
  for (let number = 0; number < count; number++) {
    const key = `large:${number}`;
    await client.set(key, largeValue(key)).then(
      () => acknowledged.push(key),
      (error: Error) => refusals.push(error.message),
    );
  }
  client.disconnect();
  return { acknowledged, refusals };
}

async function missingLarge(port: number, keys: readonly string[]): Promise<string[]> {
  const client = new Redis({ host: '127.0.0.1', port, maxRetriesPerRequest: 0 });
  const missing: string[] = [];
  for (const key of keys) {
    const found = await client.getBuffer(key).catch((error: Error) => error.message);
    if (found instanceof Buffer && found.equals(largeValue(key))) continue;
    missing.push(`${key}: ${typeof found === 'string' ? found : found?.length}`);
  }
  client.disconnect();
  return missing;
}

// A full disk needs a disk of its own: a small one in memory, which only root may mount.
test.skipIf(process.platform !== 'linux' || process.getuid?.() !== 0)(
  'a node whose disk is full loses nothing that it acknowledged and serves reads; the others take writes, and it catches up with room',
  async () => {
    const folder = join(cluster.folder, 'nodes', 'node-3');
    await cluster.command('node', 'stop', 'node-3');
    const filler = join(folder, 'filler');
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=24m', 'tmpfs', folder]);
    try {
      await cluster.command('node', 'start', 'node-3');
      await waitUntil('node-3 is whole', () => isWhole('node-3'), 60_000);
      writeFileSync(filler, Buffer.alloc(18 * 1024 * 1024));
      const [first, second, full] = (await cluster.nodes()).map(({ client }) => Number(client.split(':')[1]));
      const books = newBooks();
      let done = false;
      const elsewhere = writeLoad(() => [first, second], books, {
        writerCount: 4,
        keysPerWriter: 50,
        shouldStop: () => done,
      });
      const { acknowledged, refusals } = await writeLarge(full, largeCount);
      const { count } = books;
      await waitUntil('writes elsewhere go on', () => books.count > count + 1_000);
      done = true;
      await elsewhere;
      // Others take the writes whole: no client of theirs has to try again.
      expect({ retried: books.retried, refused: books.refused, causes: books.causes }).toEqual({
        retried: 0,
        refused: 0,
        causes: [],
      });
      expect(refusals.filter((message) => !/disk is full/i.test(message))).toEqual([]);
      expect(acknowledged.length).toBeGreaterThan(0);
      // More than the room there was: whatever was acknowledged, the full node cannot have all of it.
      expect(acknowledged.length + refusals.length).toBe(largeCount);
      for (const port of [first, second, full]) expect(await missingLarge(port, acknowledged)).toEqual([]);
      rmSync(filler);
      await waitUntil('nothing is owed', nothingOwed, 90_000);
      for (const port of cluster.ports) {
        expect(await missingAt(port, books)).toEqual([]);
        expect(await missingLarge(port, acknowledged)).toEqual([]);
      }
      expect(await differences()).toBe(0);
    } finally {
      await cluster.stop();
      execFileSync('umount', [folder]);
    }
  },
);
