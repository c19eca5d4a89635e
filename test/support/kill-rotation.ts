/** Kills nodes of a real cluster one after the other, each when all hold what is written again. */
import { Redis } from 'ioredis';
import { type RealCluster, waitUntil } from './cluster.ts';

/** Kills a node with -9 and waits until it is back and each node finds all replicas of what it writes. */
export async function killAndAwait(cluster: RealCluster, name: string): Promise<void> {
  const pid = await pidOf(cluster, name);
  process.kill(pid, 'SIGKILL');
  // It may be back within half a second: who looks now and then can miss that it was down.
  await waitUntil(
    `${name} is back`,
    async () => (await allUp(cluster)) && (await pidOf(cluster, name)) !== pid,
  );
  await waitUntil('all hold what is written', () => allHoldWrites(cluster));
}

async function pidOf(cluster: RealCluster, name: string): Promise<number> {
  return (await cluster.nodes()).find((node) => node.name === name)?.pid ?? 0;
}

export async function allUp(cluster: RealCluster): Promise<boolean> {
  return (await cluster.nodes()).every((node) => node.state === 'up');
}

/** A node takes clients a little before it has met every other: the next one may be killed once all hold what is written. */
async function allHoldWrites(cluster: RealCluster): Promise<boolean> {
  for (const [index, port] of cluster.ports.entries()) {
    const client = new Redis({ host: '127.0.0.1', port, maxRetriesPerRequest: 1 });
    client.on('error', () => {});
    try {
      await client.call('CT.PUT', `probe-${index}`, 'value', 'CONSISTENCY', 'ALL');
    } catch {
      return false;
    } finally {
      client.disconnect();
    }
  }
  return true;
}
