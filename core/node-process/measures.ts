/** What a node measures for those who watch it with other tools, reckoned once a second beside its figures. */
import type { NodeMeasures } from '../contract/node-measures.ts';
import type { RespServer } from '../gateway/resp/server.ts';
import type { StorageNode } from '../node/storage-node.ts';
import { DiskSpace, spaceOf } from '../platform/disk-space.ts';
import type { Clock } from '../ports/clock.ts';
import type { EngineStatistics } from '../ports/storage-engine.ts';

/** For what costs more than a look: the file system, and the age of every comparison. */
const slowEveryMs = 5_000;

export class Measures {
  readonly #node: StorageNode;
  readonly #resp: Pick<RespServer, 'queues'>;
  readonly #clock: Clock;
  readonly #space: DiskSpace;
  #repair: NodeMeasures['repair'] | null = null;
  #repairMs = 0;

  constructor(
    { node, resp, clock }: { node: StorageNode; resp: Pick<RespServer, 'queues'>; clock: Clock },
    folder: string,
  ) {
    this.#node = node;
    this.#resp = resp;
    this.#clock = clock;
    this.#space = new DiskSpace({ clock, ask: () => spaceOf(folder) }, slowEveryMs);
  }

  take(storage: EngineStatistics): NodeMeasures {
    const { parts, store, repair } = this.#node;
    const { counters, requests } = parts;
    const { recordsReceived, valueBytes } = repair.rebuildFigures();
    return {
      operations: store.operations.list(),
      fileSystem: this.#space.now(),
      queues: {
        ...this.#resp.queues(),
        ...{ requests: requests.pendingCount, storageBytes: storage.pendingBytes },
      },
      deadRecords: this.#node.deadRecordsOf(storage),
      siblings: { reads: counters.siblingReads, writes: counters.siblingWrites },
      damage: { segments: storage.quarantinedSegmentCount, records: counters.damagedRecords },
      repair: this.#repairFigures(),
      rebuild: { recordsReceived, valueBytes },
      speculativeRetries: counters.speculativeRetries,
      forwarded: counters.forwarded,
    };
  }

  #repairFigures(): NodeMeasures['repair'] {
    const nowMs = this.#clock.monotonicMs();
    if (this.#repair !== null && nowMs - this.#repairMs < slowEveryMs) return this.#repair;
    const figures = this.#node.repair.figures();
    const { totals, exchangeCount, failedCount, unsettledKeys, oldestComparisonMs } = figures;
    this.#repairMs = nowMs;
    this.#repair = {
      ...{ exchanges: exchangeCount, failures: failedCount, unsettledKeys, oldestComparisonMs },
      partitionsCompared: totals.partitionsCompared,
      partitionsDiffering: totals.partitionsDiffering,
      keysDiffering: totals.keysDiffering,
      recordsSent: totals.recordsSent,
      recordsReceived: totals.recordsReceived,
      valueBytes: totals.valueBytes,
      treeBytes: totals.treeBytes,
    };
    return this.#repair;
  }
}
