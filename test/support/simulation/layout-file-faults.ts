/** The file in which a node keeps the layouts and how far it is with them is gone, or an older copy is put back, while a change is under way. */
import { weighNode } from '../../../core/layout/changes.ts';
import { newestOf } from '../../../core/layout/history.ts';
import { placedOf } from '../../../core/layout/layout.ts';
import { layoutFile } from '../../../core/node/kept-layout.ts';
import type { Member } from './cluster.ts';
import type { Hand } from './nemesis.ts';

/** Where a victim does not get so far the change is broken off at whatever moment that is. */
const handingOverMaxMs = 3_000;

/** False: the change had ended before the node did. */
export async function loseLayoutFile(kind: 'layout-gone' | 'old-layout', hand: Hand): Promise<boolean> {
  const { cluster, fate, pause, whole } = hand;
  const victim = fate.pick(cluster.running());
  const others = cluster.running().filter((member) => member !== victim);
  const old = victim.disk.snapshot(layoutFile);
  // One that gets a smaller share hands over most.
  const isGiver = fate.chance(0.6);
  const name = isGiver ? `n${victim.id}` : fate.pick(cluster.layout.nodes).name;
  const weigh = (weight: number) => {
    cluster.note(`${name} weighs ${weight}`);
    cluster.setLayout(weighNode(cluster.layout, String(cluster.layout.version), name, weight));
  };
  weigh(isGiver ? 0.3 : fate.pick([0.3, 2, 5]));
  if (fate.chance(0.3)) await pause(20, 1_500);
  else await untilHandedOver(victim, hand);
  // Who is cut off now holds the change up: the others stay in the midst of it.
  if (others.length > 1 && fate.chance(0.7)) {
    const late = fate.pick(others);
    cluster.note(`n${late.id} is cut off`);
    for (const member of cluster.members) if (member !== late) cluster.network.cut(late.id, member.id);
  }
  await pause(0, 100);
  const isStruck = (victim.node?.layouts.live.length ?? 1) > 1;
  cluster.crash(victim);
  if (isStruck && kind === 'layout-gone') victim.disk.removeFolder(layoutFile);
  if (isStruck && kind === 'old-layout') victim.disk.restore(old);
  if (isStruck) cluster.note(`n${victim.id} suffers ${kind}`);
  await pause(10, 400);
  await cluster.start(victim);
  await pause(50, 1_500);
  cluster.network.heal();
  await whole();
  weigh(1);
  await whole();
  return isStruck;
}

/** Until others may decide what this node did. */
async function untilHandedOver(victim: Member, { cluster, pause }: Hand): Promise<void> {
  const untilMs = cluster.time.monotonicMs() + handingOverMaxMs;
  const placed = placedOf(cluster.layout);
  const isOver = () => {
    const layouts = victim.node?.layouts;
    if (layouts === undefined || newestOf(layouts).layout !== cluster.layout) return false;
    return (layouts.trackers.get(victim.id)?.syncAck ?? 0) >= placed;
  };
  while (!isOver() && cluster.time.monotonicMs() < untilMs) await pause(2, 2);
}
