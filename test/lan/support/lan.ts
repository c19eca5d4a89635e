/**
 * A local network of several computers on this one: network namespaces on a bridge, which is in a namespace of its own. Nothing of it
 * is seen outside. It can be cut, split, renumbered, frozen and listened to, and all of it is gone with `dispose`.
 */
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { killAll, waitUntil } from '../../support/cluster.ts';
import { framesIn, listener } from './capture.ts';
import { checksumsInFull, delayer } from './slow-cable.ts';

/** The network that is cabled together, and the one that a part of it is plugged into when it is split. */
const bridges = ['together', 'apart'] as const;
const subnet = '10.98.0';

function ip(...words: string[]): string {
  return execFileSync('ip', words, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}

/** Why no such network can be made here; null: it can. */
export function lanMissing(): string | null {
  if (process.platform !== 'linux') return 'network namespaces are of Linux';
  if (process.getuid?.() !== 0) return 'only root makes network namespaces';
  const probe = `ct${process.pid}x`;
  try {
    ip('netns', 'add', probe);
    ip('-n', probe, 'link', 'add', 'bridge0', 'type', 'bridge');
    ip('-n', probe, 'link', 'add', 'eth0', 'type', 'veth', 'peer', 'name', 'eth1');
    return null;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT'
      ? 'the program ip (iproute2) is not here'
      : 'network namespaces cannot be made here';
  } finally {
    spawnSync('ip', ['netns', 'del', probe], { stdio: 'ignore' });
  }
}

/** Whether what goes over the bridge can be listened to, and held up: Node has no raw sockets, Python has. */
export const canListen = spawnSync('python3', ['-c', 'import socket; socket.AF_PACKET']).status === 0;

export interface Capture {
  /** Ends it; answers every frame that went over the bridge, or over one of its ports. */
  stop(): Promise<Buffer[]>;
}

let lansMade = 0;

export class Lan {
  readonly count: number;
  readonly #prefix = `ct${process.pid}n${++lansMade}`;
  readonly #addresses = new Map<number, string>();
  /** Processes in a computer's namespace that are not of it: they live through its power cuts. */
  readonly #visitors = new Set<number>();
  readonly #folder = mkdtempSync(join(tmpdir(), 'coterie-lan-'));
  readonly #onExit = () => this.#takeDown();

  constructor(count: number) {
    this.count = count;
    process.once('exit', this.#onExit);
    try {
      ip('netns', 'add', this.#switch);
      for (const name of bridges) {
        ip('-n', this.#switch, 'link', 'add', name, 'type', 'bridge', 'mcast_snooping', '0');
        ip('-n', this.#switch, 'link', 'set', name, 'up');
      }
      for (const number of this.numbers) this.#plugIn(number);
    } catch (error) {
      this.#takeDown();
      throw error;
    }
  }

  /** Of the computers: 1, 2, 3, … */
  get numbers(): number[] {
    return Array.from({ length: this.count }, (_, index) => index + 1);
  }

  addressOf(number: number): string {
    return this.#addresses.get(number)!;
  }

  /** Runs a program on a computer. A visitor is not of the computer: it goes on while that has no power. */
  spawn(
    number: number,
    words: readonly string[],
    {
      isVisitor = false,
      stderr = 'pipe' as 'pipe' | 'inherit',
      environment = {} as Readonly<Record<string, string>>,
    } = {},
  ): ChildProcess {
    // `ip netns exec` becomes the program: the pid is the program's.
    const child = spawn('ip', ['netns', 'exec', this.#namespace(number), ...words], {
      stdio: ['pipe', 'pipe', stderr],
      env: { ...process.env, ...environment },
    });
    if (isVisitor) this.#visitors.add(child.pid!);
    return child;
  }

  /** All processes of a computer. */
  pidsOf(number: number): number[] {
    return pidsIn(this.#namespace(number)).filter((pid) => !this.#visitors.has(pid));
  }

  /** The cable is pulled: the computer sees that, too. */
  unplug(number: number): void {
    ip('-n', this.#switch, 'link', 'set', `p${number}`, 'down');
  }

  plug(number: number): void {
    ip('-n', this.#switch, 'link', 'set', `p${number}`, 'up');
  }

  /** Two networks: these computers, and all others. Nobody sees that a cable is gone. */
  split(...numbers: number[]): void {
    for (const number of numbers) this.#move(number, 'apart');
  }

  heal(): void {
    for (const number of this.numbers) this.#move(number, 'together');
  }

  /** A new address in the place of the old one, as a DHCP server gives it out. */
  renumber(number: number): string {
    const old = this.addressOf(number);
    const address = `${subnet}.${100 + number}`;
    const namespace = this.#namespace(number);
    ip('-n', namespace, 'addr', 'del', `${old}/24`, 'dev', 'eth0');
    this.#number(number, address);
    return address;
  }

  /** The computer sleeps. */
  freeze(number: number): void {
    for (const pid of this.pidsOf(number)) process.kill(pid, 'SIGSTOP');
  }

  thaw(number: number): void {
    for (const pid of this.pidsOf(number)) process.kill(pid, 'SIGCONT');
  }

  /** Nobody hears a farewell of a computer without power, not even the kernel's for its connections. */
  async cutPower(number: number): Promise<void> {
    this.unplug(number);
    killAll(this.pidsOf(number));
    await waitUntil(`computer ${number} is off`, () => this.pidsOf(number).length === 0);
  }

  /** A long way to this computer: what it sends and gets arrives so much later. For good, and only where `canListen`. */
  async slow(number: number, delayMs: number): Promise<void> {
    const python = (namespace: string, ...words: string[]) =>
      spawn('ip', ['netns', 'exec', namespace, 'python3', '-c', ...words], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
    // A frame that is taken up and sent again must have its checksums, and be no longer than a cable takes.
    const cards = this.numbers.map((each) => python(this.#namespace(each), checksumsInFull, 'eth0'));
    await Promise.all(cards.map((child) => new Promise((resolve) => child.once('exit', resolve))));
    const [near, far] = [`near${number}`, `far${number}`];
    ip('-n', this.#switch, 'link', 'add', near, 'type', 'veth', 'peer', 'name', far);
    for (const name of [near, far]) ip('-n', this.#switch, 'link', 'set', name, 'up');
    ip('-n', this.#switch, 'link', 'set', `p${number}`, 'nomaster');
    ip('-n', this.#switch, 'link', 'set', far, 'master', 'together');
    const child = python(this.#switch, delayer, String(delayMs / 1_000), `p${number}`, near);
    await new Promise((resolve) => child.stdout.once('data', resolve));
  }

  /** Listens to all ports of the switch. Only where `canListen`. */
  async listen(): Promise<Capture> {
    const path = join(this.#folder, `capture-${Date.now()}`);
    const child = spawn('ip', ['netns', 'exec', this.#switch, 'python3', '-c', listener, path], {
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    const gone = new Promise((resolve) => child.once('exit', resolve));
    await waitUntil('the bridge is listened to', () => existsSync(path));
    return {
      async stop() {
        child.kill('SIGTERM');
        await gone;
        const frames = framesIn(readFileSync(path));
        rmSync(path);
        return frames;
      },
    };
  }

  dispose(): void {
    process.off('exit', this.#onExit);
    this.#takeDown();
  }

  get #switch(): string {
    return `${this.#prefix}s`;
  }

  #namespace(number: number): string {
    return `${this.#prefix}c${number}`;
  }

  #plugIn(number: number): void {
    const namespace = this.#namespace(number);
    const port = `p${number}`;
    ip('netns', 'add', namespace);
    ip('-n', namespace, 'link', 'set', 'lo', 'up');
    const ends = ['netns', namespace, 'type', 'veth', 'peer', 'name', port, 'netns', this.#switch];
    ip('link', 'add', 'name', 'eth0', ...ends);
    ip('-n', namespace, 'link', 'set', 'eth0', 'up');
    this.#number(number, `${subnet}.${number}`);
    this.#move(number, 'together');
    ip('-n', this.#switch, 'link', 'set', port, 'up');
  }

  #number(number: number, address: string): void {
    const namespace = this.#namespace(number);
    ip('-n', namespace, 'addr', 'add', `${address}/24`, 'broadcast', `${subnet}.255`, 'dev', 'eth0');
    // As behind a router, which nobody here needs.
    ip('-n', namespace, 'route', 'add', 'default', 'via', `${subnet}.254`, 'dev', 'eth0');
    this.#addresses.set(number, address);
  }

  #move(number: number, bridge: (typeof bridges)[number]): void {
    ip('-n', this.#switch, 'link', 'set', `p${number}`, 'master', bridge);
  }

  #takeDown(): void {
    for (const namespace of [...this.numbers.map((number) => this.#namespace(number)), this.#switch]) {
      killAll(pidsIn(namespace));
      // Its interfaces, and the other ends of them, go with it.
      spawnSync('ip', ['netns', 'del', namespace], { stdio: 'ignore' });
    }
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

function pidsIn(namespace: string): number[] {
  const { stdout } = spawnSync('ip', ['netns', 'pids', namespace], { encoding: 'utf8' });
  return stdout.split('\n').filter(Boolean).map(Number);
}
