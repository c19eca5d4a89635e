/**
 * Records of partitions that this node does not replicate any more, after a change of the layout: they may hold what no present
 * replica has, and an old value among them could come back to life later. So each is handed to every present replica; once all
 * have all of a partition durably, it is forgotten here as a whole. Nodes that gained a partition ask here until nothing is left (`holdsNothing`).
 */
import { partitionCount, partitionStart } from '../../base/token.ts';
import { scanPage } from '../../ports/scan-page.ts';
import type { ScanResult, StorageEngine, StoredRecord } from '../../ports/storage-engine.ts';
import type { Worker, WorkerProgress } from '../../ports/worker.ts';
import type { ReplicaPlace } from '../../quorum/requirement.ts';
import { decodeContext } from '../../versions/record-codec.ts';
import { counterOf } from '../../versions/version-set.ts';
import { encodeKeyed, frameType } from '../../wire/peer/frames.ts';
import type { Writer } from '../parts.ts';
import { askStatus, type Requests } from '../requests.ts';
import type { KeyspaceState, Topology } from '../topology.ts';
import type { LocalRecords } from './local-records.ts';

/** Until replicas that could not be reached are asked again. */
const retryAfterMs = 1_000;
/** A change that was under way when the layout came may leave something behind later: looked for this often. */
const lookAgainMs = 60_000;
/** Records on their way at a time. */
const pageCount = 64;

interface Components {
  readonly engine: StorageEngine;
  readonly records: LocalRecords;
  readonly requests: Requests;
  readonly writer: Writer;
  readonly topology: () => Topology;
  /** Somebody waits for what is left here: the next look is now. */
  readonly wake: () => void;
}

export class Leftovers implements Worker {
  readonly name = 'leftovers';
  /** Until it is done, reads of those who gained the partitions may have to wait. */
  readonly yields = false;
  readonly firstAfterMs = 0;
  readonly #parts: Components;
  #closed = false;
  #partition: number | null = null;
  /** Handed over and forgotten since the start. */
  handedOverCount = 0;

  constructor(parts: Components) {
    this.#parts = parts;
  }

  close(): void {
    this.#closed = true;
  }

  progress(): WorkerProgress {
    return { doneCount: this.handedOverCount, partition: this.#partition, isBusy: false };
  }

  /** Looks through everything. To be woken after each change of the layout. */
  async step(): Promise<number> {
    let isAllGone = true;
    try {
      for (const state of this.#parts.topology().keyspaces.values()) {
        for (let partition = 0; partition < partitionCount && !this.#closed; partition++) {
          if (state.selfIndex[partition] >= 0) continue;
          this.#partition = partition;
          if (!(await this.#handOverAll(state, partition))) isAllGone = false;
        }
      }
    } finally {
      this.#partition = null;
    }
    return isAllGone ? lookAgainMs : retryAfterMs;
  }

  /** Resolves with whether nothing is left. What could not be forgotten is handed over again: that does no harm. */
  async #handOverAll(state: KeyspaceState, partition: number): Promise<boolean> {
    const keyspace = state.settings.id;
    const { records, topology, writer } = this.#parts;
    const watched = records.watches.begin(keyspace, partition);
    try {
      let count = 0;
      let counterMax = 0;
      let fromPosition: number | null = partitionStart(partition);
      while (fromPosition !== null) {
        const page: ScanResult = await this.#page(keyspace, partition, fromPosition);
        const taken = await Promise.all(
          page.records.map((record) => this.#isTakenByAll(record, state.replicas[partition])),
        );
        if (this.#closed || taken.includes(false)) return false;
        for (const { value } of page.records) {
          counterMax = Math.max(counterMax, counterOf(decodeContext(value), writer.actor));
        }
        count += page.records.length;
        fromPosition = page.nextPosition;
      }
      if (count === 0) return true;
      // Another layout may have made this node a replica again, or others.
      if (topology().keyspaces.get(keyspace) !== state) return false;
      // Later events of these keys must not repeat the dots that are forgotten here, should they come back to this node.
      writer.counterMax = Math.max(writer.counterMax, counterMax);
      const isGone = await records.dropUnchanged(watched);
      if (isGone) this.handedOverCount += count;
      return isGone;
    } finally {
      records.watches.end(watched);
    }
  }

  #page(keyspace: number, partition: number, fromPosition: number) {
    return scanPage(this.#parts.engine, { keyspace, partition, fromPosition, countMax: pageCount });
  }

  async #isTakenByAll(
    { keyspace, key, value }: StoredRecord,
    replicas: readonly ReplicaPlace[],
  ): Promise<boolean> {
    const taken = await Promise.all(
      replicas.map(({ nodeId }) =>
        askStatus(this.#parts.requests, nodeId, (requestId) =>
          encodeKeyed(frameType.replicaPut, requestId, keyspace, key, value, value.length),
        ),
      ),
    );
    return !taken.includes(false);
  }

  /** For each partition whether nothing of it is held here, by somebody's view of the layout that is this node's as well. */
  async holdsNothing(keyspace: number, partitions: readonly number[]): Promise<boolean[]> {
    const answers: boolean[] = [];
    const state = this.#parts.topology().keyspaces.get(keyspace);
    for (const partition of partitions) {
      const isReplica = (state?.selfIndex[partition] ?? -1) >= 0;
      const request = { keyspace, partition, fromPosition: partitionStart(partition), countMax: 1 };
      answers.push(!isReplica && (await scanPage(this.#parts.engine, request)).records.length === 0);
    }
    if (answers.includes(false)) this.#parts.wake();
    return answers;
  }
}
