/**
 * The cluster changes under a constant mixed load of real clients: 3 → 5 → 8 nodes, drained back to 3, one replaced, factor 3 → 2 → 3, one
 * moved to a second data center and back. `npm run bench -- topology kill` kills a random node with -9 every 10 s meanwhile; what is
 * refused then is tried again after 50 ms, the shortest pause of the settings in CLIENTS.md. With `steady` the clients do not ask as often
 * as they can. For each change: how long, bytes against the least possible, and what clients waited; at the end what failed twice, was stale or is lost.
 */
import { Redis } from 'ioredis';
import type { LayoutChange } from '../../core/contract/layout-views.ts';
import { ChangingCluster } from '../support/changing-cluster.ts';
import { waitUntil } from '../support/cluster.ts';
import { MixedLoad, percentile } from '../support/mixed-load.ts';

const kills = process.argv.includes('kill');
/** Clients rest between two operations, so that there is time left: otherwise they take all of the processors that there is. */
const restMs = process.argv.includes('steady') ? 10 : 0;
const keyCount = 20_000;
const clientCount = 16;
const valueBytes = 1_024;
/** How long clients are watched once a change has ended: the same load, on as many nodes. */
const settledMs = 4_000;

const cluster = new ChangingCluster();
const mebibytes = (bytes: number) => (bytes / 1_048_576).toFixed(1);

async function allUp(): Promise<void> {
  await waitUntil(
    'all nodes are up',
    async () => (await cluster.nodes()).every(({ state }) => state === 'up'),
    60_000,
  );
}

try {
  await cluster.start('--nodes', '3');
  await cluster.lookForPorts();
  const filler = new Redis({ host: '127.0.0.1', port: cluster.clientPorts[0] });
  for (let first = 0; first < keyCount; first += 500) {
    const page = Array.from({ length: 500 }, (_, index) =>
      filler.set(`f${first + index}`, 'y'.repeat(valueBytes)),
    );
    await Promise.all(page);
  }
  filler.disconnect();
  const load = new MixedLoad(() => cluster.clientPorts, {
    keyCount: 2_000,
    restMs,
    retryAfterMs: kills ? 50 : 0,
  });
  load.begin(clientCount, valueBytes);
  await waitUntil('clients have worked for a while', () => load.count > 20_000, 60_000);
  const before = percentile(load.latenciesMs, 0.99);
  process.stdout.write(`p99 before: ${before.toFixed(1)} ms\n`);
  let killed = 0;
  const killing = kills
    ? setInterval(async () => {
        const up = (await cluster.nodes()).filter(({ state }) => state === 'up');
        const victim = up[Math.floor(Math.random() * up.length)];
        if (victim?.pid) process.kill(victim.pid, 'SIGKILL');
        killed++;
      }, 10_000)
    : null;
  const pause = (durationMs: number) => new Promise((resolve) => setTimeout(resolve, durationMs));
  const report = async (
    { change, tookMs }: { change: string; tookMs: number },
    moved: string,
  ): Promise<void> => {
    const during = percentile(load.latenciesMs, 0.99);
    load.latenciesMs.length = 0;
    await pause(settledMs);
    const after = percentile(load.latenciesMs, 0.99);
    process.stdout.write(
      `${change.padEnd(44)} ${(tookMs / 1_000).toFixed(1)} s${moved}, p99 ${during.toFixed(1)} ms, afterwards ${after.toFixed(1)} ms, failed ${load.failed.length}, stale ${load.stale.length}\n`,
    );
    load.latenciesMs.length = 0;
  };
  const step = async (change: LayoutChange): Promise<void> => {
    load.latenciesMs.length = 0;
    const done = await cluster.change(change, 600_000);
    await report(
      done,
      `, moved ${mebibytes(done.bytesMoved)} MiB of ${mebibytes(done.plannedBytes)} planned (least ${mebibytes(done.minimumBytes)})`,
    );
  };
  const factor = async (count: number): Promise<void> => {
    load.latenciesMs.length = 0;
    const startedMs = performance.now();
    await cluster.api.call('keyspaces.alter', { name: 'default', factors: { office: count } });
    await report(
      await cluster.followed(`factor ${count}`, { minimumBytes: 0, bytes: 0 }, startedMs, 600_000),
      '',
    );
  };
  await step({ kind: 'add-nodes', count: 2, weight: 1 });
  await step({ kind: 'add-nodes', count: 3, weight: 1 });
  for (const node of ['node-8', 'node-7', 'node-6', 'node-5', 'node-4']) {
    await step({ kind: 'remove-node', node, dead: false });
  }
  await allUp();
  await cluster.command('node', 'stop', 'node-2');
  await cluster.lookForPorts();
  await step({ kind: 'replace-node', node: 'node-2' });
  // A quorum of two replicas are both: while one is away, nobody is served.
  const failedBefore = load.failed.length;
  await factor(2);
  await factor(3);
  const failedAtTwo = load.failed.length - failedBefore;
  await step({ kind: 'add-nodes', count: 1, weight: 1 });
  await step({ kind: 'move-node', node: 'node-1', dataCenter: 'warehouse' });
  await step({ kind: 'move-node', node: 'node-1', dataCenter: 'office' });
  if (killing !== null) clearInterval(killing);
  await allUp();
  await cluster.lookForPorts();
  await load.stop();
  let lost = 0;
  for (const port of cluster.clientPorts) lost += (await load.missingAt(port)).length;
  process.stdout.write(
    `${killed} kills; ${load.count} operations, ${load.retried} after one retry at another node, ${load.failed.length} failed twice (${failedAtTwo} of them while there were two replicas), ${load.stale.length} stale, ${lost} lost\n`,
  );
  for (const cause of load.failed.slice(0, 10)) process.stdout.write(`  ${cause}\n`);
  process.exitCode = lost + load.failed.length + load.stale.length === 0 ? 0 : 1;
} finally {
  await cluster.dispose();
}
