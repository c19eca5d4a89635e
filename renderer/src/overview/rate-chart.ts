/** Paths of the operations chart. A point without measurement ends the line; it goes on after the gap. Pure. */
import type { RatePoint } from '../api/rate-history.svelte.ts';

export const chartWidth = 600;
export const chartHeight = 120;

/** The next round number above, so that the scale does not jump with each point. */
export function scaleMax(points: readonly RatePoint[]): number {
  const highest = Math.max(1, ...points.map(({ reads, writes }) => Math.max(reads ?? 0, writes ?? 0)));
  const magnitude = 10 ** Math.floor(Math.log10(highest));
  return [1, 2, 5, 10].map((step) => step * magnitude).find((candidate) => candidate >= highest) ?? highest;
}

export function linePath(
  points: readonly RatePoint[],
  line: 'reads' | 'writes',
  range: { fromMs: number; toMs: number; max: number },
): string {
  let path = '';
  let open = false;
  for (const point of points) {
    const value = point[line];
    if (value === null) {
      open = false;
      continue;
    }
    const x = ((point.atMs - range.fromMs) / (range.toMs - range.fromMs)) * chartWidth;
    const y = chartHeight - (value / range.max) * (chartHeight - 4);
    path += `${open ? 'L' : 'M'}${x.toFixed(1)} ${y.toFixed(1)}`;
    open = true;
  }
  return path;
}

export interface RateRow {
  readonly fromMs: number;
  readonly reads: number | null;
  readonly writes: number | null;
}

/** Means over spans of `spanMs`, newest first: the chart's twin. */
export function rateRows(points: readonly RatePoint[], spanMs: number): RateRow[] {
  const spans = new Map<number, RatePoint[]>();
  for (const point of points) {
    const fromMs = Math.floor(point.atMs / spanMs) * spanMs;
    const span = spans.get(fromMs) ?? [];
    span.push(point);
    spans.set(fromMs, span);
  }
  const mean = (span: readonly RatePoint[], line: 'reads' | 'writes'): number | null => {
    const measured = span.flatMap((point) => (point[line] === null ? [] : [point[line]]));
    return measured.length === 0 ? null : measured.reduce((sum, value) => sum + value, 0) / measured.length;
  };
  return [...spans]
    .map(([fromMs, span]) => ({ fromMs, reads: mean(span, 'reads'), writes: mean(span, 'writes') }))
    .reverse();
}
