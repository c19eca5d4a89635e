/**
 * Nodes die in rotation under the write load of real clients: each is killed with -9, comes back, and the next one goes.
 * At the end every acknowledged value is read back at QUORUM from each node. `npm run bench -- rotation 300` takes 300
 * seconds; it goes on until 100,000 writes are acknowledged, too.
 */
import { RealCluster, waitUntil } from '../support/cluster.ts';
import { missingAt, newBooks, writeLoad } from '../support/recording-client.ts';

const seconds = Number(process.argv[2] ?? 60);
const writesMin = Number(process.argv[3] ?? 100_000);
const betweenMs = 3_000;
const writerCount = 50;

const cluster = new RealCluster();
const books = newBooks();

try {
  await cluster.start();
  const names = cluster.ready.nodes.map((node) => node.name);
  let done = false;
  const load = writeLoad(() => cluster.ports, books, {
    writerCount,
    keysPerWriter: 2_000,
    shouldStop: () => done,
  });
  const startedMs = performance.now();
  let kills = 0;
  let downMs = 0;
  while (performance.now() - startedMs < seconds * 1_000 || kills < 2 || books.count < writesMin) {
    const victim = names[kills % names.length];
    const pid = (await cluster.nodes()).find((node) => node.name === victim)!.pid!;
    process.kill(pid, 'SIGKILL');
    const killedMs = performance.now();
    const isBack = async () => {
      const node = (await cluster.nodes()).find(({ name }) => name === victim)!;
      return node.state === 'up' && node.pid !== pid;
    };
    await waitUntil(`${victim} is back`, isBack, 60_000);
    downMs = Math.max(downMs, performance.now() - killedMs);
    kills++;
    await new Promise((resolve) => setTimeout(resolve, betweenMs));
  }
  done = true;
  await load;
  const elapsed = (performance.now() - startedMs) / 1_000;
  process.stdout.write(
    `${kills} kills in ${elapsed.toFixed(0)} s, a node was away for at most ${(downMs / 1_000).toFixed(1)} s\n` +
      `${books.count} writes acknowledged on ${books.sent.size} keys, ${books.retried} after a retry at another node, ` +
      `${books.refused} refused\n`,
  );
  for (const cause of books.causes) process.stdout.write(`  refused: ${cause}\n`);
  let lost = 0;
  for (const port of cluster.ports) {
    const missing = await missingAt(port, books);
    lost += missing.length;
    process.stdout.write(`read back at port ${port}: ${missing.length} lost\n`);
    for (const line of missing.slice(0, 5)) process.stdout.write(`  ${line}\n`);
  }
  process.exitCode = lost === 0 && books.refused === 0 ? 0 : 1;
} finally {
  await cluster.dispose();
}
