/**
 * What a consistency level asks for, as counts per group of replicas. A group is one data center or all of them. The
 * names and meanings follow Cassandra's levels.
 */
import type { ConsistencyLevel } from '../base/levels.ts';

export interface ReplicaPlace {
  readonly nodeId: number;
  readonly dataCenter: string;
}

export interface GroupRequirement {
  /** null: replicas of every data center count. */
  readonly dataCenter: string | null;
  readonly needed: number;
}

export interface Requirement {
  readonly groups: readonly GroupRequirement[];
  /** Level ANY: a stand-in's hint counts like a replica's acknowledgement. */
  readonly hintsCount: boolean;
}

export function majorityOf(count: number): number {
  return Math.floor(count / 2) + 1;
}

/**
 * `replicas` are those of one key in all data centers. A level that asks for more replicas than there are stays
 * unsatisfiable: TWO with one replica is refused, never quietly weakened.
 */
export function requirementOf(
  level: ConsistencyLevel,
  replicas: readonly ReplicaPlace[],
  localDataCenter: string,
): Requirement {
  const anywhere = (needed: number): Requirement => ({
    groups: [{ dataCenter: null, needed }],
    hintsCount: false,
  });
  const localCount = replicas.filter((replica) => replica.dataCenter === localDataCenter).length;
  switch (level) {
    case 'ANY':
      return { groups: [{ dataCenter: null, needed: 1 }], hintsCount: true };
    case 'ONE':
      return anywhere(1);
    case 'TWO':
      return anywhere(2);
    case 'THREE':
      return anywhere(3);
    case 'QUORUM':
      return anywhere(majorityOf(replicas.length));
    case 'ALL':
      return anywhere(Math.max(1, replicas.length));
    case 'LOCAL_ONE':
      return { groups: [{ dataCenter: localDataCenter, needed: 1 }], hintsCount: false };
    case 'LOCAL_QUORUM':
      return {
        groups: [{ dataCenter: localDataCenter, needed: majorityOf(localCount) }],
        hintsCount: false,
      };
    case 'EACH_QUORUM': {
      const dataCenters = [...new Set(replicas.map((replica) => replica.dataCenter))];
      return {
        groups: dataCenters.map((dataCenter) => ({
          dataCenter,
          needed: majorityOf(replicas.filter((replica) => replica.dataCenter === dataCenter).length),
        })),
        hintsCount: false,
      };
    }
  }
}

export function neededInTotal(requirement: Requirement): number {
  return requirement.groups.reduce((sum, group) => sum + group.needed, 0);
}

/** True when every read quorum shares a replica with every write quorum: read-your-writes across clients. */
export function quorumsIntersect(
  read: Requirement,
  write: Requirement,
  replicas: readonly ReplicaPlace[],
): boolean {
  if (read.hintsCount || write.hintsCount) return false;
  const sizeOf = (dataCenter: string | null): number =>
    replicas.filter((replica) => dataCenter === null || replica.dataCenter === dataCenter).length;
  // Two groups are sure to meet when both draw from one pool that is smaller than their sum. A group of one data center
  // always meets an all-centers group that could not fit outside it.
  for (const r of read.groups) {
    for (const w of write.groups) {
      if (r.dataCenter === w.dataCenter && r.needed + w.needed > sizeOf(r.dataCenter)) return true;
      if (r.dataCenter === null && r.needed + w.needed > sizeOf(null)) return true;
      if (w.dataCenter === null && r.needed + w.needed > sizeOf(null)) return true;
    }
  }
  const total = neededInTotal(read) + neededInTotal(write);
  const wide = (requirement: Requirement) => requirement.groups.some((group) => group.dataCenter === null);
  return wide(read) || wide(write) ? total > sizeOf(null) : false;
}
