/**
 * Who owns which arc, for one data center. Deterministic in (previous owners, wanted nodes). Three aims, in this order:
 * ownership in proportion to weight; nothing moves that need not (only arcs of leaving or over-full nodes change hands);
 * neighbours on the ring are distinct nodes on distinct computers, because then each clockwise walk of n takes n arcs
 * and replica load follows ownership exactly. The walk itself (ring.ts) stays correct whatever the allocation.
 */
import { assert } from '../base/assert.ts';
import type { RingNode } from './ring.ts';

const none = -1;

/** Walks look at most this far ahead in practice; nearer repeats cost more. */
const windowMax = 5;

/** Of a repeat so far away. */
const weightAt = (distance: number) => 1 << (2 * (windowMax - distance));

/** Whole arcs per node in proportion to weight; remainders go to the largest fraction, ties to the earlier node. */
export function quotasOf(nodes: readonly RingNode[], arcCount: number): number[] {
  const total = nodes.reduce((sum, node) => sum + node.weight, 0);
  const exact = nodes.map((node) => (arcCount * node.weight) / total);
  const quotas = exact.map(Math.floor);
  const left = arcCount - quotas.reduce((sum, quota) => sum + quota, 0);
  const byFraction = nodes
    .map((_, index) => index)
    .sort((a, b) => exact[b] - quotas[b] - (exact[a] - quotas[a]) || a - b);
  for (let index = 0; index < left; index++) quotas[byFraction[index % byFraction.length]]++;
  return quotas;
}

/**
 * Cost of node `candidate` owning arc `position`, given the arcs around it: a repeat of the node weighs most, of its
 * computer next, and near repeats more than far ones.
 */
function crowding(
  owners: readonly number[],
  nodes: readonly RingNode[],
  position: number,
  candidate: number,
  window: number,
): number {
  const count = owners.length;
  let cost = 0;
  for (let distance = 1; distance < window; distance++) {
    const weight = weightAt(distance);
    cost += nearness(owners[(position + distance) % count], nodes, candidate) * weight;
    cost += nearness(owners[(position - distance + count) % count], nodes, candidate) * weight;
  }
  return cost;
}

function nearness(neighbour: number, nodes: readonly RingNode[], candidate: number): number {
  if (neighbour === none) return 0;
  if (neighbour === candidate) return 4;
  return nodes[neighbour].computer === nodes[candidate].computer ? 1 : 0;
}

/** Picks, for an over-full node's surplus, the arcs whose hand-over spreads a taker's arcs most evenly. */
function release(owners: number[], surplus: number[], wantedCount: number): void {
  const count = owners.length;
  if (wantedCount === 0) return;
  let last = none;
  for (let index = 0; index < wantedCount; index++) {
    const ideal = Math.round((index * count) / wantedCount);
    let best = none;
    let bestCost = Number.POSITIVE_INFINITY;
    // Near the ideal place any donor will do; the fullest donor is preferred so that all end level.
    for (let offset = 0; offset < count; offset++) {
      const distance = Math.min(offset, count - offset);
      const position = (ideal + offset) % count;
      const donor = owners[position];
      if (donor === none || surplus[donor] <= 0) continue;
      const cost = distance * 4 - surplus[donor] * 8 + (position <= last ? count : 0);
      if (cost < bestCost) {
        bestCost = cost;
        best = position;
      }
    }
    if (best === none) return;
    surplus[owners[best]]--;
    owners[best] = none;
    last = best;
  }
}

function fill(
  owners: number[],
  nodes: readonly RingNode[],
  deficit: number[],
  quotas: readonly number[],
): void {
  const computerCount = new Set(nodes.map((node) => node.computer)).size;
  const window = Math.min(windowMax, Math.max(2, computerCount > 1 ? computerCount : nodes.length));
  for (let position = 0; position < owners.length; position++) {
    if (owners[position] !== none) continue;
    let best = none;
    let bestCost = Number.POSITIVE_INFINITY;
    for (let candidate = 0; candidate < nodes.length; candidate++) {
      if (deficit[candidate] <= 0) continue;
      // Crowding decides; among equals the node that is furthest behind its share.
      const behind = deficit[candidate] / quotas[candidate];
      const cost = crowding(owners, nodes, position, candidate, window) - behind * 0.5;
      if (cost < bestCost) {
        bestCost = cost;
        best = candidate;
      }
    }
    assert(best !== none, 'deficits add up to the free arcs');
    owners[position] = best;
    deficit[best]--;
  }
}

/** Late arcs may end up beside their twins: exchanging two newly given arcs moves no data that would not move anyway. */
function smooth(owners: number[], nodes: readonly RingNode[], fresh: readonly number[]): void {
  const computerCount = new Set(nodes.map((node) => node.computer)).size;
  const window = Math.min(windowMax, Math.max(2, computerCount > 1 ? computerCount : nodes.length));
  const count = owners.length;
  // What each node would cost at each arc as the ring is now: worked out when asked for, and again near an exchange.
  const unknown = -1;
  const costs = new Int32Array(count * nodes.length).fill(unknown);
  const costOf = (position: number, candidate: number) => {
    const place = position * nodes.length + candidate;
    if (costs[place] === unknown) costs[place] = crowding(owners, nodes, position, candidate, window);
    return costs[place];
  };
  const exchange = (one: number, other: number) => {
    const owner = owners[one];
    owners[one] = owners[other];
    owners[other] = owner;
  };
  const costAfter = (one: number, other: number) => {
    const distance = Math.abs(one - other);
    if (Math.min(distance, count - distance) >= window) {
      return costOf(one, owners[other]) + costOf(other, owners[one]);
    }
    exchange(one, other);
    const after =
      crowding(owners, nodes, one, owners[one], window) +
      crowding(owners, nodes, other, owners[other], window);
    exchange(one, other);
    return after;
  };
  for (const position of fresh) {
    const here = costOf(position, owners[position]);
    if (here === 0) continue;
    let best = none;
    let bestGain = 0;
    for (const other of fresh) {
      if (owners[other] === owners[position]) continue;
      const gain = here + costOf(other, owners[other]) - costAfter(position, other);
      if (gain > bestGain) {
        bestGain = gain;
        best = other;
      }
    }
    if (best === none) continue;
    exchange(position, best);
    for (const changed of [position, best]) {
      for (let offset = 1 - window; offset < window; offset++) {
        const near = (changed + offset + count) % count;
        costs.fill(unknown, near * nodes.length, (near + 1) * nodes.length);
      }
    }
  }
}

/**
 * Owners (node ids) of `arcCount` arcs. `previous` null for a new data center; ids in it that are not wanted any more
 * lose their arcs. `nodes` must not be empty.
 */
export function allocate(
  previous: readonly number[] | null,
  nodes: readonly RingNode[],
  arcCount: number,
): number[] {
  assert(nodes.length > 0, 'a ring needs at least one node');
  const indexOf = new Map(nodes.map((node, index) => [node.id, index]));
  const owners: number[] = new Array(arcCount).fill(none);
  const counts: number[] = new Array(nodes.length).fill(0);
  if (previous !== null) {
    for (let position = 0; position < arcCount; position++) {
      const index = indexOf.get(previous[position]);
      if (index === undefined) continue;
      owners[position] = index;
      counts[index]++;
    }
  }
  const quotas = quotasOf(nodes, arcCount);
  const surplus = counts.map((count, index) => Math.max(0, count - quotas[index]));
  release(
    owners,
    surplus,
    surplus.reduce((sum, value) => sum + value, 0),
  );
  const fresh = owners.flatMap((owner, position) => (owner === none ? [position] : []));
  const held: number[] = new Array(nodes.length).fill(0);
  for (const owner of owners) if (owner !== none) held[owner]++;
  fill(
    owners,
    nodes,
    quotas.map((quota, index) => quota - held[index]),
    quotas,
  );
  smooth(owners, nodes, fresh);
  return owners.map((owner) => nodes[owner].id);
}
