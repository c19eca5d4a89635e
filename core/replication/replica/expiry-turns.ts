/**
 * When expired values are forgotten: each partition has its turn once a cycle, at a moment of the wall clock that is the same on
 * every node, and what had expired by a margin before that moment goes then. So replicas whose clocks agree forget the same
 * records within a second of one another, without a message, and anti-entropy finds nothing to bring back in between.
 */
import { partitionCount } from '../../base/token.ts';

export interface ExpirySettings {
  /** From one turn of a partition to its next. Shorter: expired values go sooner, and the index is walked more often. */
  readonly cycleMs: number;
  /** A value that expired is left alone for this long: by how much clocks may differ before they disagree on what is gone. */
  readonly marginMs: number;
}

export const defaultExpirySettings: ExpirySettings = { cycleMs: 64_000, marginMs: 60_000 };

/** Turns are numbered from 1970; turn `n` is that of partition `n % partitionCount`. */
export function turnAt(nowMs: number, { cycleMs }: ExpirySettings): number {
  return Math.floor((nowMs * partitionCount) / cycleMs);
}

export function partitionOfTurn(turn: number): number {
  return turn % partitionCount;
}

/** In this turn goes what may be forgotten from this moment on (RecordSummary, forgettableAtMs) or earlier. */
export function turnTakesUntilMs(turn: number, { cycleMs, marginMs }: ExpirySettings): number {
  return Math.floor((turn * cycleMs) / partitionCount) - marginMs;
}

/** What the partition's latest turn took: whoever brings such a record brings back what has been forgotten. */
export function takenUntilMs(partition: number, nowMs: number, settings: ExpirySettings): number {
  const turn = turnAt(nowMs, settings);
  const since = (partitionOfTurn(turn) - partition + partitionCount) % partitionCount;
  return turnTakesUntilMs(turn - since, settings);
}
