/**
 * A quorum write as a vote counter: add a result, ask for the verdict, take the final actions. After riak_kv's put core;
 * it holds no I/O, no time and no network.
 */
import type { ReplicaPlace, Requirement } from './requirement.ts';
import { Tally, type Verdict } from './tally.ts';

export class PutCore {
  readonly #tally: Tally;
  readonly #hintsCount: boolean;
  #fallbackCount = 0;

  constructor(replicas: readonly ReplicaPlace[], requirement: Requirement) {
    this.#tally = new Tally(replicas, requirement);
    this.#hintsCount = requirement.hintsCount;
  }

  /** Nodes that hold the write durably: replicas, and fallbacks for them. */
  get acknowledgedCount(): number {
    return this.#tally.inFavourCount;
  }

  addAcknowledgement(replicaIndex: number): Verdict {
    this.#tally.add(replicaIndex, true);
    return this.verdict();
  }

  addFailure(replicaIndex: number): Verdict {
    this.#tally.add(replicaIndex, false);
    return this.verdict();
  }

  /** A fallback keeps the write durably in the place of a replica that cannot be reached (sloppy quorum). */
  addFallback(replicaIndex: number): Verdict {
    if (this.#tally.add(replicaIndex, true)) this.#fallbackCount++;
    return this.verdict();
  }

  /** Fallbacks count like the replicas they stand in for, but not alone: that is what level ANY allows. */
  verdict(): Verdict {
    if (this.#hintsCount && this.#fallbackCount > 0) return 'met';
    const verdict = this.#tally.verdict();
    if (verdict !== 'met' || this.#tally.inFavourCount > this.#fallbackCount) return verdict;
    return this.#tally.openCount > 0 ? 'pending' : 'impossible';
  }
}
