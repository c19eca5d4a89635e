/** Who replicates each partition of a keyspace, with the data center of each. Pure. */
import type { ReplicaPlace } from '../quorum/requirement.ts';
import { type DataCenterRing, placementOf } from '../ring/ring.ts';
import type { Layout, LayoutKeyspace } from './layout.ts';

/** By partition, in the order of `rings`: the layout's own, which is the same for every node, or the reader's center first. */
export function placesOf(
  layout: Layout,
  { factors }: Pick<LayoutKeyspace, 'factors'>,
  rings: readonly DataCenterRing[] = layout.rings,
): ReplicaPlace[][] {
  const dataCenterOf = new Map(layout.nodes.map((node) => [node.id, node.dataCenter]));
  return placementOf(rings, layout.nodes, (dataCenter) => factors[dataCenter] ?? 0).map((list) =>
    list.map((nodeId) => ({ nodeId, dataCenter: dataCenterOf.get(nodeId)! })),
  );
}
