/**
 * Records of partitions that this node does not replicate any more, after a change of the layout: they may hold what no present
 * replica has, and an old value among them could come back to life later. So they are compared with every present replica, which
 * gets what it lacks; once all have all of a partition, it is forgotten here as a whole. Nodes that gained a partition ask here
 * until nothing is left (`holdsNothing`).
 */
import { addTo } from '../../base/grouping.ts';
import { partitionCount, partitionStart } from '../../base/token.ts';
import { scanPage } from '../../ports/scan-page.ts';
import type { ScanResult, StorageEngine } from '../../ports/storage-engine.ts';
import type { Worker, WorkerProgress } from '../../ports/worker.ts';
import { decodeContext } from '../../versions/record-codec.ts';
import { counterOf } from '../../versions/version-set.ts';
import type { Writer } from '../parts.ts';
import type { KeyspaceState, Topology } from '../topology.ts';
import type { LocalRecords } from './local-records.ts';
import type { PartitionWatch } from './partition-watches.ts';

/** Until replicas that could not be reached are asked again. */
const retryAfterMs = 1_000;
/** A change that was under way when the layout came may leave something behind later: looked for this often. */
const lookAgainMs = 60_000;
/** Partitions compared with a replica at a time. */
const batchCount = 64;
const pageCount = 256;

interface Components {
  readonly engine: StorageEngine;
  readonly records: LocalRecords;
  readonly writer: Writer;
  readonly topology: () => Topology;
  /** Resolves with the partitions of which the peer has all that is held here. */
  readonly give: (
    keyspace: number,
    partitions: readonly number[],
    peer: number,
  ) => Promise<readonly number[]>;
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
  /** Records forgotten since the start, after all replicas had them. */
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
    const { nodes, self } = this.#parts.topology();
    // Nobody asks a node that left the cluster about what others forget: what it still has must not come back.
    if (!nodes.has(self.id)) return lookAgainMs;
    let isAllGone = true;
    try {
      for (const state of this.#parts.topology().keyspaces.values()) {
        let batch: number[] = [];
        for (let partition = 0; partition < partitionCount && !this.#closed; partition++) {
          this.#partition = partition;
          if (state.selfIndex[partition] < 0 && !(await this.#isEmpty(state.settings.id, partition))) {
            batch.push(partition);
          }
          const isFull = batch.length >= batchCount || partition === partitionCount - 1;
          if (!isFull || batch.length === 0) continue;
          if (!(await this.#handOver(state, batch))) isAllGone = false;
          batch = [];
        }
      }
    } finally {
      this.#partition = null;
    }
    return isAllGone ? lookAgainMs : retryAfterMs;
  }

  async #isEmpty(keyspace: number, partition: number): Promise<boolean> {
    const request = { keyspace, partition, fromPosition: partitionStart(partition), countMax: 1 };
    return (await scanPage(this.#parts.engine, request)).records.length === 0;
  }

  /** Resolves with whether nothing of these partitions is left here. */
  async #handOver(state: KeyspaceState, partitions: readonly number[]): Promise<boolean> {
    const keyspace = state.settings.id;
    const { records, give, topology } = this.#parts;
    const watches = new Map(
      partitions.map((partition) => [partition, records.watches.begin(keyspace, partition)]),
    );
    try {
      const byPeer = new Map<number, number[]>();
      for (const partition of partitions) {
        for (const { nodeId } of state.replicas[partition]) addTo(byPeer, nodeId, partition);
      }
      const lacking = new Set<number>();
      for (const [peer, wanted] of byPeer) {
        const given = new Set(await give(keyspace, wanted, peer));
        for (const partition of wanted) if (!given.has(partition)) lacking.add(partition);
      }
      let isAllGone = true;
      for (const [partition, watch] of watches) {
        // Another layout may have made this node a replica again, or others.
        const isSame = topology().keyspaces.get(keyspace) === state;
        const isGone = !lacking.has(partition) && isSame && (await this.#forget(watch));
        if (!isGone) isAllGone = false;
      }
      return isAllGone;
    } finally {
      for (const watch of watches.values()) records.watches.end(watch);
    }
  }

  async #forget(watch: PartitionWatch): Promise<boolean> {
    const { engine, records, writer } = this.#parts;
    const { keyspace, partition } = watch;
    let count = 0;
    let counterMax = 0;
    for (let from: number | null = partitionStart(partition); from !== null && !this.#closed; ) {
      const request = { keyspace, partition, fromPosition: from, countMax: pageCount };
      const page: ScanResult = await scanPage(engine, request);
      for (const { value } of page.records) {
        counterMax = Math.max(counterMax, counterOf(decodeContext(value), writer.actor));
      }
      count += page.records.length;
      from = page.nextPosition;
    }
    if (this.#closed) return false;
    // Later events of these keys must not repeat the dots that are forgotten here, should they come back to this node.
    writer.counterMax = Math.max(writer.counterMax, counterMax);
    const isGone = await records.dropUnchanged(watch);
    if (isGone) this.handedOverCount += count;
    return isGone;
  }

  /** For each partition whether nothing of it is held here, by somebody's view of the layout that is this node's as well. */
  async holdsNothing(keyspace: number, partitions: readonly number[]): Promise<boolean[]> {
    const answers: boolean[] = [];
    const state = this.#parts.topology().keyspaces.get(keyspace);
    for (const partition of partitions) {
      const isReplica = (state?.selfIndex[partition] ?? -1) >= 0;
      answers.push(!isReplica && (await this.#isEmpty(keyspace, partition)));
    }
    if (answers.includes(false)) this.#parts.wake();
    return answers;
  }
}
