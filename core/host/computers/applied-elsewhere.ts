/**
 * Changes of the cluster that were applied at other computers: their nodes start and end here as well, so it is told here, too, who wanted
 * it. Each computer tells its last few with its news.
 */
import type { ComputerNews } from './messages.ts';

type Applied = NonNullable<ComputerNews['applied']>[number];

export class AppliedElsewhere {
  readonly #since: number;
  readonly #noted: (applied: Applied) => void;
  /** By the key of the computer that told it: two may apply at once, and are heard in any order. */
  readonly #newest = new Map<string, number>();

  /** `since`: the layout that was known at the start; what is older has been told before. */
  constructor(since: number, noted: (applied: Applied) => void) {
    this.#since = since;
    this.#noted = noted;
  }

  heard(key: string, { applied = [] }: ComputerNews): void {
    const known = this.#newest.get(key) ?? this.#since;
    const fresh = applied.filter(({ version }) => version > known).sort((a, b) => a.version - b.version);
    for (const one of fresh) this.#noted(one);
    if (fresh.length > 0) this.#newest.set(key, fresh[fresh.length - 1].version);
  }
}
