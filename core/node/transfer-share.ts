/** How much of its time a node may spend on moving data while clients are served. Pure. */
import type { Intensity } from '../base/levels.ts';
import type { Layout } from '../layout/layout.ts';

/** Of all processors of a computer, whatever the number of nodes on it. */
const shares: Readonly<Record<Intensity, number>> = { gentle: 1 / 10, normal: 1 / 3, fast: 1 };

/**
 * 0 to 1. A node works on one processor at a time; where a computer has more nodes than processors, they share what its clients
 * leave, or all of them moving data together would leave nothing. `fast` asks for no such care.
 */
export function transferShare(layout: Layout, nodeId: number, processors: number): number {
  const share = shares[layout.transfer ?? 'normal'];
  const own = layout.nodes.find(({ id }) => id === nodeId);
  const beside = layout.nodes.filter(({ computer }) => computer === own?.computer).length;
  return share === 1 ? 1 : share * Math.min(1, processors / Math.max(1, beside));
}
