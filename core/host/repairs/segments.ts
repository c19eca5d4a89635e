/** Pure bookkeeping of a repair job: its segments, who is concerned by one, and the figures that follow from them. */
import { partitionCount } from '../../base/token.ts';
import type { RepairJob, RepairSegment } from '../../contract/repair-views.ts';
import type { Layout } from '../../layout/layout.ts';
import { factorsKey, LayoutMemo } from '../../layout/layout-memo.ts';
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

/** Node ids by partition. */
type Placement = readonly (readonly number[])[];

const choicesMax = 64;
const knownReplicas = new LayoutMemo<Placement>(choicesMax);

/** Replicas (node ids) of each partition of a keyspace in the chosen data centers; empty choice: all. Remembered. */
export function replicasOf(layout: Layout, keyspace: string, dataCenters: readonly string[]): Placement {
  const factors = layout.keyspaces.find((candidate) => candidate.name === keyspace)?.factors ?? {};
  const isChosen = (dataCenter: string) => dataCenters.length === 0 || dataCenters.includes(dataCenter);
  const chosen = Object.fromEntries(Object.entries(factors).filter(([dataCenter]) => isChosen(dataCenter)));
  return knownReplicas.of(layout, factorsKey(layout, chosen), () =>
    placementOf(layout.rings, layout.nodes, (dataCenter) => chosen[dataCenter] ?? 0),
  );
}

/** The replicas of a segment, found once for each placement. */
export class SegmentReplicas {
  readonly #known = new WeakMap<RepairSegment, { placement: Placement; replicas: readonly number[] }>();

  of(segment: RepairSegment, placement: Placement): readonly number[] {
    const known = this.#known.get(segment);
    if (known?.placement === placement) return known.replicas;
    const replicas = [...new Set(partitionsOf(segment).flatMap((partition) => placement[partition]))];
    this.#known.set(segment, { placement, replicas });
    return replicas;
  }
}

/** All replicas of the segment, which is done, hold the same. A part of the replicas, or a count alone, leaves the range as it was. */
export function isWhole({ dataCenters, dryRun }: RepairJob, { differences }: RepairSegment): boolean {
  return dataCenters.length === 0 && (!dryRun || differences === 0);
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
