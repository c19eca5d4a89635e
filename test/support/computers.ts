/** Several computers on one: each a `coterie serve` of its own, on an address of its own in 127.0.0.0/8, over real TLS. */
import { RealCluster, waitUntil } from './cluster.ts';

export class RealComputers {
  readonly #made: RealCluster[] = [];

  async first(): Promise<RealCluster> {
    return this.#start(2, '--nodes', '1');
  }

  /** One of no cluster. */
  newcomer(number: number): Promise<RealCluster> {
    return this.#start(number, '--no-cluster');
  }

  async #start(number: number, ...more: string[]): Promise<RealCluster> {
    const cluster = new RealCluster();
    this.#made.push(cluster);
    const listen = ['--listen', `127.0.0.${number}`, '--computer-port', '0'];
    await cluster.start(...listen, '--computer-name', `computer-${number}`, ...more);
    return cluster;
  }

  async dispose(): Promise<void> {
    for (const computer of this.#made.splice(0)) await computer.dispose();
  }
}

export async function isMember(cluster: RealCluster): Promise<boolean> {
  const { state } = await cluster.api.call('computer.standing', {}).catch(() => ({ state: 'asking' }));
  return state === 'member';
}

/** Of the whole cluster, as that computer sees it. */
export async function allUp(cluster: RealCluster, count: number): Promise<boolean> {
  const nodes = await cluster.nodes();
  return nodes.length === count && nodes.every(({ state }) => state === 'up');
}

export async function join(
  member: RealCluster,
  other: RealCluster,
  { dataCenter, nodes, role }: { dataCenter?: string; nodes?: number; role?: 'operator' | 'viewer' } = {},
): Promise<void> {
  const { link } = await member.api.call('computers.invite', { dataCenter });
  await other.api.call('join.ask', { code: link, nodes });
  const [{ id }] = await member.api.call('computers.requests', {});
  await member.api.call('computers.approve', { id, role });
  await waitUntil('it is in the cluster', () => isMember(other));
}
