/**
 * What the first look at each partition found agreed on, until the second: hashes of dead records, eight bytes each, in bounded
 * number for each partition; what is beyond has its round after this one.
 */
import type { Range } from './dead-records.ts';

/** Dead records of one partition that wait for their second look at a time: 128 KiB of hashes. */
export const roundCountMax = 16_384;

export interface Round extends Range {
  /** When the last answer of the first look came, by the monotonic clock. */
  readonly seenMs: number;
  /** Ascending. */
  readonly agreed: Float64Array;
}

export function holds({ agreed }: Round, hash: number): boolean {
  let low = 0;
  let high = agreed.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (agreed[middle] < hash) low = middle + 1;
    else high = middle;
  }
  return agreed[low] === hash;
}

export class Rounds {
  readonly #rounds = new Map<string, Round>();
  /** Where the next first look of a partition begins: behind what the last one took, when that was as much as it may. */
  readonly #starts = new Map<string, number>();
  /** Grows whenever every first look is void; a look that spans such a moment is void, too. */
  #generation = 0;

  get generation(): number {
    return this.#generation;
  }

  void(): void {
    this.#generation++;
    this.#rounds.clear();
  }

  get(keyspace: number, partition: number): Round | undefined {
    return this.#rounds.get(`${keyspace}:${partition}`);
  }

  startOf(keyspace: number, partition: number): number {
    return this.#starts.get(`${keyspace}:${partition}`) ?? 0;
  }

  /** `isWhole`: the look came to the end of the partition. */
  begin(keyspace: number, partition: number, round: Round, isWhole: boolean): void {
    const name = `${keyspace}:${partition}`;
    if (isWhole) this.#starts.delete(name);
    else this.#starts.set(name, round.until);
    if (round.agreed.length > 0) this.#rounds.set(name, round);
  }

  end(keyspace: number, partition: number): void {
    this.#rounds.delete(`${keyspace}:${partition}`);
  }
}
