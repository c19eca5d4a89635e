/// <reference lib="dom" />
/**
 * The desktop app in a real Electron: window, bridge, nodes as utility processes, crashes of a node and of the page, a
 * port that is taken, quitting in order. What it says in words is checked without a runtime.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { _electron, type ElectronApplication, type Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { CoterieError } from '../../core/base/errors.ts';
import type { ClusterEvent, DesktopBridge } from '../../core/contract/api.ts';
import type { NodeView } from '../../core/contract/node-views.ts';
import type { Snapshot } from '../../core/contract/views.ts';
import { startProblemOf } from '../../electron/start-problem.ts';
import { TrayWords } from '../../electron/tray-text.ts';
import { isAlive, waitUntil } from '../support/cluster.ts';
import { type AppCopy, copyWithApp, findRuntime } from '../support/electron-runtime.ts';

const runtime = findRuntime();
const skipped = 'missing' in runtime ? runtime.missing : null;
const cli = join(import.meta.dirname, '../../dist/cli.js');

type WithBridge = Window & { coterie: DesktopBridge };

/** The environment of one installation: its own data and settings, any free ports. */
function environmentOf(folder: string): Record<string, string> {
  return {
    ...(process.env as Record<string, string>),
    COTERIE_DATA: folder,
    XDG_CONFIG_HOME: join(folder, 'config'),
    COTERIE_CLIENT_PORT: '0',
    COTERIE_PEER_PORT: '0',
    COTERIE_UI_PORT: '0',
    COTERIE_CONTROL_PORT: '0',
  };
}

/**
 * The inspector may collect the promise of an evaluation before it has answered: it is asked again then, so that what is
 * evaluated must be harmless when it runs twice.
 */
async function answered<T>(evaluate: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await evaluate();
    } catch (error) {
      if (tries === 5 || !String(error).includes('garbage collected')) throw error;
    }
  }
}

function locksIn(folder: string): string[] {
  const nodes = ['node-1', 'node-2', 'node-3'].map((name) => join('nodes', name));
  return ['.', ...nodes].map((name) => join(folder, name, 'owner.lock')).filter((path) => existsSync(path));
}

describe.skipIf(skipped !== null)(
  `the desktop app${skipped === null ? '' : ` (skipped: ${skipped})`}`,
  () => {
    let copy: AppCopy;
    let app: ElectronApplication;
    let page: Page;
    let folder: string;
    let child: ChildProcess;

    /** Asked through the window as it is now: a page that crashed and came back is lost to Playwright. */
    const inPage = <T>(code: string): Promise<T> =>
      answered(() =>
        app.evaluate(
          ({ BrowserWindow }, text) =>
            BrowserWindow.getAllWindows()[0].webContents.executeJavaScript(text) as Promise<T>,
          code,
        ),
      );
    const snapshot = async () =>
      (await inPage<{ output: Snapshot }>(`window.coterie.invoke('cluster.snapshot', {})`)).output;
    const allUp = async () => (await snapshot()).nodes.every((node) => node.state === 'up');

    beforeAll(async () => {
      if ('missing' in runtime) return;
      folder = mkdtempSync(join(tmpdir(), 'coterie-desktop-'));
      copy = copyWithApp(runtime.folder);
      app = await _electron.launch({
        executablePath: copy.executable,
        args: [],
        chromiumSandbox: true,
        env: environmentOf(folder),
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
        await page.evaluate(() => Object.keys((window as unknown as WithBridge).coterie).sort()),
      ).toEqual(['invoke', 'subscribe']);
      const leaks = await page.evaluate(() =>
        ['require', 'process', 'module', 'Buffer'].filter((name) => name in window),
      );
      expect(leaks).toEqual([]);
      await page.waitForSelector('nav');
    });

    it('serves the page’s files under a strict policy, and no file beside them', async () => {
      const answers = await app.evaluate(async ({ net }) => {
        const ask = async (path: string) => {
          const answer = await net.fetch(`app://coterie/${path}`);
          return { status: answer.status, policy: answer.headers.get('content-security-policy') };
        };
        return {
          page: await ask('index.html'),
          outside: await Promise.all(
            [
              '..%2fmain.cjs',
              '%2e%2e/%2e%2e/package.json',
              'assets/..%2f..%2fnode.js',
              '%00.js',
              '%zz.js',
            ].map(ask),
          ),
        };
      });
      expect(answers.page.status).toBe(200);
      expect(answers.page.policy).toMatch(/^default-src 'none';/);
      expect(answers.page.policy).not.toMatch(/unsafe-eval|https?:|\*/);
      expect(answers.outside.map(({ status }) => status)).toEqual([404, 404, 404, 404, 404]);
    });

    it('refuses calls that the contract does not know, with an error and not a crash', async () => {
      const answers = await page.evaluate(() => {
        const { invoke } = (window as unknown as WithBridge).coterie;
        return Promise.all([
          invoke('nodes.kill', { name: '../etc' }),
          invoke('constructor', {}),
          invoke({ toString: 1 } as unknown as string, null),
        ]);
      });
      expect(answers.map((answer) => ('error' in answer ? answer.error.code : answer))).toEqual([
        'bad-input',
        'unsupported',
        'bad-input',
      ]);
    });

    it('neither navigates away nor opens windows nor grants permissions nor reaches a network', async () => {
      await page.evaluate(() => {
        window.location.href = 'https://example.com/';
        window.open('https://example.com/');
      });
      expect(await page.evaluate(() => Notification.requestPermission())).toBe('denied');
      const camera = await page.evaluate(() =>
        navigator.mediaDevices.getUserMedia({ video: true }).then(
          () => 'granted',
          (error: Error) => error.name,
        ),
      );
      expect(camera).not.toBe('granted');
      expect(page.url()).toMatch(/^app:\/\/coterie\//);
      expect(app.windows().length).toBe(1);
      const { client } = (await snapshot()).nodes[0];
      const refused = await app.evaluate(
        ({ session }, url) =>
          session.defaultSession.fetch(url).then(
            () => 'answered',
            (error: Error) => error.message,
          ),
        `http://${client}/`,
      );
      expect(refused).toMatch(/ERR_BLOCKED_BY_CLIENT/);
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

    it('sends a page each event once, however often it was loaded', async () => {
      await answered(() =>
        app.evaluate(({ BrowserWindow }) => {
          if ('seen' in globalThis) return;
          const { webContents } = BrowserWindow.getAllWindows()[0];
          const send = webContents.send.bind(webContents);
          const seen: ClusterEvent[] = [];
          Object.assign(globalThis, { seen });
          webContents.send = (channel: string, event: ClusterEvent) => {
            seen.push(event);
            send(channel, event);
          };
        }),
      );
      for (let time = 0; time < 3; time++) {
        await page.reload();
        await page.waitForSelector('nav');
      }
      const sequencesSeen = () =>
        answered(() =>
          app.evaluate(() =>
            (globalThis as unknown as { seen: ClusterEvent[] }).seen
              .filter((event) => event.type !== 'snapshot')
              .map((event) => event.sequence),
          ),
        );
      await waitUntil('nodes have reported', async () => (await sequencesSeen()).length > 8);
      const sequences = await sequencesSeen();
      expect(new Set(sequences).size).toBe(sequences.length);
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
      const out = execFileSync('node', [cli, 'nodes', '--data', folder, '--json'], { encoding: 'utf8' });
      expect(JSON.parse(out).length).toBe(3);
    });

    it('starts no second cluster when it is started twice, and shows the window of the first', async () => {
      await answered(() => app.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows()[0].hide()));
      const result = execFileSync(copy.executable, [], {
        env: environmentOf(folder),
        timeout: 20_000,
        encoding: 'utf8',
      });
      expect(result).not.toMatch(/starting its nodes/);
      expect(JSON.parse(readFileSync(join(folder, 'owner.lock'), 'utf8')).pid).toBe(child.pid);
      await waitUntil('the window is shown', () =>
        answered(() => app.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows()[0].isVisible())),
      );
    });

    it('loads the page again when its process crashes; the nodes notice nothing', async () => {
      const before = (await snapshot()).nodes.map((node) => node.pid);
      const pageProcess = () =>
        answered(() =>
          app.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows()[0].webContents.getOSProcessId()),
        );
      const crashed = await pageProcess();
      process.kill(crashed, 'SIGKILL');
      await waitUntil(
        'another process runs the page',
        async () => ![0, crashed].includes(await pageProcess()),
      );
      await waitUntil('the page is back', () =>
        inPage<boolean>(`document.querySelector('nav') !== null`).catch(() => false),
      );
      expect((await snapshot()).nodes.map((node) => node.pid)).toEqual(before);
    });

    it('quits by draining: no node process and no lock is left, the window’s place is', async () => {
      const pids = (await snapshot()).nodes.map((node) => node.pid!);
      await app.evaluate(({ BrowserWindow }) =>
        BrowserWindow.getAllWindows()[0].setBounds({ x: 40, y: 30, width: 900, height: 700 }),
      );
      await app.close();
      await waitUntil('all node processes are gone', () => pids.every((pid) => !isAlive(pid)));
      expect(locksIn(folder)).toEqual([]);
      expect(existsSync(join(folder, 'control.json'))).toBe(false);
      const place = JSON.parse(readFileSync(join(folder, 'config/Coterie/window.json'), 'utf8'));
      expect(place.bounds).toMatchObject({ width: 900, height: 700 });
    });

    describe('when a port is taken', () => {
      let other: Server;
      let taken: number;
      let second: string;
      let program: ChildProcess | null = null;

      beforeEach(async () => {
        other = createServer();
        await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
        taken = (other.address() as { port: number }).port;
        second = mkdtempSync(join(tmpdir(), 'coterie-desktop-'));
      });

      afterEach(() => {
        if (program?.exitCode === null) program.kill('SIGKILL');
        other.close();
        rmSync(second, { recursive: true, force: true });
      });

      /** A group of its own, as a terminal would make it. */
      function start(answer: number): { said: () => string; ended: Promise<number | null> } {
        const started = spawn(copy.executable, [], {
          env: {
            ...environmentOf(second),
            COTERIE_UI_PORT: String(taken),
            COTERIE_TEST_ANSWER: String(answer),
          },
          detached: true,
        });
        program = started;
        let text = '';
        started.stdout.on('data', (chunk: Buffer) => {
          text += chunk;
        });
        started.stderr.resume();
        const ended = new Promise<number | null>((resolve) => started.on('exit', resolve));
        return { said: () => text, ended };
      }

      it('asks, and quits in order when told to', async () => {
        const { said, ended } = start(2);
        expect(await ended).toBe(0);
        const [question] = said()
          .split('\n')
          .filter((line) => line.startsWith('{'));
        expect(JSON.parse(question).message).toBe(`Port ${taken} is in use by another program`);
        expect(locksIn(second)).toEqual([]);
      });

      it('takes the free one when told to; a Ctrl-C then drains all nodes, although it reaches each of them', async () => {
        const { said, ended } = start(0);
        await waitUntil('all nodes take clients', () => said().split('takes clients').length === 4, 40_000);
        const free = Number(/"Use port (\d+)"/.exec(said())![1]);
        expect((await fetch(`http://127.0.0.1:${free}/openapi.json`)).status).toBe(200);
        process.kill(-program!.pid!, 'SIGINT');
        expect(await ended).toBe(0);
        expect(locksIn(second)).toEqual([]);
      });
    });
  },
);

describe('the words of the desktop app', () => {
  const ports = { client: 7379, ui: 7370, control: 7400, peer: 7410 };

  it('name the port that is taken, what it is for, and the one that would work', () => {
    const error = new CoterieError('busy', '… --client-port 7385.', { port: 7379, free: 7385 });
    const problem = startProblemOf(error, ports);
    expect(problem.otherPorts).toEqual({ ...ports, client: 7385 });
    expect(problem.otherPortsLabel).toBe('Use port 7385');
    expect(problem.detail).toMatch(/Redis clients.*7385.*COTERIE_CLIENT_PORT/);
    expect(problem.detail).not.toMatch(/--client-port/);
  });

  it('pass on any other cause as it is', () => {
    const error = new CoterieError('conflict', 'The folder is in use by another Coterie (process 7).');
    expect(startProblemOf(error, ports)).toMatchObject({ detail: error.message, otherPorts: null });
  });

  it('put the worst state first in the tray, and change only when the state does', () => {
    const words = new TrayWords();
    const node = (state: string, keyCount: number) =>
      ({ id: 'a', name: 'node-1', state, figures: { keyCount } }) as unknown as NodeView;
    const start = { cluster: { name: 'Shop' }, nodes: [node('up', 1)], advice: [] } as unknown as Snapshot;
    expect(words.after({ type: 'snapshot', sequence: 0, snapshot: start })).toEqual({
      needsPerson: false,
      tip: 'Shop: 1 of 1 nodes up',
      summary: '1 of 1 nodes up',
      nodes: ['node-1: up'],
    });
    expect(words.after({ type: 'node', sequence: 1, node: node('up', 2) })).toBeNull();
    expect(words.after({ type: 'node', sequence: 2, node: node('down', 2) })?.nodes).toEqual([
      'node-1: down',
    ]);
    const advice = (severity: 'info' | 'warning' | 'error', title: string) => ({
      id: title,
      severity,
      title,
      detail: '',
      page: 'ring',
      subject: '',
      action: '',
    });
    const text = words.after({
      type: 'advice',
      sequence: 3,
      advice: [advice('info', 'i'), advice('warning', 'w'), advice('error', 'node-1 is down')],
    });
    expect(text).toMatchObject({ needsPerson: true, tip: 'Shop: node-1 is down' });
  });
});
