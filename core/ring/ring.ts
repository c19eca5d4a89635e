/**
 * The ring: who replicates what. Every data center has its own ring of `partitionCount` equal arcs, each owned by one
 * node (DeCandia et al., "Dynamo", section 6.2, strategy 3: equal partitions decoupled from nodes). Pure functions of
 * the layout's facts; who is alive plays no part here.
 */
import { assert } from '../base/assert.ts';
import { partitionCount } from '../base/token.ts';

export interface RingNode {
  readonly id: number;
  /** The failure domain inside a data center. */
  readonly computer: string;
  readonly dataCenter: string;
  /** Share of the data relative to the other nodes of its data center; greater than 0. */
  readonly weight: number;
}

export interface DataCenterRing {
  readonly dataCenter: string;
  /** Owner (node id) of each partition. */
  readonly owners: readonly number[];
}

/** How many nodes and computers a ring has: a walk that has met them all meets nobody new. */
interface Extent {
  readonly nodes: number;
  readonly computers: number;
}

function extentOf(ring: DataCenterRing, nodesById: ReadonlyMap<number, RingNode>): Extent {
  const owners = new Set(ring.owners);
  const computers = new Set<string>();
  for (const owner of owners) {
    const node = nodesById.get(owner);
    assert(node !== undefined, `the ring names node ${owner}, which the layout lacks`);
    computers.add(node.computer);
  }
  return { nodes: owners.size, computers: computers.size };
}

/**
 * The replicas of a partition in one data center, in order: clockwise from the partition, taking distinct nodes and,
 * while the data center has computers left, distinct computers. Shorter than `factor` only when there are fewer nodes.
 */
export function preferenceList(
  ring: DataCenterRing,
  nodesById: ReadonlyMap<number, RingNode>,
  partition: number,
  factor: number,
  extent = extentOf(ring, nodesById),
): number[] {
  const list: number[] = [];
  const computers = new Set<string>();
  const passed: number[] = [];
  const visited = new Set<number>();
  for (let step = 0; step < ring.owners.length && list.length < factor; step++) {
    // With every computer met, those passed are next, in the order of the walk: more of them change nothing.
    if (visited.size === extent.nodes) break;
    if (computers.size === extent.computers && list.length + passed.length >= factor) break;
    const owner = ring.owners[(partition + step) % ring.owners.length];
    if (visited.has(owner)) continue;
    visited.add(owner);
    const { computer } = nodesById.get(owner)!;
    if (computers.has(computer)) {
      passed.push(owner);
      continue;
    }
    computers.add(computer);
    list.push(owner);
  }
  // All computers are used: further replicas must share one.
  for (const owner of passed) {
    if (list.length >= factor) break;
    list.push(owner);
  }
  return list;
}

/** For each partition its replicas in all data centers, in the order of `rings`; factor 0 leaves a data center out. */
export function placementOf(
  rings: readonly DataCenterRing[],
  nodes: readonly RingNode[],
  factorOf: (dataCenter: string) => number,
): number[][] {
  const nodesById = new Map(nodes.map((node) => [node.id, node]));
  const chosen = rings
    .map((ring) => ({ ring, factor: factorOf(ring.dataCenter), extent: extentOf(ring, nodesById) }))
    .filter(({ factor }) => factor > 0);
  const lists: number[][] = [];
  for (let partition = 0; partition < partitionCount; partition++) {
    const list: number[] = [];
    for (const { ring, factor, extent } of chosen) {
      list.push(...preferenceList(ring, nodesById, partition, factor, extent));
    }
    lists.push(list);
  }
  return lists;
}
