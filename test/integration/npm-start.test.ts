/** `npm start` in the background of a script: however it is ended, nothing that it started stays. */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readControlAddress } from '../../core/host/servers/control-server.ts';
import { isAlive, killAll, waitUntil } from '../support/cluster.ts';

const root = process.env.COTERIE_ROOT ?? join(import.meta.dirname, '../..');
const anyPorts = ['--ui-port', '0', '--client-port', '0', '--control-port', '0', '--peer-port', '0'];

let folder: string;
let started: number[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'coterie-npm-'));
  started = [];
});
afterEach(() => {
  killAll(started);
  rmSync(folder, { recursive: true, force: true });
});

function parentOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
}

/** The process ids of npm, of what it runs, of the host, and of its nodes. */
async function startByNpm(): Promise<{ npm: number; script: number; all: number[] }> {
  const words = ['start', '--', '--data', folder, '--json', ...anyPorts];
  const child = spawn('npm', words, { cwd: root, stdio: ['ignore', 'pipe', 'ignore'] });
  let out = '';
  child.stdout.on('data', (chunk: Buffer) => {
    out += chunk.toString();
  });
  await waitUntil('it is ready', () => /\{"ready".*\n/.test(out), 60_000);
  const ready = JSON.parse(out.slice(out.indexOf('{"ready"'))) as { nodes: { pid: number }[] };
  const host = readControlAddress(folder)!.pid;
  const script = parentOf(host);
  started = [child.pid!, script, host, ...ready.nodes.map(({ pid }) => pid)];
  return { npm: child.pid!, script, all: started };
}

for (const [who, signal] of [
  ['npm', 'SIGTERM'],
  ['script', 'SIGTERM'],
  ['script', 'SIGKILL'],
] as const) {
  test.skipIf(process.platform !== 'linux')(`nothing stays when ${who} gets ${signal}`, async () => {
    const { all, ...named } = await startByNpm();
    process.kill(named[who], signal);
    const alive = () => all.filter(isAlive);
    await waitUntil('all have ended', () => alive().length === 0, 20_000).catch(() => {});
    expect(alive()).toEqual([]);
  });
}
