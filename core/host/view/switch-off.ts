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

/** What is known of the nodes. Of 1,024 by keyspace: partitions in which a node that is up takes writes and answers no reads. */
export interface NodesNow {
  isUp(nodeId: number): boolean;
  lostPartitionsOf(nodeId: number): number;
}

/** `live`: oldest first. Throws `not-found` for what is not there. */
export function switchOff(
  live: readonly Layout[],
  { kind, name }: SwitchOffQuestion,
  { isUp, lostPartitionsOf }: NodesNow,
): SwitchOffAnswer {
  const nodes = [...nodesOf(live).values()];
  const goes = nodes.filter((node) => nameOf(live, node, kind) === name);
  if (goes.length === 0) {
    throw new CoterieError('not-found', `No ${kind.replace('-', ' ')} of this cluster is called "${name}".`);
  }
  const going = new Set(goes.map(({ id }) => id));
  const away = nodes.filter(({ id }) => !going.has(id) && !isUp(id));
  const rebuilding = nodes.filter(({ id }) => !going.has(id) && isUp(id) && lostPartitionsOf(id) > 0);
  // Which partitions these are is known to the nodes alone, but not more than they lack: a few lost records must not look like
  // the loss of everything.
  const lostCount = rebuilding.reduce((sum, { id }) => sum + lostPartitionsOf(id), 0);
  const rebuilds = new Set(rebuilding.map(({ id }) => id));
  const isAway = (nodeId: number) => going.has(nodeId) || !isUp(nodeId);
  const stopped = live[live.length - 1].keyspaces
    .map(({ id, name }) => {
      const outages = live.flatMap((layout) =>
        layout.keyspaces
          .filter((one) => one.id === id)
          .map((one) => {
            const { unreadable, unwritable } = outageOf(layout, one, isAway);
            if (lostCount === 0) return { unreadable, unwritable };
            const withoutThose = outageOf(layout, one, (nodeId) => isAway(nodeId) || rebuilds.has(nodeId));
            return { unreadable: Math.min(withoutThose.unreadable, unreadable + lostCount), unwritable };
          }),
      );
      return {
        keyspace: name,
        unreadable: Math.max(...outages.map(({ unreadable }) => unreadable)),
        unwritable: Math.max(...outages.map(({ unwritable }) => unwritable)),
      };
    })
    .filter(({ unreadable, unwritable }) => unreadable + unwritable > 0);
  return { nodes: namesOf(goes), alreadyAway: namesOf(away), rebuilding: namesOf(rebuilding), stopped };
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

function namesOf(nodes: readonly LayoutNode[]): string[] {
  return nodes.map(({ name }) => name);
}
