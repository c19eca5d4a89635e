/** The kinds of work that a node does in the background, by the field's names; what people read is in core/contract/worker-words.ts. */
export const workerNames = [
  'handoff',
  'anti-entropy',
  'scrub',
  'tombstones',
  'expiry',
  'leftovers',
  'layouts',
] as const;
export type WorkerName = (typeof workerNames)[number];

/** `yielding`: clients come first. */
export const workerStates = ['working', 'resting', 'yielding', 'failing'] as const;
export type WorkerState = (typeof workerStates)[number];
