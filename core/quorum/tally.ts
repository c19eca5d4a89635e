/** Counts votes against a requirement. Shared by get-core and put-core; pure. */
import { countsIn, type ReplicaPlace, type Requirement } from './requirement.ts';

export type Verdict = 'pending' | 'met' | 'impossible';

const waiting = 0;
const inFavour = 1;
const against = 2;

export class Tally {
  readonly #replicas: readonly ReplicaPlace[];
  readonly #requirement: Requirement;
  readonly #votes: Uint8Array;
  #inFavourCount = 0;
  #openCount: number;

  constructor(replicas: readonly ReplicaPlace[], requirement: Requirement) {
    this.#replicas = replicas;
    this.#requirement = requirement;
    this.#votes = new Uint8Array(replicas.length);
    this.#openCount = replicas.length;
  }

  get inFavourCount(): number {
    return this.#inFavourCount;
  }

  /** Replicas that have not voted yet. */
  get openCount(): number {
    return this.#openCount;
  }

  /** A replica's later vote replaces none: the first answer counts, duplicates are ignored (false). */
  add(replicaIndex: number, accepted: boolean): boolean {
    if (this.#votes[replicaIndex] !== waiting) return false;
    this.#votes[replicaIndex] = accepted ? inFavour : against;
    this.#openCount--;
    if (accepted) this.#inFavourCount++;
    return true;
  }

  /** `impossible` once the replicas that can still answer are too few. */
  verdict(): Verdict {
    let met = true;
    for (const group of this.#requirement.groups) {
      let favour = 0;
      let open = 0;
      for (let index = 0; index < this.#votes.length; index++) {
        if (!countsIn(group, this.#replicas[index])) continue;
        if (this.#votes[index] === inFavour) favour++;
        else if (this.#votes[index] === waiting) open++;
      }
      if (favour + open < group.needed) return 'impossible';
      if (favour < group.needed) met = false;
    }
    return met ? 'met' : 'pending';
  }
}
