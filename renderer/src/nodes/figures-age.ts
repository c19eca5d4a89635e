/** How old a node's figures are: paused and silent nodes keep their last ones, which must not pass for present. Pure. */
import type { NodeFigures, NodeView } from '../../../core/contract/node-views.ts';

/** Nodes measure once a second. */
const freshMs = 6000;

/** Milliseconds since the measurement when that is worth saying; null for fresh figures and for none. */
export function oldAgeOf({ figures }: NodeView, nowMs: number): number | null {
  if (figures === null) return null;
  const ageMs = nowMs - figures.measuredAtMs;
  return ageMs > freshMs ? ageMs : null;
}

/** Figures that are about as new as the newest: what sums over the cluster may count. */
export function presentFigures(nodes: readonly NodeView[]): NodeFigures[] {
  const figures = nodes.flatMap((node) => (node.figures === null ? [] : [node.figures]));
  const newest = Math.max(...figures.map((one) => one.measuredAtMs));
  return figures.filter((one) => newest - one.measuredAtMs <= freshMs);
}
