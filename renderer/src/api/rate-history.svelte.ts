/**
 * Operations per second of the whole cluster over the last minutes, kept by the page. A moment without measurements is a
 * gap (null), never zero.
 */
import type { NodeView } from '../../../core/contract/node-views.ts';

export interface RatePoint {
  readonly atMs: number;
  readonly reads: number | null;
  readonly writes: number | null;
}

const pointCountMax = 300;
const freshMs = 5000;

export class RateHistory {
  points = $state.raw<readonly RatePoint[]>([]);

  /** `nodes` null: not connected. */
  sample(nowMs: number, nodes: readonly NodeView[] | null): void {
    const fresh = (nodes ?? []).flatMap(({ figures }) =>
      figures !== null && nowMs - figures.measuredAtMs < freshMs ? [figures] : [],
    );
    const measured = fresh.length > 0;
    const point: RatePoint = {
      atMs: nowMs,
      reads: measured ? fresh.reduce((sum, figures) => sum + figures.readsPerSecond, 0) : null,
      writes: measured ? fresh.reduce((sum, figures) => sum + figures.writesPerSecond, 0) : null,
    };
    this.points = [...this.points, point].slice(-pointCountMax);
  }
}
