/**
 * A real cluster for tests: `coterie serve` as its own process, in a temporary folder, on free ports. Everything it starts
 * is ended by pid, and the folder is removed.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ControlClient } from '../../core/cli/control-client.ts';

const program = join(process.env.COTERIE_ROOT ?? join(import.meta.dirname, '../..'), 'dist/cli.js');
const run = promisify(execFile);
const readyWithinMs = 45_000;
const stopWithinMs = 20_000;

export interface ReadyNode {
  readonly name: string;
  readonly id: string;
  readonly client: string;
  readonly state: string;
  readonly pid: number;
  /** Why it does not run. */
  readonly problem: string | null;
}

export interface Ready {
  readonly ready: true;
  readonly cluster: { readonly id: string; readonly name: string };
  readonly ui: string;
  readonly nodes: readonly ReadyNode[];
}

export class RealCluster {
  readonly folder: string;
  #process: ChildProcess | null = null;
  #ready: Ready | null = null;
  /** What it wrote to standard error, for the message of a failing test. */
  log = '';

  constructor(folder = mkdtempSync(join(tmpdir(), 'coterie-cluster-'))) {
    this.folder = folder;
  }

  get ready(): Ready {
    if (this.#ready === null) throw new Error('The cluster is not running.');
    return this.#ready;
  }

  get ports(): number[] {
    return this.ready.nodes.map((node) => Number(node.client.split(':')[1]));
  }

  get uiUrl(): string {
    return new URL('/', this.ready.ui).href;
  }

  /** False from the moment it is stopped or killed. */
  get isRunning(): boolean {
    return this.#process !== null;
  }

  async start(...extra: string[]): Promise<Ready> {
    const ports = ['--ui-port', '0', '--client-port', '0', '--control-port', '0', '--peer-port', '0'];
    const child = spawn(
      process.execPath,
      [program, 'serve', '--data', this.folder, '--json', ...ports, ...extra],
      {
        stdio: ['ignore', 'pipe', 'pipe'],
      },
    );
    this.#process = child;
    child.stderr.on('data', (chunk: Buffer) => {
      this.log = (this.log + chunk.toString()).slice(-20_000);
    });
    this.#ready = await new Promise<Ready>((resolve, reject) => {
      let out = '';
      const timer = setTimeout(
        () => reject(new Error(`The cluster is not ready in time.\n${this.log}`)),
        readyWithinMs,
      );
      child.stdout.on('data', (chunk: Buffer) => {
        out += chunk.toString();
        if (!out.includes('\n')) return;
        clearTimeout(timer);
        const answer = JSON.parse(out) as Ready | { ready: undefined; error: { message: string } };
        if (answer.ready) resolve(answer);
        else reject(new Error(`The cluster cannot start. ${answer.error.message}`));
      });
      child.once('exit', (code) => {
        clearTimeout(timer);
        reject(new Error(`The cluster ended with code ${code}.\n${out}${this.log}`));
      });
    });
    return this.#ready;
  }

  /** Ends it in order; answers its exit code. */
  async stop(): Promise<number | null> {
    const child = this.#process;
    this.#process = null;
    this.#ready = null;
    if (child === null || child.exitCode !== null || child.signalCode !== null)
      return child?.exitCode ?? null;
    const gone = new Promise<number | null>((resolve) => child.once('exit', resolve));
    child.kill('SIGTERM');
    const force = setTimeout(() => child.kill('SIGKILL'), stopWithinMs);
    const code = await gone;
    clearTimeout(force);
    return code;
  }

  /** kill -9 of everything of this computer, host first, so that nothing is restarted. */
  async killAll(): Promise<void> {
    const { computers, nodes } = await this.api.call('cluster.snapshot', {});
    const own = new Set(computers.filter(({ self }) => self).map(({ name }) => name));
    const pids = nodes.flatMap(({ computer, pid }) => (pid !== null && own.has(computer) ? [pid] : []));
    const child = this.#process!;
    this.#process = null;
    this.#ready = null;
    const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    child.kill('SIGKILL');
    for (const pid of pids) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // It has just ended.
      }
    }
    await gone;
    await waitUntil('all node processes are gone', () => pids.every((pid) => !isAlive(pid)));
  }

  /** The command line, on this cluster. */
  async command(...words: string[]): Promise<unknown> {
    const made = await run(process.execPath, [program, ...words, '--data', this.folder, '--json']).catch(
      // A refusal is an answer, too; that the command ended with 1 says nothing to whoever waits for it.
      (error: Error & { stdout: string; stderr: string }) =>
        Promise.reject(Object.assign(error, { message: error.stderr + error.stdout })),
    );
    return JSON.parse(made.stdout);
  }

  /** What the command line talks to, without a process for each question. */
  get api(): ControlClient {
    return new ControlClient(this.folder);
  }

  async nodes(): Promise<{ name: string; state: string; pid: number | null; client: string }[]> {
    const { nodes } = await this.api.call('cluster.snapshot', {});
    return nodes.map((node) => ({ ...node, client: node.client ?? '' }));
  }

  async dispose(): Promise<void> {
    await this.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** Ends those that are still there. */
export function killAll(pids: readonly number[]): void {
  for (const pid of pids) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It has ended.
    }
  }
}

/** Waits for a condition, with a deadline: tests never sleep for a guessed time. */
export async function waitUntil(
  what: string,
  condition: () => boolean | Promise<boolean>,
  withinMs = 20_000,
  everyMs = 25,
): Promise<void> {
  const deadline = Date.now() + withinMs;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`Not within ${withinMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
}
