/** Files of the host are damaged while it is down: the computer starts all the same, says so, and keeps what was in them. */
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { RealCluster } from '../support/cluster.ts';

let folder: string;
let cluster: RealCluster;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'coterie-damaged-'));
  cluster = new RealCluster(folder);
  await cluster.start();
  await cluster.command('keyspace', 'create', 'orders');
  await cluster.command('put', 'k', 'v', '--keyspace', 'orders');
  await cluster.stop();
});
afterEach(() => cluster.dispose());

test('with every file of the catalog and the layout damaged at once, the cluster is the same as before', async () => {
  const damaged = ['layout.json', ...['settings', 'activity', 'repairs'].map((name) => `catalog/${name}.db`)];
  for (const name of damaged) writeFileSync(join(folder, name), '{"damaged\nin two lines\n');
  await cluster.start();
  for (const name of damaged) expect(cluster.log).toContain(`${name.split('/').at(-1)} was damaged`);
  expect(await cluster.command('get', 'k', '--keyspace', 'orders')).toMatchObject({
    siblings: [{ text: 'v' }],
  });
  const kept = [...readdirSync(folder), ...readdirSync(join(folder, 'catalog'))];
  expect(kept.filter((name) => name.includes('.damaged-'))).toHaveLength(damaged.length);
});

test('without any usable layout the start is refused, and says which file to put back', async () => {
  for (const name of ['layout.json', 'layout.copy.json']) writeFileSync(join(folder, name), 'x');
  for (const name of readdirSync(join(folder, 'nodes'))) {
    rmSync(join(folder, 'nodes', name, 'layout.json'), { force: true });
  }
  await expect(cluster.start()).rejects.toThrow(/layout\.json is damaged.*from a backup/);
});

test('a layout of a newer version is refused by name', async () => {
  writeFileSync(join(folder, 'layout.json'), '{"format":2}');
  await expect(cluster.start()).rejects.toThrow(
    `${join(folder, 'layout.json')} was written by a newer version of Coterie; update this computer.`,
  );
});
