/**
 * A quorum write as a vote counter: add a result, ask for the verdict, take the final actions. After riak_kv's put core;
 * it holds no I/O, no time and no network.
 */
import type { ReplicaPlace, Requirement } from './requirement.ts';
import { Tally, type Verdict } from './tally.ts';

export class PutCore {
  readonly #tally: Tally;
  readonly #hintsCount: boolean;
  #standInCount = 0;

  constructor(replicas: readonly ReplicaPlace[], requirement: Requirement) {
    this.#tally = new Tally(replicas, requirement);
    this.#hintsCount = requirement.hintsCount;
  }

  /** Nodes that hold the write durably: replicas, and stand-ins for them. */
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

  /** A stand-in keeps the write durably in the place of a replica that cannot be reached (sloppy quorum). */
  addStandIn(replicaIndex: number): Verdict {
    if (this.#tally.add(replicaIndex, true)) this.#standInCount++;
    return this.verdict();
  }

  /** Stand-ins count like the replicas they stand in for, but not alone: that is what level ANY allows. */
  verdict(): Verdict {
    if (this.#hintsCount && this.#standInCount > 0) return 'met';
    const verdict = this.#tally.verdict();
    if (verdict !== 'met' || this.#tally.inFavourCount > this.#standInCount) return verdict;
    return this.#tally.openCount > 0 ? 'pending' : 'impossible';
  }
}
