/** Who replicates each partition of a keyspace, with the data center of each. Pure. */
import type { ReplicaPlace } from '../quorum/requirement.ts';
import { type DataCenterRing, placementOf } from '../ring/ring.ts';
import type { Layout, LayoutKeyspace } from './layout.ts';
import { factorsKey, LayoutMemo } from './layout-memo.ts';

/** Most keyspaces have one of few replications. */
const placementsMax = 32;
const known = new LayoutMemo<readonly (readonly ReplicaPlace[])[]>(placementsMax);

/**
 * By partition, in the order of `rings`: the layout's own, which is the same for every node, or the reader's center first.
 * Remembered: keyspaces with the same factors have the same places, to be read only.
 */
export function placesOf(
  layout: Layout,
  { factors }: Pick<LayoutKeyspace, 'factors'>,
  rings: readonly DataCenterRing[] = layout.rings,
): readonly (readonly ReplicaPlace[])[] {
  const order = rings.map(({ dataCenter }) => dataCenter).join('\n');
  return known.of(layout, `${factorsKey(layout, factors)} ${order}`, () => {
    const dataCenterOf = new Map(layout.nodes.map((node) => [node.id, node.dataCenter]));
    return placementOf(rings, layout.nodes, (dataCenter) => factors[dataCenter] ?? 0).map((list) =>
      list.map((nodeId) => ({ nodeId, dataCenter: dataCenterOf.get(nodeId)! })),
    );
  });
}

/** Copies a key has in each data center: the factor, bounded by the nodes that are there. */
export function copiesOf(
  layout: Layout,
  factors: Readonly<Record<string, number>>,
): Readonly<Record<string, number>> {
  const copies = layout.dataCenters.map((dataCenter) => {
    const nodeCount = layout.nodes.filter((node) => node.dataCenter === dataCenter).length;
    return [dataCenter, Math.min(nodeCount, factors[dataCenter] ?? 0)] as const;
  });
  return Object.fromEntries(copies);
}
