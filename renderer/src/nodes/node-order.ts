/** Among many nodes those that are not up come first; a few keep their places, so that nothing jumps. Pure. */
import type { NodeView } from '../../../core/contract/node-views.ts';

const fewMax = 12;

export function inReadingOrder(nodes: readonly NodeView[]): readonly NodeView[] {
  if (nodes.length <= fewMax) return nodes;
  return [...nodes.filter((node) => node.state !== 'up'), ...nodes.filter((node) => node.state === 'up')];
}
