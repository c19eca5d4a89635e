/**
 * Runs one segment. Its partitions may have different replicas, so it is shared out: each partition to a node that replicates
 * it, to as few nodes as will do, one after the other.
 */
import type { RepairFigures } from '../../node-process/messages.ts';

export interface SegmentRun {
  readonly result: Promise<RepairFigures>;
  stop(): void;
}

type RunOn = (node: number, partitions: readonly number[]) => SegmentRun;

/** Node id → the partitions that it shall compare. */
export function sharesOf(
  partitions: readonly number[],
  replicasOf: (partition: number) => readonly number[],
): Map<number, number[]> {
  const shares = new Map<number, number[]>();
  let open = [...partitions];
  while (open.length > 0) {
    const counts = new Map<number, number>();
    for (const node of open.flatMap(replicasOf)) counts.set(node, (counts.get(node) ?? 0) + 1);
    // The one with the most; of equals the first, so that a retry goes the same way.
    const [best] = [...counts].sort((a, b) => b[1] - a[1]);
    if (best === undefined) break;
    const [node] = best;
    shares.set(
      node,
      open.filter((partition) => replicasOf(partition).includes(node)),
    );
    open = open.filter((partition) => !replicasOf(partition).includes(node));
  }
  return shares;
}

export function runSegment(shares: ReadonlyMap<number, readonly number[]>, runOn: RunOn): SegmentRun {
  let current: SegmentRun | null = null;
  let stopped = false;
  const run = async (): Promise<RepairFigures> => {
    const total = { keysDiffering: 0, recordsSent: 0, valueBytes: 0, treeBytes: 0 };
    for (const [node, partitions] of shares) {
      if (stopped) break;
      current = runOn(node, partitions);
      const figures = await current.result;
      total.keysDiffering += figures.keysDiffering;
      total.recordsSent += figures.recordsSent;
      total.valueBytes += figures.valueBytes;
      total.treeBytes += figures.treeBytes;
    }
    return total;
  };
  return {
    result: run(),
    stop() {
      stopped = true;
      current?.stop();
    },
  };
}
