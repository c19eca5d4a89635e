/** The other computers and their nodes, by the layouts that count. */
import { productVersion } from '../../base/version.ts';
import { admittedComputers } from '../../layout/admission.ts';
import { type LiveLayout, nodesOf } from '../../layout/history.ts';
import type { LayoutComputer, LayoutNode } from '../../layout/layout.ts';
import type { NodeHandle } from '../nodes/node-handle.ts';
import { OtherComputer } from './other-computer.ts';
import { type NodesHost, RemoteNode } from './remote-node.ts';

/** What follows from the layouts that count: reckoned once for each, because it is asked for with every node's figures. */
export interface KnownCluster {
  readonly live: readonly LiveLayout[];
  /** Those of other computers alone. */
  readonly computers: readonly LayoutComputer[];
  readonly idOfKey: ReadonlyMap<string, string>;
  /** From keys that computers are about to go by to those that they go by. */
  readonly keyOfNext: ReadonlyMap<string, string>;
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
  const keyOfNext = new Map(
    computers.flatMap(({ key, nextKey }) =>
      key === undefined || nextKey === undefined ? [] : [[nextKey, key] as const],
    ),
  );
  return { live, computers, idOfKey, keyOfNext, nodes, elsewhere };
}

/** Those of before by the keys that count now: one that goes by another key is the same. `before`: what was known then. */
export function followed(
  others: ReadonlyMap<string, OtherComputer>,
  before: KnownCluster,
  now: KnownCluster,
  nowMs: number,
): Map<string, OtherComputer> {
  const keyBefore = new Map(before.computers.map(({ id, key }) => [id, key ?? '']));
  const next = new Map<string, OtherComputer>();
  for (const { id, key } of now.computers) {
    if (key === undefined || next.has(key)) continue;
    const known = others.get(key) ?? others.get(keyBefore.get(id) ?? '');
    next.set(key, known ?? new OtherComputer(key, nowMs));
  }
  return next;
}

/** Other computers that are not known to have heard of the newest layout, by what each told last of itself. */
export function notHeardBy(
  others: ReadonlyMap<string, OtherComputer>,
  { computers, live }: KnownCluster,
): LayoutComputer[] {
  const { layout, digest } = live[live.length - 1];
  return computers.filter(({ key }) => {
    const news = others.get(key ?? '')?.news;
    // One of another version does not know what the layout says of keys.
    if (news?.version !== productVersion || news.layout.digest !== digest) return true;
    return news.nodes.some(
      ({ status, layouts }) => status.state === 'up' && (layouts?.version ?? 0) < layout.version,
    );
  });
}
