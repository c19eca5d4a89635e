/** Pure bookkeeping of a repair job: its segments, who is concerned by one, and the figures that follow from them. */
import { partitionCount } from '../../base/token.ts';
import type { RepairJob, RepairSegment } from '../../contract/repair-views.ts';
import type { Layout } from '../../layout/layout.ts';
import { placementOf } from '../../ring/ring.ts';

const segmentsPerNode = 64;
export const coverageCells = 64;

/** Neighbouring partitions in equal runs, about 64 for each node. */
export function segmentsOf(layout: Layout, firstPartition: number, lastPartition: number): RepairSegment[] {
  const count = lastPartition - firstPartition + 1;
  const length = Math.max(1, Math.ceil(count / (segmentsPerNode * layout.nodes.length)));
  const segments: RepairSegment[] = [];
  for (let first = firstPartition; first <= lastPartition; first += length) {
    segments.push({
      firstPartition: first,
      lastPartition: Math.min(lastPartition, first + length - 1),
      state: 'open',
      differences: 0,
      attempts: 0,
      reason: '',
    });
  }
  return segments;
}

export function partitionsOf({ firstPartition, lastPartition }: RepairSegment): number[] {
  return Array.from({ length: lastPartition - firstPartition + 1 }, (_, index) => firstPartition + index);
}

/** Replicas (node ids) of each partition of a keyspace in the chosen data centers; empty choice: all. */
export function replicasOf(layout: Layout, keyspace: string, dataCenters: readonly string[]): number[][] {
  const factors = layout.keyspaces.find((candidate) => candidate.name === keyspace)?.factors ?? {};
  const isChosen = (dataCenter: string) => dataCenters.length === 0 || dataCenters.includes(dataCenter);
  return placementOf(layout.rings, layout.nodes, (dataCenter) =>
    isChosen(dataCenter) ? (factors[dataCenter] ?? 0) : 0,
  );
}

export function isOver(job: RepairJob): boolean {
  return job.state === 'done' || job.state === 'failed' || job.state === 'cancelled';
}

/** The newest moment at which each of 64 ranges had been compared as a whole. */
export function coverageOf(comparedAtMs: readonly (number | null)[]): (number | null)[] {
  const width = partitionCount / coverageCells;
  return Array.from({ length: coverageCells }, (_, cell) => {
    const times = comparedAtMs.slice(cell * width, (cell + 1) * width);
    return times.includes(null) ? null : Math.min(...(times as number[]));
  });
}
