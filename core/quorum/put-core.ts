/**
 * A quorum write as a vote counter: add a result, ask for the verdict, take the final actions. After riak_kv's put core;
 * it holds no I/O, no time and no network.
 */
import type { ReplicaPlace, Requirement } from './requirement.ts';
import { Tally, type Verdict } from './tally.ts';

export class PutCore {
  readonly #tally: Tally;
  readonly #missed: number[] = [];
  readonly #replicas: readonly ReplicaPlace[];
  readonly #hintsCount: boolean;
  #hintCount = 0;

  constructor(replicas: readonly ReplicaPlace[], requirement: Requirement) {
    this.#replicas = replicas;
    this.#tally = new Tally(replicas, requirement);
    this.#hintsCount = requirement.hintsCount;
  }

  /** Replicas that hold the write durably. */
  get acknowledgedCount(): number {
    return this.#tally.inFavourCount;
  }

  addAcknowledgement(replicaIndex: number): Verdict {
    this.#tally.add(replicaIndex, true);
    return this.verdict();
  }

  addFailure(replicaIndex: number): Verdict {
    if (this.#tally.add(replicaIndex, false)) this.#missed.push(this.#replicas[replicaIndex].nodeId);
    return this.verdict();
  }

  /** A stand-in keeps the write durably for a replica that cannot be reached. */
  addHint(): Verdict {
    this.#hintCount++;
    return this.verdict();
  }

  verdict(): Verdict {
    if (this.#hintsCount && this.#hintCount > 0) return 'met';
    return this.#tally.verdict();
  }

  /** Replicas that did not take the write: they are owed it, by hint or by repair. */
  missed(): readonly number[] {
    return this.#missed;
  }
}
