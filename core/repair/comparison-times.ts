/** When each partition was last compared with each peer, as far as this node knows since it started. */
import { partitionCount } from '../base/token.ts';

/** Partitions of which both this node and the peer are replicas. */
export interface Pairing {
  readonly keyspace: number;
  readonly peer: number;
  readonly partitions: readonly number[];
}

export class ComparisonTimes {
  /** Milliseconds since 1970 by partition; 0: never. */
  readonly #times = new Map<string, Float64Array>();

  note(keyspace: number, peer: number, partitions: readonly number[], nowMs: number): void {
    const name = `${keyspace}:${peer}`;
    let times = this.#times.get(name);
    if (times === undefined) {
      times = new Float64Array(partitionCount);
      this.#times.set(name, times);
    }
    for (const partition of partitions) times[partition] = nowMs;
  }

  /** Milliseconds since 1970; 0: never. */
  lastComparedMs(keyspace: number, peer: number, partition: number): number {
    return this.#times.get(`${keyspace}:${peer}`)?.[partition] ?? 0;
  }

  /** Of the partition that waits the longest. */
  oldestMs({ keyspace, peer, partitions }: Pairing): number {
    const times = this.#times.get(`${keyspace}:${peer}`);
    if (times === undefined) return 0;
    return partitions.reduce(
      (oldest, partition) => Math.min(oldest, times[partition]),
      Number.POSITIVE_INFINITY,
    );
  }

  /** Those that wait the longest. */
  oldest(pairing: Pairing, countMax: number): number[] {
    const { keyspace, peer } = pairing;
    const age = (partition: number) => this.lastComparedMs(keyspace, peer, partition);
    return [...pairing.partitions].sort((a, b) => age(a) - age(b) || a - b).slice(0, countMax);
  }
}
