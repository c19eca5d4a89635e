/**
 * A node's working view of the layout: for each keyspace and partition the replicas in the order in which this node
 * prefers them, and what each level needs there. Rebuilt as a whole when the layout changes; read on every request.
 */
import type { ConsistencyLevel } from '../base/levels.ts';
import { partitionCount } from '../base/token.ts';
import type { Layout, LayoutKeyspace, LayoutNode } from '../layout/layout.ts';
import { placesOf } from '../layout/places.ts';
import { type ReplicaPlace, type Requirement, requirementOf } from '../quorum/requirement.ts';
import { preferenceList } from '../ring/ring.ts';

export interface KeyspaceState {
  readonly settings: LayoutKeyspace;
  /** Replicas of each partition, this node's data center first. */
  readonly replicas: readonly (readonly ReplicaPlace[])[];
  /** The same in the layout's order: alike for every node of the cluster. */
  readonly agreedOrder: readonly (readonly ReplicaPlace[])[];
  /** This node's index in each partition's replicas; -1 where it holds none. */
  readonly selfIndex: Int16Array;
  requirement(level: ConsistencyLevel): Requirement;
  /** Nodes of a data center that stand in for its replicas of a partition, in the order of the walk. */
  fallbacks(partition: number, dataCenter: string): readonly number[];
}

export interface Topology {
  readonly layout: Layout;
  readonly self: LayoutNode;
  readonly peers: readonly LayoutNode[];
  readonly keyspaces: ReadonlyMap<number, KeyspaceState>;
}

function keyspaceState(layout: Layout, self: LayoutNode, settings: LayoutKeyspace): KeyspaceState {
  // The coordinator's own data center first; the others keep the layout's order.
  const rings = [...layout.rings].sort(
    (a, b) => Number(b.dataCenter === self.dataCenter) - Number(a.dataCenter === self.dataCenter),
  );
  const replicas = placesOf(layout, settings, rings);
  const isAgreed = rings.every((ring, index) => ring === layout.rings[index]);
  const agreedOrder = isAgreed ? replicas : placesOf(layout, settings);
  const selfIndex = new Int16Array(partitionCount);
  for (let partition = 0; partition < partitionCount; partition++) {
    selfIndex[partition] = replicas[partition].findIndex((replica) => replica.nodeId === self.id);
  }
  // Every partition has the same number of replicas in each data center, so a level needs the same everywhere.
  const requirements = new Map<ConsistencyLevel, Requirement>();
  const nodesById = new Map(layout.nodes.map((node) => [node.id, node]));
  // Needed only while somebody is down: worked out then, and kept.
  const fallbacks = new Map<string, readonly number[]>();
  return {
    settings,
    replicas,
    agreedOrder,
    selfIndex,
    requirement(level) {
      let requirement = requirements.get(level);
      if (requirement === undefined) {
        requirement = requirementOf(level, replicas[0], self.dataCenter);
        requirements.set(level, requirement);
      }
      return requirement;
    },
    fallbacks(partition, dataCenter) {
      const name = `${partition}:${dataCenter}`;
      let list = fallbacks.get(name);
      if (list === undefined) {
        const ring = rings.find((candidate) => candidate.dataCenter === dataCenter)!;
        const factor = settings.factors[dataCenter] ?? 0;
        list = preferenceList(ring, nodesById, partition, layout.nodes.length).slice(factor);
        fallbacks.set(name, list);
      }
      return list;
    },
  };
}

export function topologyOf(layout: Layout, selfId: number): Topology {
  const self = layout.nodes.find((node) => node.id === selfId)!;
  return {
    layout,
    self,
    peers: layout.nodes.filter((node) => node.id !== selfId),
    keyspaces: new Map(
      layout.keyspaces.map((settings) => [settings.id, keyspaceState(layout, self, settings)]),
    ),
  };
}
