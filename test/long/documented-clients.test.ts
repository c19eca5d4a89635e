/** The settings of CLIENTS.md, on a real cluster whose nodes are killed one after the other: applications notice nothing. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { lostOf, type ProgramClient, type Repeating, startProgram } from '../support/client-programs.ts';
import { RealCluster, waitUntil } from '../support/cluster.ts';
import { documentedAgain, documentedClient, documentedHeadings } from '../support/documented-clients.ts';
import { killAndAwait } from '../support/kill-rotation.ts';

type Ending = { disconnect(): unknown } | { destroy(): unknown };

const cluster = new RealCluster();
const clients: Ending[] = [];
beforeAll(() => cluster.start());
afterAll(async () => {
  for (const client of clients) 'destroy' in client ? client.destroy() : client.disconnect();
  await cluster.dispose();
});

async function connected(heading: string, ports: readonly number[]): Promise<ProgramClient> {
  const client = (await documentedClient(heading, ports)) as ProgramClient & Ending;
  clients.push(client);
  return client;
}

test('every JavaScript example of the page is run here', async () => {
  const source = await readFile(import.meta.filename, 'utf8');
  const helpers = await readFile(join(import.meta.dirname, '../support/documented-clients.ts'), 'utf8');
  for (const heading of documentedHeadings()) expect(source + helpers).toContain(`'${heading}'`);
});

test('every node is killed with -9 in turn, and no program of four documented clients is refused or loses anything', async () => {
  const { ports } = cluster;
  const again: Repeating = await documentedAgain();
  let isOver = false;
  const start = async (name: string, heading: string, at: readonly number[], repeating?: Repeating) =>
    startProgram({ name, client: await connected(heading, at), repeating }, () => isOver);
  const programs = [
    await start('ioredis-cluster', 'ioredis, cluster mode', ports),
    await start('node-redis-cluster', 'node-redis, cluster mode', ports, again),
  ];
  for (const index of ports.keys()) {
    // Each begins at another node.
    const turned = [...ports.slice(index), ...ports.slice(0, index)];
    programs.push(await start(`ioredis-${index}`, 'ioredis, plain', turned));
    programs.push(await start(`node-redis-${index}`, 'node-redis, plain', turned, again));
  }
  const goOn = async () => {
    const before = programs.map(({ books }) => books.done);
    await waitUntil('every program goes on', () =>
      programs.every(({ books }, index) => books.done + books.failures.length >= before[index] + 100),
    );
  };
  for (const { name } of cluster.ready.nodes) {
    await goOn();
    await killAndAwait(cluster, name);
  }
  await goOn();
  isOver = true;
  await Promise.all(programs.map(({ over }) => over));
  if (process.env.COTERIE_FIGURES === '1') {
    for (const { books } of programs) process.stdout.write(`${books.name}: ${books.done} operations\n`);
  }
  expect(programs.flatMap(({ books }) => [...books.failures, ...books.wrong])).toEqual([]);
  for (const port of ports) {
    const reader = await connected('ioredis, plain', [port, port, port]);
    for (const { books } of programs) expect(await lostOf(books, reader)).toEqual([]);
  }
});
