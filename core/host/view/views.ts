/** From layout and node states to what people see. Pure: everything it tells is in its arguments. */
import { plainLine } from '../../base/plain-text.ts';
import { partitionCount } from '../../base/token.ts';
import { hexId, listOf, partitionsInWords } from '../../base/words.ts';
import type { ComputerView } from '../../contract/computer-views.ts';
import type { MembershipView, NodeView } from '../../contract/node-views.ts';
import type { Advice, ClusterView, KeyspaceView, RingView } from '../../contract/views.ts';
import type { Layout, LayoutKeyspace, LayoutNode } from '../../layout/layout.ts';
import { LayoutMemo } from '../../layout/layout-memo.ts';
import { roleIn } from '../../layout/roles.ts';
import { type Availability, availabilityOf } from '../../layout/survival.ts';
import type { NodeStatus } from '../nodes/node-supervisor.ts';
import { consequencesOf } from './keyspace-consequences.ts';

export function clusterViewOf(layout: Layout, version: string, readOnly: boolean): ClusterView {
  return {
    id: layout.clusterId,
    // Nobody can give it such characters; a document on a disk may hold anything.
    name: plainLine(layout.clusterName),
    createdAtMs: layout.createdAtMs,
    layoutVersion: layout.version,
    partitionCount,
    version,
    readOnly,
  };
}

/** `now`: what is known of them, by id. */
export function computerViewsOf(
  layout: Layout,
  own: ReadonlySet<string>,
  now: ReadonlyMap<string, Pick<ComputerView, 'state' | 'address' | 'heardAtMs'>>,
): ComputerView[] {
  return layout.computers.map((computer) => {
    const { id, name, dataCenter, key } = computer;
    const known = now.get(id);
    return {
      id,
      name: plainLine(name),
      dataCenter,
      self: own.has(id),
      state: known?.state ?? (own.has(id) ? 'here' : 'away'),
      address: known?.address ?? null,
      heardAtMs: known?.heardAtMs ?? null,
      fingerprint: key ?? null,
      role: roleIn(layout, computer),
    };
  });
}

export function nodeViewOf(
  layout: Layout,
  nodeId: number,
  status: NodeStatus,
  facts: {
    /** Where its clients reach it from this computer; null: nowhere, it is on another one. */
    host: string | null;
    /** Where clients on other computers reach its computer; null: nobody knows. */
    networkHost: string | null;
    version: string;
    membership?: MembershipView | null;
    /** Of a node that the layout does not name any more. */
    node?: LayoutNode;
  },
): NodeView {
  const present = layout.nodes.find((candidate) => candidate.id === nodeId);
  const node = present ?? facts.node!;
  const computer = layout.computers.find((candidate) => candidate.id === node.computer);
  const at = (port: number | null) => (port === null || facts.host === null ? null : `${facts.host}:${port}`);
  return {
    id: hexId(nodeId),
    name: node.name,
    dataCenter: node.dataCenter,
    computer: plainLine(computer?.name ?? node.computer),
    weight: node.weight,
    leaving: present === undefined,
    ...shownState(status, facts.membership ?? null),
    pid: status.pid,
    client: at(status.clientPort),
    peer: at(status.peerPort),
    network:
      status.networkPort === null || facts.networkHost === null
        ? null
        : `${facts.networkHost}:${status.networkPort}`,
    version: facts.version,
    restartCount: status.restartCount,
    restartAtMs: status.restartAtMs,
    lastLogLines: [...status.lastLogLines],
    figures: status.figures,
    membership: facts.membership ?? null,
  };
}

/**
 * What the process says of itself, unless the other nodes have established since that they do not hear it: a process that is frozen, or
 * cut off, is there and serves nobody.
 */
export function shownState(
  { state, sinceMs, problem }: NodeStatus,
  membership: MembershipView | null,
): Pick<NodeView, 'state' | 'sinceMs' | 'problem'> {
  const isUnheard = state === 'up' && membership?.state === 'dead' && membership.sinceMs > sinceMs;
  if (!isUnheard) return { state, sinceMs, problem };
  const by = listOf([...membership.suspectedBy, ...membership.confirmedBy]);
  return {
    state: 'unheard',
    sinceMs: membership.sinceMs,
    problem: `Its process runs, but the other nodes do not hear it${by === '' ? '' : ` (${by})`}. If it is frozen, restart it; if its computer is cut off, look at the network.`,
  };
}

export function keyspaceViewOf(
  layout: Layout,
  keyspace: LayoutKeyspace,
  facts: {
    readonly isUp: (nodeId: number) => boolean;
    readonly lacking: ReadonlyMap<number, number>;
    readonly possibleLoss: KeyspaceView['possibleLoss'];
  },
): KeyspaceView {
  return {
    ...keyspace,
    factors: { ...keyspace.factors },
    createdAtMs: keyspace.createdAtMs ?? layout.createdAtMs,
    notifications: keyspace.notifications ?? '',
    ...consequencesOf(layout, keyspace),
    ...usableOf(layout, keyspace, facts),
    possibleLoss: facts.possibleLoss,
  };
}

/**
 * Replicas that lack what only a node that is away could bring do not answer reads. Which partitions that concerns is known to
 * them alone, but not more than they lack: a few lost records must not look like the loss of everything.
 */
function usableOf(
  layout: Layout,
  keyspace: LayoutKeyspace,
  { isUp, lacking }: { isUp: (nodeId: number) => boolean; lacking: ReadonlyMap<number, number> },
): Availability {
  const byState = availabilityOf(layout, keyspace, isUp);
  if (lacking.size === 0) return byState;
  const without = availabilityOf(layout, keyspace, (nodeId) => isUp(nodeId) && !lacking.has(nodeId));
  const lackedCount = [...lacking.values()].reduce((sum, count) => sum + count, 0);
  const atMost = (field: 'unavailable' | 'unreadable') =>
    Math.min(without[field], byState[field] + lackedCount);
  // They take writes all the same.
  return { ...byState, unavailable: atMost('unavailable'), unreadable: atMost('unreadable') };
}

const away: readonly NodeView['state'][] = ['down', 'failed', 'paused', 'stopped', 'unheard', 'away'];

/** Nodes that this one has to hear, and that are away: until a person brings them back, or accepts that they are gone. */
function waitsInVain(node: Pick<NodeView, 'figures'>, nodes: readonly NodeView[]): string[] {
  const waitsFor = node.figures?.waitsFor ?? [];
  return waitsFor.filter((name) => nodes.some((other) => other.name === name && away.includes(other.state)));
}

const knownRings = new LayoutMemo<RingView[]>(1);

export function ringViewsOf(layout: Layout): RingView[] {
  return knownRings.of(layout, '', () => reckonRings(layout));
}

function reckonRings(layout: Layout): RingView[] {
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
  unheard: 'is not heard by the other nodes',
  away: 'is on a computer that is not heard of',
};

/** Nodes that wait in vain, each with the partitions in which it lacks data. */
export function lackingOf(layout: Layout, nodes: readonly NodeView[]): ReadonlyMap<number, number> {
  const lacking = new Map<number, number>();
  for (const node of nodes) {
    if (waitsInVain(node, nodes).length === 0) continue;
    const id = layout.nodes.find(({ name }) => name === node.name)?.id;
    if (id !== undefined) lacking.set(id, node.figures?.rebuildingPartitions ?? 0);
  }
  return lacking;
}

function lossAdvice({ name, possibleLoss }: KeyspaceView): Advice[] {
  if (possibleLoss === null) return [];
  const { partitions, nodes } = possibleLoss;
  const cause =
    nodes.length === 1
      ? `${nodes[0]} lost its data, and no other replica still has all that it held`
      : `${listOf(nodes)} lost their data at the same time`;
  return [
    {
      id: `loss-${name}`,
      severity: 'error',
      title: `Writes may be lost in ${partitionsInWords(partitions)} of ${name}`,
      detail: `${cause}: acknowledged writes that were nowhere else are gone. Restore a backup of a lost data folder, if you have one; otherwise accept the loss at ${listOf(nodes)}.`,
      page: 'ring',
      subject: nodes[0],
      action: `See ${nodes[0]}`,
    },
  ];
}

function waitAdvice(node: NodeView, nodes: readonly NodeView[]): Advice[] {
  const missing = waitsInVain(node, nodes);
  if (missing.length === 0) return [];
  const they = missing.length === 1 ? 'it is' : 'they are';
  return [
    {
      id: `waits-${node.name}`,
      severity: 'error',
      title: `${node.name} waits for ${listOf(missing)}`,
      detail: `${node.name} lacks data that only ${listOf(missing)} may hold. Until it has that, its copies there do not count for reads. Start ${listOf(missing)}; if ${they} gone for good, accept the loss at ${node.name}.`,
      page: 'ring',
      subject: node.name,
      action: `See ${node.name}`,
    },
  ];
}

/** What needs a person, worst first. */
export function adviceOf(nodes: readonly NodeView[], keyspaces: readonly KeyspaceView[]): Advice[] {
  const advice: Advice[] = [];
  for (const keyspace of keyspaces) {
    if (keyspace.unavailable > 0) {
      advice.push({
        id: `unavailable-${keyspace.name}`,
        severity: 'error',
        title: `${keyspace.name} cannot be fully used`,
        detail: `${keyspace.unavailable.toLocaleString('en-US')} of ${partitionsInWords(partitionCount)} have too few replicas for ${keyspace.readLevel} reads and ${keyspace.writeLevel} writes. Start the nodes that are down.`,
        page: 'ring',
        subject: '',
        action: 'See nodes',
      });
    }
  }
  advice.push(...nodes.flatMap((node) => waitAdvice(node, nodes)), ...keyspaces.flatMap(lossAdvice));
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
      subject: node.name,
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
        subject: keyspace.name,
        action: 'See keyspace',
      });
    }
  }
  const order = { error: 0, warning: 1, info: 2 };
  return advice.sort((a, b) => order[a.severity] - order[b.severity]);
}
