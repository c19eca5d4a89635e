/**
 * Records of partitions that this node does not replicate any more, after a change of the layout: they may hold what no present
 * replica has, and an old value among them could come back to life later. So each is handed to every present replica, and
 * forgotten here once all have it durably. Nodes that gained a partition ask here until nothing is left (`holdsNothing`).
 */
import { addressOf, partitionCount, partitionStart } from '../../base/token.ts';
import { scanPage } from '../../ports/scan-page.ts';
import type { StorageEngine, StoredRecord } from '../../ports/storage-engine.ts';
import type { Worker, WorkerProgress } from '../../ports/worker.ts';
import { decodeContext } from '../../versions/record-codec.ts';
import { counterOf } from '../../versions/version-set.ts';
import { encodeKeyed, frameType } from '../../wire/peer/frames.ts';
import type { Writer } from '../parts.ts';
import { askStatus, type Requests } from '../requests.ts';
import type { Topology } from '../topology.ts';
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
    let left = 0;
    try {
      for (const { settings, selfIndex } of this.#parts.topology().keyspaces.values()) {
        for (let partition = 0; partition < partitionCount && !this.#closed; partition++) {
          if (selfIndex[partition] >= 0) continue;
          this.#partition = partition;
          left += await this.#handOverAll(settings.id, partition);
        }
      }
    } finally {
      this.#partition = null;
    }
    return left > 0 ? retryAfterMs : lookAgainMs;
  }

  /** Resolves with how many records are left. */
  async #handOverAll(keyspace: number, partition: number): Promise<number> {
    let left = 0;
    let fromPosition: number | null = partitionStart(partition);
    while (fromPosition !== null && !this.#closed) {
      const page = await this.#page(keyspace, partition, fromPosition);
      const outcomes = await Promise.all(
        page.records.map((record) => this.#handOver(keyspace, partition, record)),
      );
      left += outcomes.filter((done) => !done).length;
      fromPosition = page.nextPosition;
    }
    return left;
  }

  #page(keyspace: number, partition: number, fromPosition: number) {
    return scanPage(this.#parts.engine, { keyspace, partition, fromPosition, countMax: pageCount });
  }

  async #handOver(keyspace: number, partition: number, { key, value }: StoredRecord): Promise<boolean> {
    const { requests, records, topology, writer } = this.#parts;
    const state = topology().keyspaces.get(keyspace);
    // Dropped, or ours again: nothing to hand over.
    if (state === undefined || state.selfIndex[partition] >= 0) return true;
    const taken = await Promise.all(
      state.replicas[partition].map(({ nodeId }) =>
        askStatus(requests, nodeId, (requestId) =>
          encodeKeyed(frameType.replicaPut, requestId, keyspace, key, value, value.length),
        ),
      ),
    );
    if (taken.includes(false) || topology().keyspaces.get(keyspace) !== state) return false;
    const address = addressOf(keyspace, key);
    const isSame = (current: Buffer) => {
      if (!current.equals(value)) return false;
      // Later events of this key must not repeat the dots that are forgotten here, should it come back to this node.
      writer.counterMax = Math.max(writer.counterMax, counterOf(decodeContext(current), writer.actor));
      return true;
    };
    const removed = await new Promise<boolean>((resolve) =>
      records.removeIf(address, isSame, (error, done) => resolve(error === null && done)),
    );
    if (removed) this.handedOverCount++;
    return removed;
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
