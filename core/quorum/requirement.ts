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
  /** Node ids; absent: every replica may count. */
  readonly members?: ReadonlySet<number>;
}

export interface Requirement {
  readonly groups: readonly GroupRequirement[];
  /** Level ANY: a fallback's hint counts like a replica's acknowledgement. */
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

/** What several sets of replicas ask for together: each its own, and one replica may count in several. */
export function jointRequirement(
  sets: readonly { readonly members: readonly ReplicaPlace[]; readonly requirement: Requirement }[],
): Requirement {
  const groups = sets.flatMap(({ members, requirement }) => {
    const ids = new Set(members.map(({ nodeId }) => nodeId));
    return requirement.groups.map((group) => ({ ...group, members: ids }));
  });
  return { groups, hintsCount: sets.every(({ requirement }) => requirement.hintsCount) };
}

export function countsIn(group: GroupRequirement, { nodeId, dataCenter }: ReplicaPlace): boolean {
  if (group.dataCenter !== null && group.dataCenter !== dataCenter) return false;
  return group.members === undefined || group.members.has(nodeId);
}

/** At the least: of several sets that of the one which needs most. */
export function neededInTotal(requirement: Requirement): number {
  const bySet = new Map<ReadonlySet<number> | undefined, number>();
  for (const { members, needed } of requirement.groups) {
    bySet.set(members, (bySet.get(members) ?? 0) + needed);
  }
  return Math.max(0, ...bySet.values());
}

/** What a requirement asks of each data center and, beyond that, of all together. */
function demandOf(requirement: Requirement): { perCenter: Map<string, number>; total: number } {
  const perCenter = new Map<string, number>();
  let anywhere = 0;
  for (const { dataCenter, needed } of requirement.groups) {
    if (dataCenter === null) anywhere = Math.max(anywhere, needed);
    else perCenter.set(dataCenter, Math.max(perCenter.get(dataCenter) ?? 0, needed));
  }
  const inCenters = [...perCenter.values()].reduce((sum, needed) => sum + needed, 0);
  return { perCenter, total: Math.max(anywhere, inCenters) };
}

function countIn(replicas: readonly ReplicaPlace[], dataCenter: string): number {
  return replicas.filter((replica) => replica.dataCenter === dataCenter).length;
}

/** False when a level asks for more replicas than there are: every request at it is refused. */
export function canBeMet(requirement: Requirement, replicas: readonly ReplicaPlace[]): boolean {
  const { perCenter, total } = demandOf(requirement);
  return (
    total <= replicas.length &&
    [...perCenter].every(([dataCenter, needed]) => needed <= countIn(replicas, dataCenter))
  );
}

/**
 * True when every read quorum shares a replica with every write quorum. They could keep apart only if both had room at once:
 * in each data center for what each asks of it, and in all together for what each asks in total.
 */
export function quorumsIntersect(
  read: Requirement,
  write: Requirement,
  replicas: readonly ReplicaPlace[],
): boolean {
  // A hint is in no replica's keeping, and no read asks for it.
  if (read.hintsCount || write.hintsCount) return false;
  const r = demandOf(read);
  const w = demandOf(write);
  const fitsApart = [...new Set([...r.perCenter.keys(), ...w.perCenter.keys()])].every(
    (dataCenter) =>
      (r.perCenter.get(dataCenter) ?? 0) + (w.perCenter.get(dataCenter) ?? 0) <=
      countIn(replicas, dataCenter),
  );
  return !(fitsApart && r.total + w.total <= replicas.length);
}
