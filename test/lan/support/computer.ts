/** One computer of the network: the headless product, the command line and a visitor in its namespace. */
import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { MethodInput, MethodName, MethodOutput } from '../../../core/contract/api.ts';
import { readControlAddress } from '../../../core/host/servers/control-server.ts';
import { waitUntil } from '../../support/cluster.ts';
import type { Lan } from './lan.ts';
import { Visitor, type VisitorProgram } from './visitor.ts';

const program = join(process.env.COTERIE_ROOT ?? join(import.meta.dirname, '../../..'), 'dist/cli.js');
const readyWithinMs = 45_000;
export const computerPort = 7430;

export class Computer {
  readonly number: number;
  readonly name: string;
  readonly folder: string;
  readonly visitor: Visitor;
  readonly #lan: Lan;
  #child: ChildProcess | null = null;
  /** Of its processes, from the next start on. */
  environment: Readonly<Record<string, string>> = {};
  /** What it wrote to standard error, for the message of a failing test. */
  log = '';

  constructor(lan: Lan, number: number, visitors: VisitorProgram) {
    this.number = number;
    this.name = `computer-${number}`;
    this.folder = mkdtempSync(join(tmpdir(), `coterie-lan-${number}-`));
    this.visitor = new Visitor(lan, number, visitors);
    this.#lan = lan;
  }

  get address(): string {
    return this.#lan.addressOf(this.number);
  }

  get hostPid(): number {
    return readControlAddress(this.folder)!.pid;
  }

  /** Resolves when it takes clients or, without a cluster, can be asked to join one. */
  async start(...extra: string[]): Promise<void> {
    const words = ['--data', this.folder, '--json', '--listen', 'lan', '--computer-name', this.name];
    const child = this.#lan.spawn(this.number, [process.execPath, program, 'serve', ...words, ...extra], {
      environment: this.environment,
    });
    this.#child = child;
    child.stderr!.on('data', (chunk: Buffer) => {
      this.log = (this.log + chunk.toString()).slice(-20_000);
    });
    await new Promise<void>((resolve, reject) => {
      const fail = (why: string) => reject(new Error(`${this.name} ${why}.\n${this.log}`));
      const timer = setTimeout(() => fail('is not ready in time'), readyWithinMs);
      let out = '';
      child.stdout!.on('data', (chunk: Buffer) => {
        out += chunk.toString();
        if (!out.includes('\n')) return;
        clearTimeout(timer);
        if (JSON.parse(out).ready === true) resolve();
        else fail(`cannot start: ${out}`);
      });
      child.once('exit', (code) => {
        clearTimeout(timer);
        fail(`ended with ${code}`);
      });
    });
  }

  /** Its power is back. */
  async powerOn(): Promise<void> {
    this.#lan.plug(this.number);
    await this.start();
  }

  /** The command line at this computer. Rejects with what it says. */
  async command(...words: string[]): Promise<unknown> {
    const child = this.#lan.spawn(
      this.number,
      [process.execPath, program, ...words, '--data', this.folder, '--json'],
      { isVisitor: true },
    );
    let out = '';
    let errors = '';
    child.stdout!.on('data', (chunk: Buffer) => {
      out += chunk.toString();
    });
    child.stderr!.on('data', (chunk: Buffer) => {
      errors += chunk.toString();
    });
    const code = await new Promise((resolve) => child.once('close', resolve));
    const answer = out === '' ? null : JSON.parse(out);
    if (code === 0) return answer;
    throw new Error(answer?.error?.message ?? `${errors}${out}`);
  }

  /** What the command line would ask, without a process for each question. */
  api<M extends MethodName>(method: M, input: MethodInput<M>): Promise<MethodOutput<M>> {
    return this.visitor.ask('api', { folder: this.folder, method, input }) as Promise<MethodOutput<M>>;
  }

  redis(...words: string[]): Promise<string | null> {
    return this.visitor.ask('redis', { words });
  }

  /** Names and states of the nodes, as this computer sees them; none while nobody answers. */
  async nodeStates(): Promise<string[]> {
    const { nodes } = await this.api('cluster.snapshot', {}).catch(() => ({ nodes: [] }));
    return nodes.map(({ name, state }) => `${name} ${state}`).sort();
  }

  /** A file of its data folder. */
  file(name: string): Buffer {
    return readFileSync(join(this.folder, name));
  }

  async stop(): Promise<void> {
    const child = this.#child;
    if (child === null || child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGTERM');
    await gone;
  }

  removeFolder(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Asks to come in at `inviting`'s cluster, and is let in there; resolves when it is a member. */
export async function joinAt(inviting: Computer, newcomer: Computer, dataCenter?: string): Promise<void> {
  await waitUntil(`${newcomer.name} hears ${inviting.name}`, async () => {
    const found = await newcomer.api('network.found', {});
    return found.some(({ computer, cluster }) => computer === inviting.name && cluster !== null);
  });
  const { code } = await inviting.api('computers.invite', { dataCenter });
  await newcomer.api('join.ask', { code, nodes: 1 });
  const request = (await inviting.api('computers.requests', {})).find(
    ({ computer }) => computer === newcomer.name,
  );
  await inviting.api('computers.approve', { id: request!.id, apply: true });
}

/** Every one of them sees all nodes up, and no change under way. */
export function settled(computers: readonly Computer[], withinMs = 30_000): Promise<void> {
  return waitUntil(
    `${computers.length} computers are settled`,
    async () => {
      for (const computer of computers) {
        const seen = await computer.api('cluster.snapshot', {}).catch(() => null);
        if (seen === null || seen.layout.state !== 'settled' || seen.nodes.length !== computers.length)
          return false;
        if (seen.nodes.some(({ state }) => state !== 'up')) return false;
      }
      return true;
    },
    withinMs,
  );
}
