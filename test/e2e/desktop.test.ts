/// <reference lib="dom" />
/** The desktop app in a real Electron: window, bridge, nodes as utility processes, crash of a node, quitting in order. */
import { type ChildProcess, execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { _electron, type ElectronApplication, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Snapshot } from '../../core/contract/views.ts';
import { isAlive, waitUntil } from '../support/cluster.ts';
import { type AppCopy, copyWithApp, findRuntime } from '../support/electron-runtime.ts';

const runtime = findRuntime();
const skipped = 'missing' in runtime ? runtime.missing : null;

interface Bridge {
  invoke(
    method: string,
    input: unknown,
  ): Promise<{ output?: unknown; error?: { code: string; message: string } }>;
}

describe.skipIf(skipped !== null)(
  `the desktop app${skipped === null ? '' : ` (skipped: ${skipped})`}`,
  () => {
    let copy: AppCopy;
    let app: ElectronApplication;
    let page: Page;
    let folder: string;
    let child: ChildProcess;

    const environment = () => ({
      ...(process.env as Record<string, string>),
      COTERIE_DATA: folder,
      XDG_CONFIG_HOME: join(folder, 'config'),
      COTERIE_CLIENT_PORT: '0',
      COTERIE_PEER_PORT: '0',
      COTERIE_UI_PORT: '0',
      COTERIE_CONTROL_PORT: '0',
    });

    async function snapshot(): Promise<Snapshot> {
      const answer = await page.evaluate(() =>
        (window as unknown as { coterie: Bridge }).coterie.invoke('cluster.snapshot', {}),
      );
      return answer.output as Snapshot;
    }

    const allUp = async () => (await snapshot()).nodes.every((node) => node.state === 'up');

    beforeAll(async () => {
      if ('missing' in runtime) return;
      folder = mkdtempSync(join(tmpdir(), 'coterie-desktop-'));
      copy = copyWithApp(runtime.folder);
      app = await _electron.launch({
        executablePath: copy.executable,
        args: [],
        chromiumSandbox: true,
        env: environment(),
      });
      child = app.process();
      page = await app.firstWindow();
      await waitUntil('all nodes are up', allUp, 40_000);
    });

    afterAll(async () => {
      await app?.close().catch(() => {});
      copy?.dispose();
      if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
    });

    it('shows the page from its own scheme, sandboxed, with nothing of Node in it', async () => {
      expect(page.url()).toMatch(/^app:\/\/coterie\//);
      expect(
        await page.evaluate(() => Object.keys((window as unknown as { coterie: object }).coterie).sort()),
      ).toEqual(['invoke', 'subscribe']);
      const leaks = await page.evaluate(() =>
        ['require', 'process', 'module', 'Buffer'].filter((name) => name in window),
      );
      expect(leaks).toEqual([]);
      await page.waitForSelector('nav');
    });

    it('refuses calls that the contract does not know, with an error and not a crash', async () => {
      const answer = await page.evaluate(() =>
        (window as unknown as { coterie: Bridge }).coterie.invoke('nodes.kill', { name: '../etc' }),
      );
      expect(answer.error?.code).toBe('bad-input');
    });

    it('neither navigates away nor opens windows nor grants permissions', async () => {
      await page.evaluate(() => {
        window.location.href = 'https://example.com/';
        window.open('https://example.com/');
      });
      expect(await page.evaluate(() => Notification.requestPermission())).toBe('denied');
      expect(page.url()).toMatch(/^app:\/\/coterie\//);
      expect(app.windows().length).toBe(1);
    });

    it('runs three nodes as processes of their own that any Redis client can use', async () => {
      const { nodes } = await snapshot();
      expect(nodes.map((node) => node.name)).toEqual(['node-1', 'node-2', 'node-3']);
      expect(new Set(nodes.map((node) => node.pid)).size).toBe(3);
      const client = new Redis(`redis://${nodes[0].client}`);
      await client.set('from a client', 'to the disk');
      client.disconnect();
      const other = new Redis(`redis://${nodes[2].client}`);
      expect(await other.get('from a client')).toBe('to the disk');
      other.disconnect();
    });

    it('survives kill -9 of a node: the others serve, the host starts it again, the window stays', async () => {
      const before = (await snapshot()).nodes[1];
      process.kill(before.pid!, 'SIGKILL');
      await waitUntil('the node is missed', async () => (await snapshot()).nodes[1].state !== 'up');
      const client = new Redis(`redis://${(await snapshot()).nodes[0].client}`);
      expect(await client.get('from a client')).toBe('to the disk');
      await waitUntil('the node is back', allUp);
      expect((await snapshot()).nodes[1].pid).not.toBe(before.pid);
      expect(await client.get('from a client')).toBe('to the disk');
      client.disconnect();
    });

    it('answers the command line through the data folder', async () => {
      const cli = join(import.meta.dirname, '../../dist/cli.js');
      const out = execFileSync('node', [cli, 'nodes', '--data', folder, '--json'], { encoding: 'utf8' });
      expect(JSON.parse(out).length).toBe(3);
    });

    it('starts no second cluster when it is started twice', () => {
      const result = execFileSync(copy.executable, [], {
        env: environment(),
        timeout: 20_000,
        encoding: 'utf8',
      });
      expect(result).not.toMatch(/starting its nodes/);
      expect(JSON.parse(readFileSync(join(folder, 'owner.lock'), 'utf8')).pid).toBe(child.pid);
    });

    it('quits by draining: no node process and no lock is left', async () => {
      const pids = (await snapshot()).nodes.map((node) => node.pid!);
      await app.close();
      await waitUntil('all node processes are gone', () => pids.every((pid) => !isAlive(pid)));
      expect(existsSync(join(folder, 'owner.lock'))).toBe(false);
      expect(existsSync(join(folder, 'control.json'))).toBe(false);
    });
  },
);
