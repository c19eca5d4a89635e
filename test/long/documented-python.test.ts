/** The Python settings of CLIENTS.md, on a real cluster whose nodes are killed one after the other. Skipped, saying so, without redis-py. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { lostOf, type ProgramBooks, type ProgramClient } from '../support/client-programs.ts';
import { RealCluster, waitUntil } from '../support/cluster.ts';
import { documentedClient, documentedCode } from '../support/documented-clients.ts';
import { killAndAwait } from '../support/kill-rotation.ts';

const program = join(import.meta.dirname, '../support/documented-python.py');
/** The one of the system has its packages, whichever comes first in PATH. */
const [python, version] = ['python3', '/usr/bin/python3']
  .map((path) => [path, versionOf(path)] as const)
  .find(([, found]) => found !== '') ?? ['', ''];
const missing = python === '' ? 'no python3 here has redis-py, such as by the package python3-redis' : null;
const isOld = missing === null && Number.parseInt(version, 10) < 6;
const tooOld = missing ?? (isOld ? `redis-py ${version} fails itself once a node is lost, 6 does not` : null);
const why = (reason: string | null) => (reason === null ? '' : ` (skipped: ${reason})`);

/** What the page says to add before version 6. */
function withClusterParser(code: string): string {
  const added = 'connection_class=NextNode, parser_class=redis.cluster.ClusterParser,';
  return `import redis.cluster\n${code.replace('connection_class=NextNode,', added)}`;
}

/** Empty: no such Python, or none with redis-py. */
function versionOf(path: string): string {
  const asked = spawnSync(path, ['-c', 'import redis.cluster; print(redis.__version__)'], {
    encoding: 'utf8',
  });
  return asked.status === 0 ? asked.stdout.trim() : '';
}

type Reader = ProgramClient & { disconnect(): void };

/** What it has told last; with books once it has ended. */
interface Told {
  done: number;
  failed: number;
  values?: Record<string, string>;
  counts?: Record<string, number>;
  failures?: string[];
  wrong?: string[];
}

class PythonProgram {
  readonly name: string;
  readonly process: ChildProcess;
  told: Told = { done: 0, failed: 0 };
  errors = '';
  readonly #over: Promise<void>;

  constructor(name: string, heading: string, isShared: boolean) {
    this.name = name;
    this.process = spawn(python, [program], { stdio: 'pipe' });
    this.process.stderr!.on('data', (chunk: Buffer) => {
      this.errors = (this.errors + chunk).slice(-20_000);
    });
    const lines = createInterface({ input: this.process.stdout! });
    lines.on('line', (line) => {
      this.told = JSON.parse(line) as Told;
    });
    this.#over = new Promise((resolve) => this.process.once('close', () => resolve()));
    const documented = documentedCode(heading, 'python', cluster.ports);
    const code = isOld ? withClusterParser(documented) : documented;
    this.process.stdin!.write(`${JSON.stringify({ name, code, isShared })}\n`);
  }

  async end(): Promise<ProgramBooks> {
    this.process.stdin!.end('over\n');
    await this.#over;
    const { done, values, counts, failures, wrong } = this.told;
    if (values === undefined) throw new Error(`${this.name} told nothing at its end. ${this.errors}`);
    return {
      ...{ name: this.name, done, failures: failures!, wrong: wrong! },
      ...{ values: new Map(Object.entries(values)), counts: new Map(Object.entries(counts!)) },
    };
  }
}

const cluster = new RealCluster();
const programs: PythonProgram[] = [];

describe.skipIf(missing !== null)(`a program in Python${why(missing)}`, () => {
  beforeAll(() => cluster.start());
  afterAll(async () => {
    for (const { process } of programs) process.kill('SIGKILL');
    await cluster.dispose();
  });

  test('is refused nothing and loses nothing while every node is killed with -9 in turn: redis-py, plain', () =>
    livesThroughKills(new PythonProgram('redis-py', 'redis-py, plain', true)));

  // Threads that share one disconnect each other when they look at the cluster again: the page says so.
  test.skipIf(tooOld !== null)(`the same: redis-py, cluster mode${why(tooOld)}`, () =>
    livesThroughKills(new PythonProgram('redis-py-cluster', 'redis-py, cluster mode', false)),
  );
});

async function livesThroughKills(program: PythonProgram): Promise<void> {
  programs.push(program);
  const goOn = async () => {
    const before = program.told.done;
    await waitUntil('the program goes on', () => {
      expect(program.process.exitCode, program.errors).toBeNull();
      return program.told.done + program.told.failed >= before + 100;
    });
  };
  const rounds = Number(process.env.COTERIE_ROUNDS ?? 1);
  for (let round = 0; round < rounds; round++) {
    for (const { name } of cluster.ready.nodes) {
      await goOn();
      await killAndAwait(cluster, name);
    }
  }
  await goOn();
  const books = await program.end();
  if (process.env.COTERIE_FIGURES === '1') {
    process.stdout.write(
      `${books.name} ${version}: ${books.done} operations, ${books.failures.length} failed\n`,
    );
  }
  expect([...books.failures, ...books.wrong]).toEqual([]);
  for (const port of cluster.ports) {
    const reader = (await documentedClient('ioredis, plain', [port, port, port])) as Reader;
    expect(await lostOf(books, reader)).toEqual([]);
    reader.disconnect();
  }
}
