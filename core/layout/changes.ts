/**
 * What people change about the nodes of a cluster: each takes a layout and returns the next. Pure; ids and names are given. Arcs go
 * by the allocator, which moves nothing that need not move.
 */
import { CoterieError } from '../base/errors.ts';
import { plainLine } from '../base/plain-text.ts';
import { partitionCount } from '../base/token.ts';
import { hexId } from '../base/words.ts';
import { allocate } from '../ring/allocator.ts';
import { withKeys } from './key-change.ts';
import {
  checkName,
  type Layout,
  type LayoutComputer,
  type LayoutKeyspace,
  type LayoutNode,
  nextLayout,
  noDataCenter,
} from './layout.ts';
import { mustKeepOwner, roleIn, withRole } from './roles.ts';

export const nodeCountMax = 1_000;
export const weightMax = 100;
const endingMax = 64;

/** With these nodes; the rings of the data centers whose nodes changed are allocated anew from what they were. */
function withNodes(
  layout: Layout,
  digest: string,
  edited: Pick<Layout, 'nodes'> & Partial<Pick<Layout, 'computers' | 'gone'>>,
): Layout {
  const { nodes } = edited;
  const present = [...new Set(nodes.map(({ dataCenter }) => dataCenter))];
  const dataCenters = [
    ...layout.dataCenters.filter((name) => present.includes(name)),
    ...present.filter((name) => !layout.dataCenters.includes(name)),
  ];
  const facts = (all: readonly LayoutNode[], dataCenter: string) =>
    JSON.stringify(
      all
        .filter((node) => node.dataCenter === dataCenter)
        .map(({ id, computer, weight }) => [id, computer, weight]),
    );
  const rings = dataCenters.map((dataCenter) => {
    const old = layout.rings.find((ring) => ring.dataCenter === dataCenter);
    if (old !== undefined && facts(layout.nodes, dataCenter) === facts(nodes, dataCenter)) return old;
    const own = nodes.filter((node) => node.dataCenter === dataCenter);
    return { dataCenter, owners: allocate(old?.owners ?? null, own, partitionCount) };
  });
  const keyspaces = layout.keyspaces.map((keyspace) => without(keyspace, dataCenters));
  return nextLayout(layout, digest, { ...edited, dataCenters, keyspaces, rings });
}

/** A data center that is gone has no replicas. */
function without(keyspace: LayoutKeyspace, dataCenters: readonly string[]): LayoutKeyspace {
  const factors = Object.fromEntries(
    Object.entries(keyspace.factors).filter(([dataCenter]) => dataCenters.includes(dataCenter)),
  );
  if (Object.keys(factors).length === Object.keys(keyspace.factors).length) return keyspace;
  return { ...keyspace, factors, placement: (keyspace.placement ?? 0) + 1 };
}

export function nodeNamed(layout: Layout, name: string): LayoutNode {
  const found = layout.nodes.find((node) => node.name === name || hexId(node.id) === name);
  if (found !== undefined) return found;
  const names = layout.nodes.map((node) => node.name).join(', ');
  throw new CoterieError('not-found', `There is no node "${name}". This cluster has: ${names}.`);
}

/** Throws `not-found` with the names that there are. */
export function computerNamed(layout: Layout, name: string): LayoutComputer {
  const found = layout.computers.find((one) => plainLine(one.name) === name || one.id === name);
  if (found !== undefined) return found;
  const names = layout.computers.map((one) => plainLine(one.name)).join(', ');
  throw new CoterieError('not-found', `There is no computer "${name}". This cluster has: ${names}.`);
}

/** Names for new nodes; `taken`: those of every node that is still there, also of one that is leaving. */
export function freeNodeNames(taken: ReadonlySet<string>, count: number): string[] {
  const names: string[] = [];
  for (let number = 1; names.length < count; number++) {
    if (!taken.has(`node-${number}`)) names.push(`node-${number}`);
  }
  return names;
}

export function addNodes(
  layout: Layout,
  digest: string,
  nodes: readonly LayoutNode[],
  computers: readonly LayoutComputer[] = [],
): Layout {
  if (layout.nodes.length + nodes.length > nodeCountMax) {
    throw new CoterieError('too-large', `A cluster holds at most ${nodeCountMax} nodes.`);
  }
  for (const node of nodes) {
    checkName(node.dataCenter, 'The data center');
    checkName(node.name, 'The node');
    checkWeight(node.weight);
    if (layout.nodes.some(({ id, name }) => id === node.id || name === node.name)) {
      throw new CoterieError('conflict', `A node called "${node.name}" is there already.`);
    }
  }
  const gone = (layout.gone ?? []).filter((id) => !nodes.some((node) => node.id === id));
  return withNodes(layout, digest, {
    nodes: [...layout.nodes, ...nodes],
    computers: [...layout.computers, ...computers],
    gone,
  });
}

/** `isDead`: nobody waits for it, and what only it held is lost. Otherwise it hands over what it has first. */
export function removeNode(layout: Layout, digest: string, name: string, isDead: boolean): Layout {
  const { id } = nodeNamed(layout, name);
  const gone = isDead ? [...(layout.gone ?? []), id] : layout.gone;
  return keepNodes(layout, digest, (node) => node.id !== id, { gone, last: 'the last node' });
}

/** Computers go with their last node; one that had none stays, unless it is `out`. The last owner does not go. */
function keepNodes(
  layout: Layout,
  digest: string,
  isKept: (node: LayoutNode) => boolean,
  { gone, last, out }: { gone: Layout['gone']; last: string; out?: string },
): Layout {
  const nodes = layout.nodes.filter(isKept);
  if (nodes.length === 0) {
    throw new CoterieError('bad-input', `This is ${last}: without it there is no cluster.`);
  }
  const left = new Set(nodes.map(({ computer }) => computer));
  const before = new Set(layout.nodes.map(({ computer }) => computer));
  const computers = layout.computers.filter(({ id }) => left.has(id) || (!before.has(id) && id !== out));
  mustKeepOwner(layout, computers);
  return withNodes(layout, digest, { nodes, computers, gone });
}

/** A node takes the arcs of one that is dead: nothing else moves. */
export function replaceNode(
  layout: Layout,
  digest: string,
  name: string,
  by: Pick<LayoutNode, 'id' | 'name' | 'computer'>,
  computers: readonly LayoutComputer[] = [],
): Layout {
  const dead = nodeNamed(layout, name);
  return nextLayout(layout, digest, {
    nodes: layout.nodes.map((one) => (one === dead ? { ...dead, ...by } : one)),
    computers: [...layout.computers, ...computers],
    rings: layout.rings.map((ring) => ({
      ...ring,
      owners: ring.owners.map((owner) => (owner === dead.id ? by.id : owner)),
    })),
    gone: [...(layout.gone ?? []), dead.id],
  });
}

export function weighNode(layout: Layout, digest: string, name: string, weight: number): Layout {
  checkWeight(weight);
  const { id } = nodeNamed(layout, name);
  const nodes = layout.nodes.map((node) => (node.id === id ? { ...node, weight } : node));
  return withNodes(layout, digest, { nodes });
}

export function moveNode(layout: Layout, digest: string, name: string, dataCenter: string): Layout {
  checkName(dataCenter, 'The data center');
  const { id } = nodeNamed(layout, name);
  const nodes = layout.nodes.map((node) => (node.id === id ? { ...node, dataCenter } : node));
  return withNodes(layout, digest, { nodes });
}

/** With all of its nodes. `isDead`: as for a node. `newAuthority`: the authority ends once it is let in no more. */
export function removeComputer(
  layout: Layout,
  digest: string,
  id: string,
  { isDead, newAuthority = false }: { isDead: boolean; newAuthority?: boolean },
): Layout {
  const own = layout.nodes.filter(({ computer }) => computer === id).map((node) => node.id);
  const gone = isDead ? [...(layout.gone ?? []), ...own] : layout.gone;
  const last = 'the last computer';
  const before = newAuthority ? withAuthorityEnding(layout, id) : layout;
  return keepNodes(before, digest, (node) => node.computer !== id, { gone, last, out: id });
}

/** The latest are enough: an authority that has ended once ends no second time. */
function withAuthorityEnding(layout: Layout, id: string): Layout {
  const key = layout.computers.find((computer) => computer.id === id)?.key;
  if (key === undefined) return layout;
  return { ...layout, authorityEndsWith: [...(layout.authorityEndsWith ?? []), key].slice(-endingMax) };
}

export function removeDataCenter(layout: Layout, digest: string, dataCenter: string): Layout {
  mustHave(layout, dataCenter);
  return keepNodes(layout, digest, (node) => node.dataCenter !== dataCenter, {
    gone: layout.gone,
    last: 'the last data center',
  });
}

/** Nothing moves: the nodes, their arcs and the factors keep what they have. */
export function renameDataCenter(layout: Layout, digest: string, from: string, to: string): Layout {
  mustHave(layout, from);
  checkName(to, 'The data center');
  if (layout.dataCenters.includes(to)) {
    throw new CoterieError('conflict', `A data center called "${to}" is there already.`);
  }
  const renamed = (name: string) => (name === from ? to : name);
  const inIt = <T extends { readonly dataCenter: string }>(one: T): T => ({
    ...one,
    dataCenter: renamed(one.dataCenter),
  });
  return nextLayout(layout, digest, {
    dataCenters: layout.dataCenters.map(renamed),
    computers: layout.computers.map(inIt),
    nodes: layout.nodes.map(inIt),
    rings: layout.rings.map(inIt),
    keyspaces: layout.keyspaces.map((keyspace) => ({
      ...keyspace,
      factors: Object.fromEntries(
        Object.entries(keyspace.factors).map(([name, factor]) => [renamed(name), factor]),
      ),
    })),
  });
}

/** The nodes, arcs, computers and data centers of `before`. Keyspaces, roles and keys of computers stay as they are now. */
export function takenBack(layout: Layout, digest: string, before: Layout): Layout {
  const { nodes, rings, dataCenters, gone } = before;
  const present = new Map(layout.computers.map((computer) => [computer.id, computer]));
  const computers = before.computers.map((computer) => {
    const now = present.get(computer.id);
    if (now === undefined) return computer;
    return withRole(withKeys(computer, now), roleIn(layout, now));
  });
  mustKeepOwner(layout, computers);
  const factorsBefore = new Map(before.keyspaces.map((keyspace) => [keyspace.id, keyspace.factors]));
  const keyspaces = layout.keyspaces.map((keyspace) => {
    const known = Object.keys(keyspace.factors).every((name) => dataCenters.includes(name));
    const factors = known ? keyspace.factors : (factorsBefore.get(keyspace.id) ?? keyspace.factors);
    return { ...keyspace, factors };
  });
  // Who is back takes no authority with it.
  const back = new Set(computers.map(({ key }) => key));
  const ending = layout.authorityEndsWith?.filter((key) => !back.has(key));
  const authorityEndsWith = ending === undefined ? {} : { authorityEndsWith: ending };
  return nextLayout(layout, digest, {
    ...{ nodes, rings, computers, dataCenters, gone, keyspaces },
    ...authorityEndsWith,
  });
}

function mustHave(layout: Layout, dataCenter: string): void {
  if (layout.dataCenters.includes(dataCenter)) return;
  throw noDataCenter(layout, dataCenter, 'not-found');
}

function checkWeight(weight: number): void {
  if (weight > 0 && weight <= weightMax) return;
  throw new CoterieError('bad-input', `A weight is a number above 0 and at most ${weightMax}; 1 is usual.`);
}
