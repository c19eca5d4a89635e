/** When each partition of each keyspace was last found equal, or made so, at all of its replicas. */
import { partitionCount } from '../../base/token.ts';
import type { RepairCoverage } from '../../contract/repair-views.ts';
import type { Clock } from '../../ports/clock.ts';
import type { RepairStore } from './repair-store.ts';
import { coverageOf } from './segments.ts';

export type SavedCoverage = { readonly keyspace: string; readonly comparedAtMs: (number | null)[] };

export class Coverage {
  readonly #clock: Clock;
  readonly #store: RepairStore;
  readonly #comparedAtMs = new Map<string, (number | null)[]>();
  /** Keyspaces of which the catalog does not hold the latest. */
  readonly #unsaved = new Set<string>();

  constructor(components: { clock: Clock; store: RepairStore }, saved: readonly SavedCoverage[]) {
    this.#clock = components.clock;
    this.#store = components.store;
    for (const { keyspace, comparedAtMs } of saved) this.#comparedAtMs.set(keyspace, comparedAtMs);
  }

  /** All replicas of these partitions hold the same, by a comparison at that time; absent: now. */
  compared(keyspace: string, partitions: readonly number[], atMs = this.#clock.nowMs()): void {
    const times = this.#timesOf(keyspace);
    for (const partition of partitions) times[partition] = Math.max(times[partition] ?? 0, atMs);
    this.#unsaved.add(keyspace);
  }

  viewOf(keyspace: string): RepairCoverage {
    return { keyspace, comparedAtMs: coverageOf(this.#timesOf(keyspace)) };
  }

  save(): void {
    for (const keyspace of this.#unsaved) {
      this.#store.save('coverage', keyspace, { keyspace, comparedAtMs: this.#timesOf(keyspace) });
    }
    this.#unsaved.clear();
  }

  #timesOf(keyspace: string): (number | null)[] {
    let times = this.#comparedAtMs.get(keyspace);
    if (times === undefined) {
      times = new Array(partitionCount).fill(null);
      this.#comparedAtMs.set(keyspace, times);
    }
    return times;
  }
}
