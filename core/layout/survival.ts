/**
 * What a keyspace survives: whether its read and write levels still work for every key after the worst loss of one node,
 * one computer or one data center, and how many partitions work with the nodes that are up now. Pure arithmetic over
 * the placement; the same vote counter decides as in a real request. What was reckoned is remembered: it is asked for at each
 * request for the state of the cluster.
 */
import type { ConsistencyLevel } from '../base/levels.ts';
import { PutCore } from '../quorum/put-core.ts';
import { type ReplicaPlace, requirementOf } from '../quorum/requirement.ts';
import type { Layout, LayoutKeyspace } from './layout.ts';
import { factorsKey, LayoutMemo } from './layout-memo.ts';
import { placesOf } from './places.ts';

/** The settings that decide what a keyspace survives. */
export type SurvivalPlan = Pick<LayoutKeyspace, 'factors' | 'readLevel' | 'writeLevel'>;

export interface Survival {
  readonly loss: 'node' | 'computer' | 'data-center';
  readonly readable: boolean;
  readonly writable: boolean;
}

/** Counts of partitions, of 1,024. */
export interface Availability {
  readonly underReplicated: number;
  /** From no data center can it be both read and written at the keyspace's levels. */
  readonly unavailable: number;
  readonly unreadable: number;
  readonly unwritable: number;
}

/** Distinct replica lists with the number of partitions that have each. */
interface PlacementGroup {
  readonly replicas: readonly ReplicaPlace[];
  readonly partitionCount: number;
}

const factorSetsMax = 64;
const knownGroups = new LayoutMemo<readonly PlacementGroup[]>(factorSetsMax);
/** Enough for every keyspace with several sets of nodes that are up. */
const availabilitiesMax = 1_024;
const knownAvailability = new LayoutMemo<Availability>(availabilitiesMax);

function placementGroups(
  layout: Layout,
  { factors }: Pick<SurvivalPlan, 'factors'>,
): readonly PlacementGroup[] {
  return knownGroups.of(layout, factorsKey(layout, factors), () => groupsOf(layout, { factors }));
}

function groupsOf(layout: Layout, keyspace: Pick<SurvivalPlan, 'factors'>): PlacementGroup[] {
  const groups = new Map<string, { replicas: readonly ReplicaPlace[]; partitionCount: number }>();
  for (const replicas of placesOf(layout, keyspace)) {
    const ids = replicas.map((replica) => replica.nodeId);
    const name = ids.sort((a, b) => a - b).join();
    const group = groups.get(name);
    if (group !== undefined) group.partitionCount++;
    else groups.set(name, { replicas, partitionCount: 1 });
  }
  return [...groups.values()];
}

function works(
  level: ConsistencyLevel,
  replicas: readonly ReplicaPlace[],
  localDataCenter: string,
  isLost: (nodeId: number) => boolean,
): boolean {
  const core = new PutCore(replicas, requirementOf(level, replicas, localDataCenter));
  replicas.forEach((replica, index) => {
    if (isLost(replica.nodeId)) core.addFailure(index);
    else core.addAcknowledgement(index);
  });
  return core.verdict() === 'met';
}

/** Works for clients in every data center that still has a node. */
function worksEverywhere(
  level: ConsistencyLevel,
  groups: readonly PlacementGroup[],
  dataCenters: readonly string[],
  isLost: (nodeId: number) => boolean,
): boolean {
  return (
    dataCenters.length > 0 &&
    groups.every((group) =>
      dataCenters.every((dataCenter) => works(level, group.replicas, dataCenter, isLost)),
    )
  );
}

/** Data centers that still have a node. */
function centersWithout(layout: Layout, isAway: (nodeId: number) => boolean): string[] {
  return [...new Set(layout.nodes.filter(({ id }) => !isAway(id)).map(({ dataCenter }) => dataCenter))];
}

export function survivalOf(layout: Layout, keyspace: SurvivalPlan): Survival[] {
  const groups = placementGroups(layout, keyspace);
  const domains: [Survival['loss'], (node: Layout['nodes'][number]) => string][] = [
    ['node', (node) => String(node.id)],
    ['computer', (node) => node.computer],
    ['data-center', (node) => node.dataCenter],
  ];
  return domains.map(([loss, domainOf]) => {
    const domains = [...new Set(layout.nodes.map(domainOf))];
    const survives = (level: ConsistencyLevel) =>
      domains.every((domain) => {
        const lost = new Set(layout.nodes.filter((node) => domainOf(node) === domain).map((node) => node.id));
        const isLost = (nodeId: number) => lost.has(nodeId);
        return worksEverywhere(level, groups, centersWithout(layout, isLost), isLost);
      });
    return { loss, readable: survives(keyspace.readLevel), writable: survives(keyspace.writeLevel) };
  });
}

/** Partitions that lack a replica now, and those that cannot be read or written at the keyspace's levels. */
export function availabilityOf(
  layout: Layout,
  keyspace: SurvivalPlan,
  isUp: (nodeId: number) => boolean,
): Availability {
  const { factors, readLevel, writeLevel } = keyspace;
  const up = new Set(layout.nodes.filter(({ id }) => isUp(id)).map(({ id }) => id));
  const key = `${factorsKey(layout, factors)} ${readLevel} ${writeLevel} ${[...up].join()}`;
  return knownAvailability.of(layout, key, () =>
    countUnavailable(layout, keyspace, (nodeId) => up.has(nodeId)),
  );
}

function countUnavailable(
  layout: Layout,
  keyspace: SurvivalPlan,
  isUp: (nodeId: number) => boolean,
): Availability {
  const found = { underReplicated: 0, unavailable: 0, unreadable: 0, unwritable: 0 };
  for (const { replicas, partitionCount } of placementGroups(layout, keyspace)) {
    if (replicas.every((replica) => isUp(replica.nodeId))) continue;
    found.underReplicated += partitionCount;
    const at = layout.dataCenters.map((dataCenter) => {
      const isMet = (level: ConsistencyLevel) => works(level, replicas, dataCenter, (id) => !isUp(id));
      return { reads: isMet(keyspace.readLevel), writes: isMet(keyspace.writeLevel) };
    });
    if (!at.some(({ reads }) => reads)) found.unreadable += partitionCount;
    if (!at.some(({ writes }) => writes)) found.unwritable += partitionCount;
    if (!at.some(({ reads, writes }) => reads && writes)) found.unavailable += partitionCount;
  }
  return found;
}

/** Of 1,024: partitions that clients somewhere can no longer read or write at the keyspace's levels. */
export interface Outage {
  readonly unreadable: number;
  readonly unwritable: number;
}

/** With some nodes away. Asked for by clients of every data center that still has a node; without any, nothing works. */
export function outageOf(
  layout: Layout,
  keyspace: SurvivalPlan,
  isAway: (nodeId: number) => boolean,
): Outage {
  const dataCenters = centersWithout(layout, isAway);
  const groups = placementGroups(layout, keyspace);
  const failing = (level: ConsistencyLevel) =>
    groups
      .filter((group) => !worksEverywhere(level, [group], dataCenters, isAway))
      .reduce((sum, { partitionCount }) => sum + partitionCount, 0);
  return { unreadable: failing(keyspace.readLevel), unwritable: failing(keyspace.writeLevel) };
}
