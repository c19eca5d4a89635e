/** The other computers and their nodes, by the layouts that count. */
import { admittedComputers } from '../../layout/admission.ts';
import { type LiveLayout, nodesOf } from '../../layout/history.ts';
import type { LayoutComputer, LayoutNode } from '../../layout/layout.ts';
import type { NodeHandle } from '../nodes/node-handle.ts';
import { type NodesHost, RemoteNode } from './remote-node.ts';

/** What follows from the layouts that count: reckoned once for each, because it is asked for with every node's figures. */
export interface KnownCluster {
  readonly live: readonly LiveLayout[];
  /** Those of other computers alone. */
  readonly computers: readonly LayoutComputer[];
  readonly idOfKey: ReadonlyMap<string, string>;
  /** Of all computers, by id. */
  readonly nodes: ReadonlyMap<number, LayoutNode>;
  readonly elsewhere: readonly NodeHandle[];
}

export function knownOf(
  live: readonly LiveLayout[],
  own: ReadonlySet<string>,
  hostOf: (computer: LayoutComputer) => NodesHost,
): KnownCluster {
  const all = live.map(({ layout }) => layout);
  const computers = admittedComputers(all).filter(({ id }) => !own.has(id));
  const nodes = nodesOf(all);
  const hosts = new Map(computers.map((computer) => [computer.id, hostOf(computer)]));
  const elsewhere = [...nodes.values()].flatMap((node) => {
    const host = hosts.get(node.computer);
    return host === undefined ? [] : [new RemoteNode(node, host)];
  });
  // The first of those that one key plays is its own.
  const idOfKey = new Map(
    computers.toReversed().flatMap(({ id, key }) => (key === undefined ? [] : [[key, id]])),
  );
  return { live, computers, idOfKey, nodes, elsewhere };
}
