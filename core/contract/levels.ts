/** The words of the contract that the page needs as values: levels and policies. */
export type { ConflictPolicy, ConsistencyLevel, Durability } from '../base/levels.ts';
export { conflictPolicies, consistencyLevels, durabilities } from '../base/levels.ts';
