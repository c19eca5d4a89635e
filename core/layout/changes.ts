/**
 * What people change about the nodes of a cluster: each takes a layout and returns the next. Pure; ids and names are given. Arcs go
 * by the allocator, which moves nothing that need not move.
 */
import { CoterieError } from '../base/errors.ts';
import { partitionCount } from '../base/token.ts';
import { allocate } from '../ring/allocator.ts';
import type { DataCenterRing } from '../ring/ring.ts';
import {
  checkName,
  type Layout,
  type LayoutComputer,
  type LayoutKeyspace,
  type LayoutNode,
  nextLayout,
} from './layout.ts';

export const nodeCountMax = 1_000;
export const weightMax = 100;

type Edited = Partial<Pick<Layout, 'computers' | 'gone' | 'dataCenters' | 'keyspaces'>> & {
  readonly nodes: readonly LayoutNode[];
};

/** The rings of the data centers whose nodes changed, allocated anew from what they were. */
function withRings(
  layout: Layout,
  digest: string,
  edited: Edited,
  rings: readonly DataCenterRing[] = layout.rings,
): Layout {
  const { nodes } = edited;
  const present = [...new Set(nodes.map(({ dataCenter }) => dataCenter))];
  const before = edited.dataCenters ?? layout.dataCenters;
  const dataCenters = [
    ...before.filter((name) => present.includes(name)),
    ...present.filter((name) => !before.includes(name)),
  ];
  const facts = (all: readonly LayoutNode[], dataCenter: string) =>
    JSON.stringify(
      all
        .filter((node) => node.dataCenter === dataCenter)
        .map(({ id, computer, weight }) => [id, computer, weight]),
    );
  const renewed = dataCenters.map((dataCenter) => {
    const old = rings.find((ring) => ring.dataCenter === dataCenter);
    if (old !== undefined && facts(layout.nodes, dataCenter) === facts(nodes, dataCenter)) return old;
    const own = nodes.filter((node) => node.dataCenter === dataCenter);
    return { dataCenter, owners: allocate(old?.owners ?? null, own, partitionCount) };
  });
  const keyspaces = (edited.keyspaces ?? layout.keyspaces).map((keyspace) => without(keyspace, dataCenters));
  return nextLayout(layout, digest, { ...edited, dataCenters, keyspaces, rings: renewed });
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
  const found = layout.nodes.find((node) => node.name === name || hexId(node) === name);
  if (found !== undefined) return found;
  const names = layout.nodes.map((node) => node.name).join(', ');
  throw new CoterieError('not-found', `There is no node "${name}". This cluster has: ${names}.`);
}

function hexId({ id }: LayoutNode): string {
  return id.toString(16).padStart(8, '0');
}

/** The name of the next node: numbers are not used twice while their node is there. */
export function freeNodeNames(layout: Layout, count: number): string[] {
  const taken = new Set(layout.nodes.map(({ name }) => name));
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
  return withRings(layout, digest, {
    nodes: [...layout.nodes, ...nodes],
    computers: [...layout.computers, ...computers],
    gone,
  });
}

/** `isDead`: nobody waits for it, and what only it held is lost. Otherwise it hands over what it has first. */
export function removeNode(layout: Layout, digest: string, name: string, isDead: boolean): Layout {
  const { id } = nodeNamed(layout, name);
  const nodes = layout.nodes.filter((node) => node.id !== id);
  if (nodes.length === 0) {
    throw new CoterieError('bad-input', 'This is the last node: without it there is no cluster.');
  }
  const left = new Set(nodes.map(({ computer }) => computer));
  return withRings(layout, digest, {
    nodes,
    computers: layout.computers.filter((computer) => left.has(computer.id)),
    gone: isDead ? [...(layout.gone ?? []), id] : layout.gone,
  });
}

/** A node takes the arcs of one that is dead: nothing else moves. */
export function replaceNode(layout: Layout, digest: string, name: string, by: LayoutNode): Layout {
  const dead = nodeNamed(layout, name);
  const node = { ...by, weight: dead.weight, dataCenter: dead.dataCenter, computer: by.computer };
  const rings = layout.rings.map((ring) => ({
    ...ring,
    owners: ring.owners.map((owner) => (owner === dead.id ? node.id : owner)),
  }));
  const nodes = layout.nodes.map((one) => (one.id === dead.id ? node : one));
  return nextLayout(layout, digest, { nodes, rings, gone: [...(layout.gone ?? []), dead.id] });
}

export function weighNode(layout: Layout, digest: string, name: string, weight: number): Layout {
  checkWeight(weight);
  const { id } = nodeNamed(layout, name);
  const nodes = layout.nodes.map((node) => (node.id === id ? { ...node, weight } : node));
  return withRings(layout, digest, { nodes });
}

export function moveNode(layout: Layout, digest: string, name: string, dataCenter: string): Layout {
  checkName(dataCenter, 'The data center');
  const { id } = nodeNamed(layout, name);
  const nodes = layout.nodes.map((node) => (node.id === id ? { ...node, dataCenter } : node));
  return withRings(layout, digest, { nodes });
}

export function removeDataCenter(layout: Layout, digest: string, dataCenter: string): Layout {
  mustHave(layout, dataCenter);
  const nodes = layout.nodes.filter((node) => node.dataCenter !== dataCenter);
  if (nodes.length === 0) {
    throw new CoterieError('bad-input', 'This is the last data center: without it there is no cluster.');
  }
  const left = new Set(nodes.map(({ computer }) => computer));
  return withRings(layout, digest, {
    nodes,
    computers: layout.computers.filter((computer) => left.has(computer.id)),
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

function mustHave(layout: Layout, dataCenter: string): void {
  if (layout.dataCenters.includes(dataCenter)) return;
  throw new CoterieError(
    'not-found',
    `There is no data center "${dataCenter}". This cluster has: ${layout.dataCenters.join(', ')}.`,
  );
}

function checkWeight(weight: number): void {
  if (weight > 0 && weight <= weightMax) return;
  throw new CoterieError('bad-input', `A weight is a number above 0 and at most ${weightMax}; 1 is usual.`);
}
