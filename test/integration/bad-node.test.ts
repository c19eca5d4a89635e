/** One node of a computer cannot start, for a cause that stays: the others serve, the cause is shown, and every wait can be ended. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { RealCluster, waitUntil } from '../support/cluster.ts';

const program = join(import.meta.dirname, '../../dist/cli.js');
const run = promisify(execFile);
const anyPorts = ['--ui-port', '0', '--client-port', '0', '--control-port', '0', '--peer-port', '0'];

let folder: string;
let cluster: RealCluster;
let started: ChildProcess[];
beforeEach(() => {
  started = [];
  folder = mkdtempSync(join(tmpdir(), 'coterie-bad-node-'));
  cluster = new RealCluster(folder);
});
afterEach(async () => {
  for (const child of started) child.kill('SIGKILL');
  await cluster.dispose();
});

/** A disk that was copied from another node: refused at every start, whatever is tried. */
function giveForeignIdentity(name: string): void {
  const path = join(folder, 'nodes', name, 'identity.json');
  const identity = JSON.parse(readFileSync(path, 'utf8'));
  writeFileSync(path, JSON.stringify({ ...identity, nodeId: 1 }));
}

test('a node with a foreign identity is shown with its cause while the others serve, and all end when told to', async () => {
  await cluster.start();
  await cluster.stop();
  giveForeignIdentity('node-2');
  const ready = await cluster.start();
  expect(ready.nodes.map(({ state }) => state)).toEqual(['up', 'failed', 'up']);
  expect(ready.nodes[1].problem).toMatch(/belongs to node 1/);
  expect(cluster.log).toMatch(/node-2 cannot start: .*belongs to node 1/);

  await cluster.command('put', 'k', 'v');
  expect(await cluster.command('get', 'k')).toMatchObject({ siblings: [{ text: 'v' }] });
  const shown = await run(process.execPath, [program, 'nodes', '--data', folder]);
  expect(shown.stdout).toMatch(/node-2 +failed/);
  expect(shown.stdout).toMatch(/node-2: .*belongs to node 1/);
  expect(await cluster.stop()).toBe(0);
});

test('a node whose folder is a file is shown with its cause while the others serve', async () => {
  await cluster.start();
  await cluster.stop();
  rmSync(join(folder, 'nodes', 'node-3'), { recursive: true });
  writeFileSync(join(folder, 'nodes', 'node-3'), '');
  const ready = await cluster.start();
  expect(ready.nodes.map(({ state }) => state)).toEqual(['up', 'up', 'failed']);
  expect(ready.nodes[2].problem).toMatch(/folder .*node-3 cannot be used/);
});

test('when no node can start, the command ends with each cause', async () => {
  await cluster.start('--nodes', '1');
  await cluster.stop();
  giveForeignIdentity('node-1');
  await expect(cluster.start()).rejects.toThrow(/cannot start.*node-1: .*belongs to node 1/);
});

test('a signal ends the command at any moment of its start', async () => {
  await cluster.start();
  await cluster.stop();
  giveForeignIdentity('node-2');
  const moments: ((child: ChildProcess, log: () => string) => Promise<void>)[] = [
    (child) => new Promise((resolve) => child.once('spawn', resolve)),
    (_, log) => waitUntil('it starts its nodes', () => log().includes('starting')),
    (_, log) => waitUntil('the bad node has failed', () => log().includes('node-2 cannot start')),
  ];
  for (const [index, moment] of moments.entries()) {
    const words = [program, 'serve', '--data', folder, '--json', ...anyPorts];
    const child = spawn(process.execPath, words, { stdio: ['ignore', 'ignore', 'pipe'] });
    started.push(child);
    let log = '';
    child.stderr.on('data', (chunk: Buffer) => {
      log += chunk.toString();
    });
    const ended = new Promise<string>((resolve) => {
      child.once('exit', (code, signal) => resolve(`${signal ?? code}`));
    });
    await moment(child, () => log);
    child.kill(index % 2 === 0 ? 'SIGTERM' : 'SIGINT');
    let how = '';
    void ended.then((end) => {
      how = end;
    });
    await waitUntil('it has ended', () => how !== '', 15_000);
    // Before its first line runs nothing can catch a signal.
    expect(index === 0 ? ['0', 'SIGTERM'] : ['0']).toContain(how);
  }
});
