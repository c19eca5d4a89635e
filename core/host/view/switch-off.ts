/** Whether a node, a computer or a data center can be switched off now, by the layout and what is up. Pure. */
import { CoterieError } from '../../base/errors.ts';
import type { SwitchOffAnswer, SwitchOffQuestion } from '../../contract/switch-off.ts';
import type { Layout, LayoutNode } from '../../layout/layout.ts';
import { outageOf } from '../../layout/survival.ts';

/** Throws `not-found` for what is not there. */
export function switchOff(
  layout: Layout,
  { kind, name }: SwitchOffQuestion,
  isUp: (nodeId: number) => boolean,
): SwitchOffAnswer {
  const goes = layout.nodes.filter((node) => nameOf(layout, node, kind) === name);
  if (goes.length === 0) {
    throw new CoterieError('not-found', `No ${kind.replace('-', ' ')} of this cluster is called "${name}".`);
  }
  const going = new Set(goes.map(({ id }) => id));
  const away = layout.nodes.filter(({ id }) => !going.has(id) && !isUp(id));
  const isAway = (nodeId: number) => going.has(nodeId) || !isUp(nodeId);
  const stopped = layout.keyspaces
    .map((keyspace) => ({ keyspace: keyspace.name, ...outageOf(layout, keyspace, isAway) }))
    .filter(({ unreadable, unwritable }) => unreadable + unwritable > 0);
  return { nodes: goes.map((node) => node.name), alreadyAway: away.map((node) => node.name), stopped };
}

function nameOf(layout: Layout, node: LayoutNode, kind: SwitchOffQuestion['kind']): string | undefined {
  if (kind === 'node') return node.name;
  if (kind === 'data-center') return node.dataCenter;
  return layout.computers.find(({ id }) => id === node.computer)?.name;
}
