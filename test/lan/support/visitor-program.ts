/** The visitor's process: takes tasks as lines of JSON, and answers each with a line. Ends with its input. */
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { Redis } from 'ioredis';
import { ControlClient } from '../../../core/cli/control-client.ts';
import type { MethodInput, MethodName } from '../../../core/contract/api.ts';
import { MixedLoad } from '../../support/mixed-load.ts';
import { outsiderTasks } from './outsider-tasks.ts';

/** The first node of every computer. */
const clientPort = 7379;
const loadKeys = 40;
const loadClients = 2;
/** A program at work, not a benchmark: five computers share the processors of this one. */
const loadRestMs = 15;

interface Load {
  readonly load: MixedLoad;
  readonly over: Promise<void> | null;
  /** What failed before its own computer was cut. */
  readonly failed: readonly string[];
}
const loads: Load[] = [];
let loadsMade = 0;

const current = () => {
  const last = loads.at(-1);
  return last?.over === null ? last : null;
};

/** As in /proc/net/tcp: the address in hexadecimal, its bytes in the order of this processor (little-endian). */
function placeOf(text: string): string {
  const [address, port] = text.split(':');
  return `${[...Buffer.from(address, 'hex')].reverse().join('.')}:${Number.parseInt(port, 16)}`;
}

const tasks = {
  ...outsiderTasks,

  /** What the command line of this computer would ask. */
  api: ({ folder, method, input }: { folder: string; method: MethodName; input: unknown }) =>
    new ControlClient(folder).call(method, input as MethodInput<MethodName>) as Promise<unknown>,

  /** One Redis command at this computer's node. */
  async redis({ words, user }: { words: string[]; user?: { username: string; password: string } }) {
    const client = new Redis({
      ...user,
      port: clientPort,
      maxRetriesPerRequest: 0,
      retryStrategy: () => null,
      connectTimeout: 5_000,
      commandTimeout: 10_000,
    });
    client.on('error', () => {});
    try {
      return (await client.call(words[0], ...words.slice(1))) as string | null;
    } finally {
      client.disconnect();
    }
  },

  /** A client that writes and reads at this computer's node; with keys of its own, anew at each start. */
  async startLoad({ name }: { name: string }) {
    const prefix = `${name}:${++loadsMade}:`;
    const load = new MixedLoad(() => [clientPort], { keyCount: loadKeys, prefix, restMs: loadRestMs });
    loads.push({ load, over: null, failed: [] });
    load.begin(loadClients);
  },

  /** The client's computer is about to be cut or put to sleep: what fails from now on fails with it. */
  async pauseLoad(_: object) {
    const { load } = current()!;
    loads[loads.length - 1] = { load, over: load.stop(), failed: [...load.failed] };
  },

  async loadFigures(_: object) {
    const all = loads.map(({ load, over, failed }) => ({
      load,
      failed: over === null ? load.failed : failed,
    }));
    return {
      count: all.reduce((sum, { load }) => sum + load.count, 0),
      retried: all.reduce((sum, { load }) => sum + load.retried, 0),
      failed: all.flatMap(({ failed }) => failed),
      stale: all.flatMap(({ load }) => load.stale),
      slowestMs: Math.max(0, ...(loads.at(-1)?.load.latenciesMs ?? [])),
    };
  },

  /** Ends the load, too. Answers what was acknowledged and is not there. */
  async missing(_: object) {
    const missing: string[] = [];
    for (const { load, over } of loads) {
      await (over ?? load.stop());
      missing.push(...(await load.missingAt(clientPort)));
    }
    loads.length = 0;
    return missing;
  },

  async endLoad(_: object) {
    await Promise.all(loads.map(({ load, over }) => over ?? load.stop()));
    loads.length = 0;
  },

  /** Open connections of this computer with others, as the kernel has them. */
  async connections(_: object) {
    const lines = readFileSync('/proc/self/net/tcp', 'latin1').trim().split('\n').slice(1);
    return lines
      .map((line) => line.trim().split(/\s+/))
      .filter(([, , remote, state]) => state === '01' && !/^(.{6}7F|0{8}):/.test(remote))
      .map(([, local, remote]) => `${placeOf(local)} with ${placeOf(remote)}`);
  },
};
export type Tasks = typeof tasks;

createInterface({ input: process.stdin })
  .on('line', (line) => {
    const { id, task, input } = JSON.parse(line) as { id: number; task: keyof Tasks; input: never };
    const run = tasks[task] as (input: never) => Promise<unknown>;
    const answer = (body: object) => process.stdout.write(`${JSON.stringify({ id, ...body })}\n`);
    run(input).then(
      (output) => answer({ output: output ?? null }),
      (error: Error & { code?: string }) => answer({ code: error.code ?? '', message: error.message }),
    );
  })
  .on('close', () => process.exit());
