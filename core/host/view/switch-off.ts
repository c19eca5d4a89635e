/**
 * Whether a node, a computer or a data center can be switched off now, by the layouts that count and what is up. While data moves
 * there are several of those: a write has to meet its level in each of them, and reads may go by any. Pure.
 */
import { CoterieError } from '../../base/errors.ts';
import { plainLine } from '../../base/plain-text.ts';
import type { SwitchOffAnswer, SwitchOffQuestion } from '../../contract/switch-off.ts';
import { nodesOf } from '../../layout/history.ts';
import type { Layout, LayoutNode } from '../../layout/layout.ts';
import { outageOf } from '../../layout/survival.ts';

/** `live`: oldest first. Throws `not-found` for what is not there. */
export function switchOff(
  live: readonly Layout[],
  { kind, name }: SwitchOffQuestion,
  isUp: (nodeId: number) => boolean,
): SwitchOffAnswer {
  const nodes = [...nodesOf(live).values()];
  const goes = nodes.filter((node) => nameOf(live, node, kind) === name);
  if (goes.length === 0) {
    throw new CoterieError('not-found', `No ${kind.replace('-', ' ')} of this cluster is called "${name}".`);
  }
  const going = new Set(goes.map(({ id }) => id));
  const away = nodes.filter(({ id }) => !going.has(id) && !isUp(id));
  const isAway = (nodeId: number) => going.has(nodeId) || !isUp(nodeId);
  const stopped = live[live.length - 1].keyspaces
    .map(({ id, name }) => {
      const outages = live.flatMap((layout) =>
        layout.keyspaces.filter((one) => one.id === id).map((one) => outageOf(layout, one, isAway)),
      );
      return {
        keyspace: name,
        unreadable: Math.max(...outages.map(({ unreadable }) => unreadable)),
        unwritable: Math.max(...outages.map(({ unwritable }) => unwritable)),
      };
    })
    .filter(({ unreadable, unwritable }) => unreadable + unwritable > 0);
  return { nodes: goes.map((node) => node.name), alreadyAway: away.map((node) => node.name), stopped };
}

function nameOf(
  live: readonly Layout[],
  node: LayoutNode,
  kind: SwitchOffQuestion['kind'],
): string | undefined {
  if (kind === 'node') return node.name;
  if (kind === 'data-center') return node.dataCenter;
  const computers = live.flatMap((layout) => layout.computers);
  // As the page and the command line show it.
  return plainLine(computers.find(({ id }) => id === node.computer)?.name ?? node.computer);
}
