/**
 * Remembers what follows from the topology of a layout: its rings, nodes, computers and data centers. Edits of keyspaces and
 * names hand these on as the same objects, so what was reckoned for one version holds for the next; a change of the topology
 * starts anew. Placement takes milliseconds for each keyspace, and is asked for by every request for the state of a cluster.
 */
import type { Layout } from './layout.ts';

type Topology = Pick<Layout, 'rings' | 'nodes' | 'computers' | 'dataCenters'>;

interface Remembered<V> extends Omit<Topology, 'rings'> {
  readonly values: Map<string, V>;
}

export class LayoutMemo<V> {
  readonly #countMax: number;
  readonly #byRings = new WeakMap<Layout['rings'], Remembered<V>>();

  /** `countMax`: values for one topology; the oldest makes room. */
  constructor(countMax: number) {
    this.#countMax = countMax;
  }

  /** `key` names everything beside the topology that `reckon` depends on. Whoever gets a value leaves it as it is. */
  of(layout: Topology, key: string, reckon: () => V): V {
    const { nodes, computers, dataCenters } = layout;
    let known = this.#byRings.get(layout.rings);
    const isSame =
      known?.nodes === nodes && known.computers === computers && known.dataCenters === dataCenters;
    if (known === undefined || !isSame) {
      known = { nodes, computers, dataCenters, values: new Map() };
      this.#byRings.set(layout.rings, known);
    }
    const { values } = known;
    const found = values.get(key);
    if (found !== undefined) return found;
    const value = reckon();
    if (values.size >= this.#countMax) {
      const [oldest] = values.keys();
      values.delete(oldest);
    }
    values.set(key, value);
    return value;
  }
}

/** Factors as part of a key: only those of data centers that are there. */
export function factorsKey(layout: Topology, factors: Readonly<Record<string, number>>): string {
  return layout.dataCenters.map((dataCenter) => factors[dataCenter] ?? 0).join();
}
