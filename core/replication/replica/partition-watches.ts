/** Tells whether a partition has changed while somebody went through it. */
import { type KeyAddress, partitionOf } from '../../base/token.ts';

export interface PartitionWatch {
  readonly keyspace: number;
  readonly partition: number;
  isChanged: boolean;
}

export function isIn({ keyspace, tokenHigh }: KeyAddress, ofKeyspace: number, partition: number): boolean {
  return keyspace === ofKeyspace && partitionOf(tokenHigh) === partition;
}

export class PartitionWatches {
  readonly #watches = new Set<PartitionWatch>();

  /** Until it is given to `end`. */
  begin(keyspace: number, partition: number): PartitionWatch {
    const watch = { keyspace, partition, isChanged: false };
    this.#watches.add(watch);
    return watch;
  }

  end(watch: PartitionWatch): void {
    this.#watches.delete(watch);
  }

  /** For each change: nearly always nobody watches. */
  note(address: KeyAddress): void {
    if (this.#watches.size === 0) return;
    for (const watch of this.#watches) {
      if (isIn(address, watch.keyspace, watch.partition)) watch.isChanged = true;
    }
  }
}
