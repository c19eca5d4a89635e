/**
 * Every abuse of test/support/abuses against three real nodes and their host, one after the other: how long another client of the
 * attacked node waits for a GET and a SET, and one of the host for a key over HTTP, quiet and during the abuse, and the most memory of a node and of the host. Words choose
 * abuses by a part of their name.
 */
import { readFileSync } from 'node:fs';
import { Redis } from 'ioredis';
import { faredDuring, hostPid, percentile } from '../support/abuse.ts';
import { type Abuse, AbuseTarget } from '../support/abuses/abuse.ts';
import { abusesBetweenNodes } from '../support/abuses/between-nodes.ts';
import { abusesOverHttp } from '../support/abuses/over-http.ts';
import { abusesOverRedis, fillFor } from '../support/abuses/over-redis.ts';
import { RealCluster } from '../support/cluster.ts';
import { forgetPeak, lostAt, mebibyte, memoryOf } from '../support/intruder.ts';
import { logIn } from '../support/log-in.ts';
import { SteadyClient } from '../support/steady-client.ts';

const firstQuietMs = 10_000;
const quietMs = 2_000;
const abuseMs = 5_000;
const restMs = 1_000;
const cluster = new RealCluster();
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const chosen = process.argv.slice(2);
const abuses = [...abusesOverRedis, ...abusesOverHttp, ...abusesBetweenNodes].filter(
  ({ name }) => chosen.length === 0 || chosen.some((word) => name.includes(word)),
);

async function rounds(abuse: Abuse, target: AbuseTarget): Promise<void> {
  const untilMs = Date.now() + abuseMs;
  do await abuse.run(target);
  while (!abuse.holds && Date.now() < untilMs);
  await pause(Math.max(0, untilMs - Date.now()));
}

/** Of all quiet spells so far: one alone says little about the slowest of a hundred. */
const quiet = { get: [] as number[], set: [] as number[], http: [] as number[] };

const kinds = ['get', 'set', 'http'] as const;
/** What another client of the host reads. */
const httpAddress = () => `${cluster.uiUrl}kv/default/steady:0`;

async function beQuiet(port: number, forMs: number): Promise<void> {
  const client = new SteadyClient(port, 'quiet');
  const { times: http } = await faredDuring(pause(forMs), httpAddress());
  const { times } = await client.stop();
  for (const kind of kinds) {
    quiet[kind].push(...{ ...times, http }[kind]);
    quiet[kind].sort((a, b) => a - b);
  }
}

function compared(kind: (typeof kinds)[number], during: readonly number[]): string {
  const ms = (value: number) => value.toFixed(1).padStart(7);
  const waits = [quiet[kind], during].flatMap((times) => [percentile(times, 0.5), percentile(times, 0.99)]);
  return `${kind.toUpperCase()} ${waits.map(ms).join('')} ${(waits[3] / waits[1]).toFixed(1).padStart(6)} ×`;
}

/** What a process has had of the processors. */
function processorMs(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1].split(' ');
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

async function measured(abuse: Abuse, target: AbuseTarget, pids: readonly number[]): Promise<void> {
  const port = target.clientPort;
  const host = hostPid(cluster);
  // What the abuse before has left to be done.
  await pause(restMs);
  await beQuiet(port, quietMs);
  for (const pid of [...pids, host]) forgetPeak(pid);
  const other = new SteadyClient(port, abuse.name.replace(/[^ -~]/g, ''));
  await other.served(25);
  target.begin();
  const processes = [pids[0], host, process.pid];
  const [beganMs, before] = [performance.now(), processes.map(processorMs)];
  const { times: http, failed } = await faredDuring(rounds(abuse, target), httpAddress());
  const busy = processes.map(
    (pid, index) => ((processorMs(pid) - before[index]) / (performance.now() - beganMs)) * 100,
  );
  const nodeMiB = Math.max(...pids.map((pid) => memoryOf(pid).peakBytes)) / mebibyte;
  const hostMiB = memoryOf(host).peakBytes / mebibyte;
  const during = await other.stop();
  target.leave();
  const lost = await lostAt(port, during.written);
  process.stdout.write(
    `${abuse.name.padEnd(54)} ${kinds.map((kind) => compared(kind, { ...during.times, http }[kind])).join('   ')}   node ${nodeMiB.toFixed(0)} MiB, host ${hostMiB.toFixed(0)} MiB, busy ${busy.map((part) => part.toFixed(0)).join(' ')} %, ${during.times.get.length} reads, failed ${during.failures.length + failed}, lost ${lost.length}\n`,
  );
  for (const key of lost) process.stdout.write(`    lost: ${key}\n`);
  for (const failure of during.failures.slice(0, 3)) process.stdout.write(`    ${failure}\n`);
}

try {
  await cluster.start('--nodes', '3');
  const client = new Redis({ host: '127.0.0.1', port: cluster.ports[0] });
  await fillFor(client);
  client.disconnect();
  // The first seconds of a process are slower than all others.
  const warming = new SteadyClient(cluster.ports[0], 'warming');
  await warming.served(1_000);
  await warming.stop();
  const { nodes } = await cluster.api.call('cluster.snapshot', {});
  const pids = nodes.map(({ pid }) => pid!);
  const host = hostPid(cluster);
  const { url } = (await cluster.command('login')) as { url: string };
  const target = new AbuseTarget(
    cluster,
    await logIn(url),
    nodes.map(({ peer }) => Number(peer!.split(':')[1])),
  );
  process.stdout.write(
    'Milliseconds: quiet p50, p99, during p50, p99, how many times the quiet p99. Busy: the attacked node, the host, the attacker.\n',
  );
  await beQuiet(target.clientPort, firstQuietMs);
  for (const abuse of abuses) await measured(abuse, target, pids);
  const isSame = (await cluster.nodes()).every(({ pid }, index) => pid === pids[index]);
  process.stdout.write(`All processes are those of the beginning: ${isSame && hostPid(cluster) === host}.\n`);
} finally {
  await cluster.dispose();
}
