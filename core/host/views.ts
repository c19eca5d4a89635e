/** From layout and node states to what people see. Pure: everything it tells is in its arguments. */
import { partitionCount } from '../base/token.ts';
import type {
  Advice,
  ClusterView,
  ComputerView,
  KeyspaceView,
  MembershipView,
  NodeView,
  RingView,
} from '../contract/views.ts';
import type { Layout, LayoutKeyspace } from '../layout/layout.ts';
import { availabilityOf } from '../layout/survival.ts';
import { consequencesOf } from './keyspace-consequences.ts';
import type { NodeStatus } from './node-supervisor.ts';

export function hexId(nodeId: number): string {
  return nodeId.toString(16).padStart(8, '0');
}

export function clusterViewOf(layout: Layout, version: string, readOnly: boolean): ClusterView {
  return {
    id: layout.clusterId,
    name: layout.clusterName,
    createdAtMs: layout.createdAtMs,
    layoutVersion: layout.version,
    partitionCount,
    version,
    readOnly,
  };
}

export function computerViewsOf(layout: Layout, selfId: string): ComputerView[] {
  return layout.computers.map(({ id, name, dataCenter }) => ({ id, name, dataCenter, self: id === selfId }));
}

export function nodeViewOf(
  layout: Layout,
  nodeId: number,
  status: NodeStatus,
  facts: { host: string; version: string; membership?: MembershipView | null },
): NodeView {
  const node = layout.nodes.find((candidate) => candidate.id === nodeId)!;
  const computer = layout.computers.find((candidate) => candidate.id === node.computer);
  const at = (port: number | null) => (port === null ? null : `${facts.host}:${port}`);
  return {
    id: hexId(nodeId),
    name: node.name,
    dataCenter: node.dataCenter,
    computer: computer?.name ?? node.computer,
    weight: node.weight,
    state: status.state,
    sinceMs: status.sinceMs,
    pid: status.pid,
    client: at(status.clientPort),
    peer: at(status.peerPort),
    version: facts.version,
    restartCount: status.restartCount,
    restartAtMs: status.restartAtMs,
    problem: status.problem,
    lastLogLines: [...status.lastLogLines],
    figures: status.figures,
    membership: facts.membership ?? null,
  };
}

export function keyspaceViewOf(
  layout: Layout,
  keyspace: LayoutKeyspace,
  isUp: (nodeId: number) => boolean,
): KeyspaceView {
  return {
    ...keyspace,
    factors: { ...keyspace.factors },
    createdAtMs: keyspace.createdAtMs ?? layout.createdAtMs,
    ...consequencesOf(layout, keyspace),
    ...availabilityOf(layout, keyspace, isUp),
  };
}

export function ringViewsOf(layout: Layout): RingView[] {
  return layout.rings.map(({ dataCenter, owners }) => {
    const nodes = layout.nodes.filter((node) => node.dataCenter === dataCenter);
    const indexOf = new Map(nodes.map((node, index) => [node.id, index]));
    const arcCounts = nodes.map((node) => owners.filter((owner) => owner === node.id).length);
    return {
      dataCenter,
      nodes: nodes.map((node, index) => ({
        id: hexId(node.id),
        name: node.name,
        arcCount: arcCounts[index],
        share: arcCounts[index] / owners.length,
      })),
      owners: owners.map((owner) => indexOf.get(owner)!),
    };
  });
}

const stateWords: Record<string, string> = {
  down: 'ended and starts again by itself',
  failed: 'cannot stay up',
  paused: 'is paused',
  stopped: 'is stopped',
  draining: 'is draining',
};

/** What needs a person, worst first. */
export function adviceOf(nodes: readonly NodeView[], keyspaces: readonly KeyspaceView[]): Advice[] {
  const advice: Advice[] = [];
  for (const keyspace of keyspaces) {
    if (keyspace.unavailable > 0) {
      advice.push({
        id: `unavailable-${keyspace.name}`,
        severity: 'error',
        title: `${keyspace.name} cannot be fully used`,
        detail: `${keyspace.unavailable} of ${partitionCount} partitions have too few replicas up for ${keyspace.readLevel} reads and ${keyspace.writeLevel} writes. Start the nodes that are down.`,
        page: 'ring',
        action: 'See nodes',
      });
    }
  }
  for (const node of nodes) {
    const words = stateWords[node.state];
    if (words === undefined) continue;
    advice.push({
      id: `node-${node.name}`,
      severity: node.state === 'stopped' || node.state === 'draining' ? 'warning' : 'error',
      title: `${node.name} ${words}`,
      detail:
        node.problem ??
        'Its share is served by the other replicas. What it misses is kept, and handed over when it is back.',
      page: 'ring',
      action: 'See why',
    });
  }
  for (const keyspace of keyspaces) {
    for (const [index, warning] of keyspace.warnings.entries()) {
      advice.push({
        id: `keyspace-${keyspace.name}-${index}`,
        severity: 'info',
        title:
          keyspace.name === 'default' ? 'Replicas of the default keyspace' : `Replicas of ${keyspace.name}`,
        detail: warning,
        page: 'keyspaces',
        action: 'See keyspace',
      });
    }
  }
  const order = { error: 0, warning: 1, info: 2 };
  return advice.sort((a, b) => order[a.severity] - order[b.severity]);
}
