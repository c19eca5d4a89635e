/** One staged change: what a person asked for, with everything that was drawn for it, and the layout that follows from several. Pure. */
import { z } from 'zod';
import { plainLine } from '../../base/plain-text.ts';
import { listOf } from '../../base/words.ts';
import { type LayoutChange, layoutChange } from '../../contract/layout-views.ts';
import {
  addNodes,
  freeNodeNames,
  moveNode,
  removeDataCenter,
  removeNode,
  renameDataCenter,
  replaceNode,
  weighNode,
} from '../../layout/changes.ts';
import { type Layout, type LayoutComputer, type LayoutNode, nextLayout } from '../../layout/layout.ts';
import type { Random } from '../../ports/random.ts';

/** A change with everything that was drawn for it. */
export interface Staged {
  readonly change: LayoutChange;
  readonly nodes: readonly { readonly id: number; readonly name: string; readonly computer: string }[];
  readonly computers: readonly LayoutComputer[];
}

export const stagedSchema = z.object({
  change: layoutChange,
  nodes: z.array(z.object({ id: z.number(), name: z.string(), computer: z.string() })),
  computers: z.array(
    z.object({ id: z.string(), name: z.string(), dataCenter: z.string(), key: z.string().optional() }),
  ),
});

/** All staged changes as one next layout: one version, however many they are. */
export function fold(layout: Layout, digest: string, staged: readonly Staged[]): Layout {
  const last = staged.reduce((next, one) => changed(next, one), layout);
  const { version, parent, placed, placedKey, ...facts } = last;
  return nextLayout(layout, digest, facts);
}

function changed(layout: Layout, { change, nodes, computers }: Staged): Layout {
  switch (change.kind) {
    case 'add-nodes': {
      const dataCenter =
        change.dataCenter ??
        [...computers, ...layout.computers].find(({ id }) => id === nodes[0].computer)!.dataCenter;
      const added = nodes.map((node): LayoutNode => ({ ...node, dataCenter, weight: change.weight }));
      return addNodes(layout, '', added, computers);
    }
    case 'remove-node':
      return removeNode(layout, '', change.node, change.dead);
    case 'replace-node':
      return replaceNode(layout, '', change.node, nodes[0], computers);
    case 'weigh-node':
      return weighNode(layout, '', change.node, change.weight);
    case 'move-node':
      return moveNode(layout, '', change.node, change.dataCenter);
    case 'remove-data-center':
      return removeDataCenter(layout, '', change.dataCenter);
    case 'rename-data-center':
      return renameDataCenter(layout, '', change.dataCenter, change.to);
  }
}

export function inWords({ change, nodes }: Staged): string {
  switch (change.kind) {
    case 'add-nodes':
      return `Add ${listOf(nodes.map(({ name }) => name))}${change.computer === undefined ? '' : ` on ${plainLine(change.computer)}`}${change.dataCenter === undefined ? '' : ` in ${change.dataCenter}`}${change.weight === 1 ? '' : ` with weight ${change.weight}`}`;
    case 'remove-node':
      return change.dead ? `Give up ${change.node} for dead` : `Remove ${change.node}`;
    case 'replace-node':
      return `Replace ${change.node} by ${nodes[0].name}`;
    case 'weigh-node':
      return `Give ${change.node} the weight ${change.weight}`;
    case 'move-node':
      return `Move ${change.node} to ${change.dataCenter}`;
    case 'remove-data-center':
      return `Remove the data center ${change.dataCenter}`;
    case 'rename-data-center':
      return `Rename the data center ${change.dataCenter} to ${change.to}`;
  }
}

/** Ids and names for new nodes that none of those `known` has. */
export function drawNodes(
  known: readonly Pick<LayoutNode, 'id' | 'name'>[],
  random: Random,
  { count, computer }: { count: number; computer: string },
): Staged['nodes'] {
  const taken = new Set(known.map(({ id }) => id));
  const drawId = (): number => {
    const id = Buffer.from(random.bytes(4)).readUInt32BE();
    return taken.has(id) ? drawId() : id;
  };
  const names = freeNodeNames(new Set(known.map(({ name }) => name)), count);
  return names.map((name) => ({ id: drawId(), name, computer }));
}
