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

/**
 * The replicas of a partition in one data center, in order: clockwise from the partition, taking distinct nodes and,
 * while the data center has computers left, distinct computers. Shorter than `factor` only when there are fewer nodes.
 */
export function preferenceList(
  ring: DataCenterRing,
  nodesById: ReadonlyMap<number, RingNode>,
  partition: number,
  factor: number,
): number[] {
  const list: number[] = [];
  const computers = new Set<string>();
  const passed: number[] = [];
  const visited = new Set<number>();
  for (let step = 0; step < ring.owners.length && list.length < factor; step++) {
    const owner = ring.owners[(partition + step) % ring.owners.length];
    if (visited.has(owner)) continue;
    visited.add(owner);
    const node = nodesById.get(owner);
    assert(node !== undefined, `the ring names node ${owner}, which the layout lacks`);
    if (computers.has(node.computer)) {
      passed.push(owner);
      continue;
    }
    computers.add(node.computer);
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
  const lists: number[][] = [];
  for (let partition = 0; partition < partitionCount; partition++) {
    const list: number[] = [];
    for (const ring of rings) {
      const factor = factorOf(ring.dataCenter);
      if (factor > 0) list.push(...preferenceList(ring, nodesById, partition, factor));
    }
    lists.push(list);
  }
  return lists;
}
