/** What an exchange is asked for, and what it came to, as counters that can be added up. */
import type { CoterieError } from '../base/errors.ts';
import { newTransferFigures, type TransferFigures } from './record-transfer.ts';

export interface ExchangeFigures extends TransferFigures {
  partitionsCompared: number;
  partitionsDiffering: number;
  /** Hashes of nodes that the peer sent, roots included. */
  nodesExchanged: number;
  /** Hashes of single records that the peer sent. */
  positionsListed: number;
  /** Bytes of all questions and answers, both ways. */
  wireBytes: number;
  /** Bytes of questions and answers about trees and listings, both ways: all but records. */
  treeBytes: number;
  keysDiffering: number;
}

export function newFigures(): ExchangeFigures {
  return {
    partitionsCompared: 0,
    partitionsDiffering: 0,
    nodesExchanged: 0,
    positionsListed: 0,
    wireBytes: 0,
    treeBytes: 0,
    keysDiffering: 0,
    ...newTransferFigures(),
  };
}

/** Adds `more` to `sums`, counter by counter. */
export function addFigures(sums: ExchangeFigures, more: ExchangeFigures): void {
  for (const field of Object.keys(more) as (keyof ExchangeFigures)[]) sums[field] += more[field];
}

export interface ExchangeRequest {
  readonly keyspace: number;
  readonly partitions: readonly number[];
  readonly peer: number;
  /** Counts differences and changes nothing. */
  readonly dryRun: boolean;
  /** The peer gets what it lacks, and nothing is taken from it. */
  readonly isGivenOnly?: boolean;
  /** Partitions of which next to nothing is here are taken whole; keys that differ are not counted there. */
  readonly isBulk?: boolean;
  /** No further partition is begun after this long: for trees to be built, and altogether. */
  readonly limitMs: number;
  /** Each position that differs, as a number that is unique within the keyspace. */
  onDifference?(position: number): void;
}

export interface ExchangeResult {
  readonly figures: ExchangeFigures;
  /** Compared, and settled unless it was a dry run. */
  readonly compared: readonly number[];
  /** How often something had gone missing here when it began. */
  readonly missCount: number;
  /** In which something differed. */
  readonly differing: readonly number[];
  /** Null when all went well; partitions may be left even then, for want of time. */
  readonly reason: CoterieError | null;
}
