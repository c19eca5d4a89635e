/**
 * A quorum read as a vote counter: add each replica's record, ask for the verdict, respond with the merged record, then
 * repair those that answered stale. After riak_kv's get core; no I/O. Records are opaque here: the caller gives `merge`,
 * which answers one of its arguments (the same object) when that one already holds everything.
 */
import type { ReplicaPlace, Requirement } from './requirement.ts';
import { Tally, type Verdict } from './tally.ts';

export type MergeRecords = (left: Buffer, right: Buffer) => Buffer;

/** `undefined` in the answers: not answered. `null`: answered that it holds nothing. */
type Answer = Buffer | null | undefined;

export class GetCore {
  readonly #replicas: readonly ReplicaPlace[];
  readonly #tally: Tally;
  readonly #merge: MergeRecords;
  readonly #answers: Answer[];
  #merged: Buffer | null = null;

  constructor(replicas: readonly ReplicaPlace[], requirement: Requirement, merge: MergeRecords) {
    this.#replicas = replicas;
    this.#tally = new Tally(replicas, requirement);
    this.#merge = merge;
    this.#answers = new Array(replicas.length).fill(undefined);
  }

  get receivedCount(): number {
    return this.#tally.inFavourCount;
  }

  hasAnswered(replicaIndex: number): boolean {
    return this.#answers[replicaIndex] !== undefined;
  }

  /** `record` null: the replica holds nothing. A second answer of one replica is ignored. */
  addRecord(replicaIndex: number, record: Buffer | null): Verdict {
    if (this.#tally.add(replicaIndex, true)) {
      this.#answers[replicaIndex] = record;
      if (record !== null) {
        this.#merged = this.#merged === null ? record : this.#merge(this.#merged, record);
      }
    }
    return this.#tally.verdict();
  }

  addFailure(replicaIndex: number): Verdict {
    this.#tally.add(replicaIndex, false);
    return this.#tally.verdict();
  }

  verdict(): Verdict {
    return this.#tally.verdict();
  }

  /** Everything that the answers so far know, merged; null when none holds the key. */
  merged(): Buffer | null {
    return this.#merged;
  }

  /** Nodes whose answer lacks something of the merged record. `equal` compares two records' histories. */
  stale(equal: (left: Buffer, right: Buffer) => boolean): number[] {
    const merged = this.#merged;
    if (merged === null) return [];
    const stale: number[] = [];
    for (let index = 0; index < this.#answers.length; index++) {
      const answer = this.#answers[index];
      if (answer === undefined || answer === merged) continue;
      if (answer === null || !equal(answer, merged)) stale.push(this.#replicas[index].nodeId);
    }
    return stale;
  }
}
