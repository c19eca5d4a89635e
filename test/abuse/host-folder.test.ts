/** A data folder is for one account alone, whatever it was like before; what is plainly somebody else's is left as it is. */
import { execFile } from 'node:child_process';
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Redis } from 'ioredis';
import { afterEach, expect, test } from 'vitest';
import { RealCluster } from '../support/cluster.ts';

const run = promisify(execFile);
const program = join(import.meta.dirname, '../../dist/cli.js');
const ports = ['--ui-port', '0', '--client-port', '0', '--control-port', '0', '--peer-port', '0'];
const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

function openFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'coterie-open-'));
  folders.push(folder);
  chmodSync(folder, 0o777);
  return folder;
}

/** Everything in a folder that others may do something with, and the folder itself. */
function openTo(folder: string): string[] {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  return ['.', ...names]
    .filter((name) => (lstatSync(join(folder, name)).mode & 0o077) !== 0)
    .map((name) => `${name} ${(lstatSync(join(folder, name)).mode & 0o777).toString(8)}`);
}

async function use(cluster: RealCluster): Promise<void> {
  const client = new Redis(cluster.ports[0]);
  await client.set('secret', 'x'.repeat(100_000));
  client.disconnect();
  await cluster.command('keyspace', 'create', `made-${Date.now()}`);
  await cluster.command('login');
  await cluster.command('user', 'add', `made-${Date.now()}`);
}

test('a folder that was open to all is closed, with all that comes to be in it', async () => {
  const cluster = new RealCluster(openFolder());
  const before = process.umask(0);
  try {
    await cluster.start('--nodes', '2');
    await use(cluster);
    expect(openTo(cluster.folder)).toEqual([]);
    await cluster.stop();
    expect(openTo(cluster.folder)).toEqual([]);

    // As an earlier version, or a copy from elsewhere, may have left it.
    const names = readdirSync(cluster.folder, { recursive: true, encoding: 'utf8' });
    for (const name of names) {
      const path = join(cluster.folder, name);
      chmodSync(path, statSync(path).isDirectory() ? 0o777 : 0o666);
    }
    chmodSync(cluster.folder, 0o755);
    await cluster.start();
    await use(cluster);
    expect(openTo(cluster.folder)).toEqual([]);
    expect(cluster.log).toMatch(/Other accounts could look into .* They no longer can/);
  } finally {
    process.umask(before);
    await cluster.dispose();
  }
});

test.each([
  ['files of something else', (folder: string) => writeFileSync(join(folder, 'thesis.txt'), 'x')],
  ['a folder of something else', (folder: string) => mkdirSync(join(folder, 'photos'))],
])('an open folder with %s is refused, and left as it is', async (_, fill) => {
  const folder = openFolder();
  fill(folder);
  const answer = await run(process.execPath, [program, 'serve', '--data', folder, ...ports]).catch((e) => e);
  expect(answer.code).toBe(1);
  expect(answer.stderr).toMatch(/cannot hold a cluster.*something else.*--data FOLDER/);
  expect(statSync(folder).mode & 0o777).toBe(0o777);
  expect(readdirSync(folder)).toHaveLength(1);
});

test('a home folder is refused as long as others may look into it', async () => {
  const folder = openFolder();
  const environment = { ...process.env, HOME: folder };
  const words = [program, 'serve', '--data', folder, ...ports];
  const answer = await run(process.execPath, words, { env: environment }).catch((e) => e);
  expect(answer.stderr).toMatch(/cannot hold a cluster.*not for Coterie alone/);
  expect(statSync(folder).mode & 0o777).toBe(0o777);
});

test('a folder of another account is refused', async () => {
  const answer = await run(process.execPath, [program, 'serve', '--data', '/tmp', ...ports]).catch((e) => e);
  expect(answer.stderr).toMatch(/cannot hold a cluster/);
});
