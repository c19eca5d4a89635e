/**
 * The words of a request that several layers share: consistency levels (design of Cassandra's, the field's common
 * names) and conflict policies.
 */
export const consistencyLevels = [
  'ANY',
  'ONE',
  'TWO',
  'THREE',
  'QUORUM',
  'LOCAL_ONE',
  'LOCAL_QUORUM',
  'EACH_QUORUM',
  'ALL',
] as const;

export type ConsistencyLevel = (typeof consistencyLevels)[number];

export const conflictPolicies = ['siblings', 'last-write-wins'] as const;
export type ConflictPolicy = (typeof conflictPolicies)[number];

export const durabilities = ['always', 'interval'] as const;
export type Durability = (typeof durabilities)[number];

/** Accepts any letter case; undefined for a word that is no level. */
export function parseConsistencyLevel(text: string): ConsistencyLevel | undefined {
  const upper = text.toUpperCase();
  return consistencyLevels.find((level) => level === upper);
}

/** How much of a node's time work in the background may take. */
export const intensities = ['gentle', 'normal', 'fast'] as const;
export type Intensity = (typeof intensities)[number];
