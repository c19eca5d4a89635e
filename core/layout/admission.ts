/**
 * Whose keys are let in, by the layouts that count: a computer of the newest one, and one that is leaving for as long as it has
 * something to hand over. Whoever was given up for dead, or has left, is not. Pure.
 */
import { nodesOf } from './history.ts';
import type { Layout, LayoutComputer } from './layout.ts';

/** Computers that may connect; oldest layout first. */
export function admittedComputers(live: readonly Layout[]): readonly LayoutComputer[] {
  const newest = live[live.length - 1];
  const present = new Set(newest.computers.map(({ id }) => id));
  const gone = new Set(newest.gone ?? []);
  const leaving = new Map<string, LayoutComputer>();
  for (const layout of live.slice(0, -1)) {
    for (const computer of layout.computers) {
      if (present.has(computer.id)) continue;
      const own = layout.nodes.filter((node) => node.computer === computer.id);
      if (own.some(({ id }) => !gone.has(id))) leaving.set(computer.id, computer);
    }
  }
  return [...newest.computers, ...leaving.values()];
}

/** `key`: its SHA-256 as the layout has it. A computer may play several. */
export function admitsKey(live: readonly Layout[], key: string): boolean {
  return admittedComputers(live).some((computer) => isKeyOf(computer, key));
}

/** Whether it goes by that key, or is about to (key-change.ts). */
export function isKeyOf({ key, nextKey }: LayoutComputer, shown: string): boolean {
  return key === shown || nextKey === shown;
}

/**
 * Whether a node may be called by a connection with this key. 0: no. 1: by the key of its computer. 2: by the one that its computer is
 * about to go by, which a copy of the present one is not to push aside.
 */
export function keyRank(live: readonly Layout[], nodeId: number, key: string): 0 | 1 | 2 {
  const node = nodesOf(live).get(nodeId);
  if (node === undefined || (live[live.length - 1].gone ?? []).includes(nodeId)) return 0;
  const computer = admittedComputers(live).find(({ id }) => id === node.computer);
  if (computer === undefined || !isKeyOf(computer, key)) return 0;
  return computer.nextKey === key ? 2 : 1;
}
