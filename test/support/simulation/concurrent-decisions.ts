/** Decisions about the cluster that people make at two nodes at once, neither knowing of the other. One of them stands. */
import { removeNode, replaceNode, weighNode } from '../../../core/layout/changes.ts';
import { alterKeyspace, type Layout, nextLayout } from '../../../core/layout/layout.ts';
import type { Member } from './cluster.ts';
import type { Hand } from './nemesis.ts';

/** A change on top of a layout; nodes that it adds are put with the others. */
type Draw = (hand: Hand, layout: Layout, joined: Member[]) => Layout;

interface Decision {
  readonly layouts: Layout[];
  /** Nodes that it adds. */
  readonly joined: Member[];
}

/** One or two changes on top of the present layout. */
function drawnDecision(hand: Hand, draw: Draw): Decision {
  const { cluster, fate } = hand;
  const layouts: Layout[] = [];
  const joined: Member[] = [];
  const count = fate.chance(0.3) ? 2 : 1;
  for (let turn = 0; turn < count; turn++) {
    layouts.push(draw(hand, layouts.at(-1) ?? cluster.layout, joined));
  }
  return { layouts, joined };
}

export function drawnChange({ cluster, fate }: Hand, layout: Layout): Layout {
  // Moves nothing, and is a layout like any other.
  if (fate.chance(0.15)) return nextLayout(layout, '', { clusterName: `name ${fate.below(1_000)}` });
  const { readLevel, writeLevel, factors } = cluster.keyspace;
  const [dataCenter, factor] = fate.pick(Object.entries(factors));
  const nodeCount = layout.nodes.filter((node) => node.dataCenter === dataCenter).length;
  const other = factor < nodeCount && fate.chance(0.4) ? factor + 1 : factor;
  const { name } = fate.pick(layout.nodes);
  return other === factor
    ? weighNode(layout, String(layout.version), name, fate.pick([0.3, 2, 5]))
    : alterKeyspace(layout, '', 'default', {
        factors: { ...factors, [dataCenter]: other },
        readLevel,
        writeLevel,
      });
}

/** Mostly nodes that join or leave; a data center keeps enough of them for every copy. */
export function drawnNodeChange(hand: Hand, layout: Layout, joined: Member[]): Layout {
  const { cluster, fate } = hand;
  if (fate.chance(0.2)) return drawnChange(hand, layout);
  const { factors } = cluster.keyspace;
  const running = new Set(cluster.members.filter(({ node }) => node !== null).map(({ id }) => id));
  // Of those that are down nobody decides that they shall hand over what they have.
  const there = layout.nodes.filter(({ id }) => running.has(id) || joined.some((member) => member.id === id));
  const { name, dataCenter } = fate.pick(there);
  const nodeCount = layout.nodes.filter((node) => node.dataCenter === dataCenter).length;
  if (nodeCount > Math.max(1, factors[dataCenter] ?? 0) && fate.chance(0.5)) {
    // Who decides it, and who has only just been added, may be the one.
    return removeNode(layout, String(layout.version), name, false);
  }
  const dataCenters = fate.chance(0.7) ? [dataCenter] : [dataCenter, fate.pick(layout.nodes).dataCenter];
  const drawn = cluster.drawJoin(layout, String(layout.version), dataCenters);
  joined.push(...drawn.joined);
  return drawn.layout;
}

/** A node goes down for good. It is removed as dead, or replaced, at one node, while something else, or the same, is decided at another. */
export async function giveUpApart(hand: Hand): Promise<boolean> {
  const { cluster, fate, pause } = hand;
  if (cluster.running().length < 3) return false;
  const dead = fate.pick(cluster.running());
  cluster.note(`n${dead.id} is down for good`);
  cluster.crash(dead);
  // Noticed by then, or not.
  await pause(0, 800);
  return changeApart(hand, drawnNodeChange, dead);
}

/** Nothing else where the node is not there any more. */
function drawnWithout({ id, dataCenter }: Member): Draw {
  return (hand, layout, joined) => {
    const { cluster, fate } = hand;
    const dead = layout.nodes.find((node) => node.id === id);
    if (dead === undefined) return drawnNodeChange(hand, layout, joined);
    const digest = String(layout.version);
    const count = layout.nodes.filter((node) => node.dataCenter === dataCenter).length;
    const isNeeded = count <= Math.max(1, cluster.keyspace.factors[dataCenter] ?? 0);
    if (!isNeeded && fate.chance(0.5)) return removeNode(layout, digest, dead.name, true);
    const [by] = cluster.drawJoin(layout, digest, [dataCenter]).joined;
    joined.push(by);
    const computer = { id: `c${by.id}`, name: `c${by.id}`, dataCenter };
    const place = { id: by.id, name: `n${by.id}`, computer: computer.id };
    return replaceNode(layout, digest, dead.name, place, [computer]);
  };
}

/** `dead`: a node that is given up by the first of the two, perhaps by both. */
export async function changeApart(hand: Hand, draw: Draw, dead: Member | null = null): Promise<boolean> {
  const { cluster, fate, pause, whole } = hand;
  const running = cluster.running();
  if (running.length < 2) return false;
  const one = fate.pick(running);
  const other = fate.pick(running.filter((member) => member !== one));
  const { factors, readLevel, writeLevel } = cluster.keyspace;
  const before = nodesByDataCenter(cluster.layout);
  const decisions = [one, other].map((at) => {
    const givesUp = dead !== null && (at === one || fate.chance(0.3));
    return { at, ...drawnDecision(hand, givesUp ? drawnWithout(dead) : draw) };
  });
  const isCut = fate.chance(0.6);
  if (isCut) {
    const left = cluster.members.filter((member) => member === one || (member !== other && fate.chance(0.5)));
    const right = cluster.members.filter((member) => !left.includes(member));
    // A new node is where it was decided.
    left.push(...decisions[0].joined);
    right.push(...decisions[1].joined);
    for (const here of left) for (const there of right) cluster.network.cut(here.id, there.id);
  }
  const versions = decisions.map(({ layouts }) => layouts.at(-1)!.version).join(' and ');
  cluster.note(
    `n${one.id} and n${other.id} decide ${versions} ${isCut ? 'cut off from one another' : 'at once'}`,
  );
  cluster.decideApart(decisions);
  await pause(50, 2_500);
  cluster.network.heal();
  await partWithLosers(hand, decisions);
  if (dead !== null) await giveUp(dead, hand);
  await whole();
  if (!cluster.isSettled) {
    cluster.violate(`decisions of n${one.id} and n${other.id} did not become one: ${cluster.waiting()}`);
    return true;
  }
  await partWithLeavers(hand);
  for (const { name, weight } of cluster.layout.nodes) {
    if (weight === 1) continue;
    cluster.setLayout(weighNode(cluster.layout, String(cluster.layout.version), name, 1));
  }
  cluster.setLayout(alterKeyspace(cluster.layout, '', 'default', { factors, readLevel, writeLevel }));
  await whole();
  await asManyAs(hand, before);
  return true;
}

/** Where what stands has it still, a person who sees that decides once more. */
async function giveUp(dead: Member, { cluster, pause }: Hand): Promise<void> {
  await pause(0, 1_000);
  if (cluster.layout.nodes.some(({ id }) => id === dead.id)) cluster.decideToLeave(dead, true);
  await cluster.part(dead);
}

/** Nodes that were added by what does not stand. Their computers end them once they have heard, which takes a moment. */
async function partWithLosers({ cluster, fate, pause }: Hand, decisions: readonly Decision[]): Promise<void> {
  const losers = decisions.flatMap(({ layouts, joined }) => (layouts.includes(cluster.layout) ? [] : joined));
  if (losers.length === 0) return;
  if (fate.chance(0.7)) await pause(10, 2_000);
  for (const member of losers) {
    cluster.note(`n${member.id} was added by what does not stand`);
    await cluster.part(member);
  }
}

/** Nodes that have handed over what they had, and those that were added and removed again before anybody heard. */
async function partWithLeavers({ cluster }: Hand): Promise<void> {
  const staying = new Set(cluster.layout.nodes.map(({ id }) => id));
  for (const member of cluster.members.filter(({ id }) => !staying.has(id))) await cluster.part(member);
}

function nodesByDataCenter({ nodes }: Layout): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const { dataCenter } of nodes) counts.set(dataCenter, (counts.get(dataCenter) ?? 0) + 1);
  return counts;
}

/** Brings each data center back to so many nodes. */
async function asManyAs(hand: Hand, before: ReadonlyMap<string, number>): Promise<void> {
  const { cluster, fate, whole } = hand;
  for (const [dataCenter, count] of before) {
    const present = () => cluster.members.filter((member) => member.dataCenter === dataCenter);
    const missing = count - present().length;
    if (missing > 0) await cluster.join(Array.from({ length: missing }, () => dataCenter));
    while (present().length > count) {
      const leaving = fate.pick(present());
      cluster.decideToLeave(leaving, false);
      await whole();
      if (!cluster.isSettled) {
        cluster.violate(`n${leaving.id} could not leave: ${cluster.waiting()}`);
        return;
      }
      await cluster.part(leaving);
    }
    if (missing > 0) await whole();
  }
}
