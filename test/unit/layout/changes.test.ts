/** What people change about the nodes, and the plan that they are shown before. */
import { describe, expect, it } from 'vitest';
import {
  addNodes,
  freeNodeNames,
  moveNode,
  removeDataCenter,
  removeNode,
  renameDataCenter,
  replaceNode,
  weighNode,
} from '../../../core/layout/changes.ts';
import type { Layout, LayoutNode } from '../../../core/layout/layout.ts';
import { placesOf } from '../../../core/layout/places.ts';
import { movesBetween, planOf } from '../../../core/layout/plan.ts';
import { layoutOf } from '../../support/layouts.ts';

const nodesFrom = (first: number, count: number, dataCenter = 'here'): LayoutNode[] =>
  Array.from({ length: count }, (_, index) => {
    const id = first + index;
    return { id, name: `node-${id}`, computer: `c${id}`, dataCenter, weight: 1 };
  });
const plan = (before: Layout, after: Layout) => planOf(before, after, () => 1);
const ownersOf = (layout: Layout) => layout.rings.flatMap(({ owners }) => owners);

describe('a node', () => {
  it.each([
    [3, 1],
    [3, 2],
    [5, 3],
    [12, 1],
    [30, 5],
  ])('of %i and %i more takes its share, and next to nothing else moves', (count, more) => {
    const before = layoutOf({ here: count });
    const after = addNodes(before, 'd', nodesFrom(100, more));
    const { bytes, minimumBytes, nodes } = plan(before, after);
    expect(bytes).toBeLessThanOrEqual(minimumBytes * 1.1);
    const joined = nodes.filter(({ name }) => after.nodes.find((node) => node.name === name)!.id >= 100);
    for (const { copiesAfter } of joined) {
      expect(copiesAfter).toBeGreaterThan((1_024 * 3 * 0.9) / (count + more));
    }
    expect(after.placed).toBe(after.version);
  });

  it.each([4, 5, 8, 13])(
    'of %i that leaves gives its share to the others, and next to nothing else moves',
    (count) => {
      const before = layoutOf({ here: count });
      const after = removeNode(before, 'd', before.nodes[1].name, false);
      const { bytes, minimumBytes } = plan(before, after);
      expect(bytes).toBeLessThanOrEqual(minimumBytes * 1.1);
      expect(ownersOf(after)).not.toContain(before.nodes[1].id);
      expect(after.gone).toBeUndefined();
    },
  );

  it('that is replaced gives its arcs to the new one alone', () => {
    const before = layoutOf({ here: 5 });
    const [by] = nodesFrom(100, 1);
    const after = replaceNode(before, 'd', before.nodes[2].name, by);
    const dead = before.nodes[2].id;
    expect(ownersOf(after)).toEqual(ownersOf(before).map((owner) => (owner === dead ? 100 : owner)));
    expect(after.gone).toEqual([dead]);
    const rows = plan(before, after).nodes.filter(({ gained }) => gained > 0);
    expect(rows.map(({ name }) => name)).toEqual([by.name]);
    // One keyspace: each copy is of another partition.
    expect(rows[0].gains).toHaveLength(rows[0].gained);
    expect(rows[0].gains).toEqual([...new Set(rows[0].gains)].sort((a, b) => a - b));
    // Whatever the new one gets, the dead one lets go.
    const moves = movesBetween(before, after).map(({ name, gains, releases }) => [name, { gains, releases }]);
    expect(Object.fromEntries(moves)).toEqual({
      [by.name]: { gains: rows[0].gains, releases: [] },
      [before.nodes[2].name]: { gains: [], releases: rows[0].gains },
    });
    expect(movesBetween(after, after)).toEqual([]);
  });

  it('gets more of the ring with a higher weight', () => {
    const before = layoutOf({ here: 4 });
    const after = weighNode(before, 'd', before.nodes[0].name, 3);
    const arcs = ownersOf(after).filter((owner) => owner === before.nodes[0].id).length;
    expect(arcs).toBe(512);
  });

  it('that moves holds copies of its new data center, and none of the old', () => {
    const before = layoutOf({ here: 4, there: 2 });
    const { name, id } = before.nodes[0];
    const after = moveNode(before, 'd', name, 'there');
    const ringOf = (center: string) => after.rings.find(({ dataCenter }) => dataCenter === center)!.owners;
    expect(ringOf('here')).not.toContain(id);
    expect(ringOf('there')).toContain(id);
  });

  it('that is the last one stays', () => {
    const alone = layoutOf({ here: 1 });
    expect(() => removeNode(alone, 'd', alone.nodes[0].name, false)).toThrow(/last node/);
  });

  it('gets a name that no other has', () => {
    const before = layoutOf({ here: 3 });
    const names = freeNodeNames(new Set(before.nodes.map(({ name }) => name)), 2);
    expect(new Set([...before.nodes.map(({ name }) => name), ...names]).size).toBe(5);
  });
});

describe('a data center', () => {
  it('comes with its first node, and goes with its last, with the copies that keyspaces had there', () => {
    const before = layoutOf({ here: 3 });
    const added = addNodes(before, 'd', nodesFrom(50, 2, 'there'));
    expect(added.dataCenters).toEqual(['here', 'there']);
    expect(plan(before, added).bytes).toBe(0);
    const gone = removeDataCenter(added, 'd', 'there');
    expect(gone.dataCenters).toEqual(['here']);
    expect(() => removeDataCenter(gone, 'd', 'here')).toThrow(/last data center/);
  });

  it('has another name afterwards, and nobody holds anything else', () => {
    const before = layoutOf({ here: 3, there: 3 });
    const after = renameDataCenter(before, 'd', 'there', 'attic');
    const ids = (layout: Layout) =>
      placesOf(layout, layout.keyspaces[0]).map((list) => list.map(({ nodeId }) => nodeId));
    expect(ids(after)).toEqual(ids(before));
    expect(Object.keys(after.keyspaces[0].factors)).toEqual(['here', 'attic']);
  });
});

describe('a plan', () => {
  it('is blocked, with a sentence for each keyspace, where a factor could be met no more', () => {
    const before = layoutOf({ here: 3 });
    const after = removeNode(before, 'd', before.nodes[0].name, false);
    expect(plan(before, after).blocked).toEqual([
      expect.stringMatching(/default asks for 3 copies in here, and only 2 nodes/),
    ]);
    const more = addNodes(before, 'd', nodesFrom(9, 1));
    expect(plan(before, removeNode(more, 'd', before.nodes[0].name, false)).blocked).toEqual([]);
  });
});
