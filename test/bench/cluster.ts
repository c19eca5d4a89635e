/**
 * SET and GET at QUORUM on three nodes (N = 3, durable, 1 KiB, 50 connections), beside Redis with two replicas,
 * appendfsync always, and SET followed by WAIT 1, in the same run. redis-benchmark is the client of both; for Redis, which
 * cannot wait for a replica within SET, a small client of our own does both commands on each of 50 connections, and
 * Coterie is measured with that client, too, so that the two lines compare like with like.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';

const root = process.env.COTERIE_ROOT ?? process.cwd();
const requestCount = Number(process.argv[2] ?? 100_000);
const connectionCount = 50;
const value = 'x'.repeat(1024);

const has = (program: string) => spawnSync(program, ['--version']).status === 0;
const temporary = (): string => mkdtempSync(join(tmpdir(), 'coterie-bench-'));

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}

async function startCoterie(): Promise<{ port: number; stop: () => Promise<void> }> {
  const folder = temporary();
  const ports = ['--ui-port', '0', '--client-port', '0', '--control-port', '0', '--peer-port', '0'];
  const child = spawn(
    process.execPath,
    [join(root, 'dist/cli.js'), 'serve', '--data', folder, '--json', ...ports],
    {
      stdio: ['ignore', 'pipe', 'ignore'],
    },
  );
  const line = await new Promise<string>((resolve) =>
    child.stdout.once('data', (chunk) => resolve(String(chunk))),
  );
  const port = Number(JSON.parse(line).nodes[0].client.split(':')[1]);
  return { port, stop: () => stopped(child, folder) };
}

async function startRedis(): Promise<{ port: number; stop: () => Promise<void> }> {
  const folder = temporary();
  const children: ChildProcess[] = [];
  const start = async (...extra: string[]): Promise<number> => {
    const port = await freePort();
    const common = [
      '--port',
      String(port),
      '--bind',
      '127.0.0.1',
      '--appendonly',
      'yes',
      '--appendfsync',
      'always',
    ];
    const own = [
      '--dir',
      folder,
      '--appenddirname',
      `aof-${port}`,
      '--dbfilename',
      `dump-${port}.rdb`,
      '--save',
      '',
    ];
    children.push(spawn('redis-server', [...common, ...own, ...extra], { stdio: 'ignore' }));
    await until(async () => (await ask(port, ['PING'])).startsWith('+PONG'));
    return port;
  };
  const port = await start();
  for (let replica = 0; replica < 2; replica++) await start('--replicaof', `127.0.0.1 ${port}`);
  await until(async () => (await ask(port, ['INFO', 'replication'])).match(/state=online/g)?.length === 2);
  return {
    port,
    stop: async () => {
      for (const child of children) await stopped(child, folder);
    },
  };
}

async function stopped(child: ChildProcess, folder: string): Promise<void> {
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  await gone;
  rmSync(folder, { recursive: true, force: true });
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 20_000;
  while (!(await condition().catch(() => false))) {
    if (Date.now() > deadline) throw new Error('A server did not become ready.');
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

const encode = (words: readonly string[]): string =>
  `*${words.length}\r\n${words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`).join('')}`;

function ask(port: number, words: string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(encode(words)));
    socket.once('data', (chunk) => {
      socket.destroy();
      resolve(String(chunk));
    });
    socket.once('error', reject);
  });
}

/**
 * Rounds per second, each connection one round after the other. A round is one or more steps; a step is what is sent at
 * once, and the next one is sent when all its commands (each answered by one line) have been answered.
 */
async function closedLoop(
  port: number,
  steps: (round: number) => readonly (readonly string[])[],
): Promise<number> {
  const total = requestCount / 4;
  let left = total;
  const startedMs = performance.now();
  const one = () =>
    new Promise<void>((resolve) => {
      let waiting = 0;
      let todo: (readonly string[])[] = [];
      const socket = connect({ port, host: '127.0.0.1', noDelay: true }, next);
      function next() {
        if (todo.length === 0) {
          if (left-- <= 0) {
            socket.destroy();
            resolve();
            return;
          }
          todo = [...steps(left)];
        }
        const commands = todo.shift()!;
        waiting = commands.length;
        socket.write(commands.join(''));
      }
      socket.on('data', (chunk: Buffer) => {
        for (const byte of chunk) if (byte === 0x0a) waiting--;
        if (waiting === 0) next();
      });
    });
  await Promise.all(Array.from({ length: connectionCount }, one));
  return total / ((performance.now() - startedMs) / 1000);
}

function redisBenchmark(port: number, test: 'set' | 'get'): number {
  const words = ['-p', String(port), '-t', test, '-n', String(requestCount), '-c', String(connectionCount)];
  const { stdout } = spawnSync('redis-benchmark', [...words, '-d', '1024', '-r', '100000', '--csv'], {
    encoding: 'utf8',
  });
  const line = stdout.split('\n').find((candidate) => candidate.toLowerCase().startsWith(`"${test}"`));
  return Number(line?.split(',')[1].replaceAll('"', ''));
}

const thousand = (perSecond: number) => `${(perSecond / 1000).toFixed(1)} k/s`;

process.stdout.write(
  `${cpus().length} cores, ${cpus()[0].model}; ${requestCount} requests, 1 KiB, ${connectionCount} connections\n`,
);
const coterie = await startCoterie();
const setOf = (round: number) => encode(['SET', `key:${round % 100_000}`, value]);
const waitForOne = encode(['WAIT', '1', '0']);
// Once unmeasured: both programs are then warm.
await closedLoop(coterie.port, (round) => [[setOf(round)]]);
const ours = await closedLoop(coterie.port, (round) => [[setOf(round)]]);
let line = `Coterie  SET at QUORUM, durable, 3 nodes      ${thousand(ours)}`;
if (has('redis-benchmark')) {
  const set = redisBenchmark(coterie.port, 'set');
  const get = redisBenchmark(coterie.port, 'get');
  line += `   redis-benchmark: SET ${thousand(set)}, GET at QUORUM ${thousand(get)}`;
}
process.stdout.write(`${line}\n`);
await coterie.stop();

if (has('redis-server')) {
  const redis = await startRedis();
  await closedLoop(redis.port, (round) => [[setOf(round)]]);
  const theirs = await closedLoop(redis.port, (round) => [[setOf(round)], [waitForOne]]);
  const together = await closedLoop(redis.port, (round) => [[setOf(round), waitForOne]]);
  const plain = await closedLoop(redis.port, (round) => [[setOf(round)]]);
  process.stdout.write(
    `Redis    SET, then WAIT 1, appendfsync always     ${thousand(theirs)}   both sent at once: ${thousand(together)}; SET alone: ${thousand(plain)}\n`,
  );
  process.stdout.write(
    `Coterie / Redis                               ${(ours / theirs).toFixed(2)}   both sent at once: ${(ours / together).toFixed(2)}\n`,
  );
  await redis.stop();
} else process.stdout.write('Redis is not installed here: not measured (Debian: redis-server).\n');
