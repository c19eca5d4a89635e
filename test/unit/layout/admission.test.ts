import { describe, expect, it } from 'vitest';
import { admitsKey, keyRank } from '../../../core/layout/admission.ts';
import { addNodes, removeComputer, removeNode } from '../../../core/layout/changes.ts';
import type { Layout } from '../../../core/layout/layout.ts';
import { layoutOf } from '../../support/layouts.ts';

/** Two computers with a key each: the first has all nodes but one. */
function pair(): Layout {
  const layout = layoutOf({ here: 2 });
  const computers = layout.computers.map((one) => ({ ...one, key: `key of ${one.id}` }));
  const other = { id: 'other', name: 'other', dataCenter: 'here', key: 'key of other' };
  const node = { id: 77, name: 'node-77', computer: 'other', dataCenter: 'here', weight: 1 };
  return addNodes({ ...layout, computers }, 'd', [node], [other]);
}

describe('who is let in', () => {
  it('is a computer that the layout names, for its own nodes alone', () => {
    const layout = pair();
    const [first] = layout.nodes;
    const firstKey = layout.computers.find(({ id }) => id === first.computer)!.key!;
    expect([admitsKey([layout], 'key of other'), admitsKey([layout], 'no key')]).toEqual([true, false]);
    expect(keyRank([layout], 77, 'key of other')).toBe(1);
    expect(keyRank([layout], 77, firstKey)).toBe(0);
    expect(keyRank([layout], first.id, 'key of other')).toBe(0);
    expect(keyRank([layout], 78, 'key of other')).toBe(0);
  });

  it('is one that is taken out for as long as it hands over, and not after that', () => {
    const before = pair();
    const after = removeComputer(before, 'd', 'other', { isDead: false });
    expect([
      admitsKey([before, after], 'key of other'),
      keyRank([before, after], 77, 'key of other'),
    ]).toEqual([true, 1]);
    expect(admitsKey([after], 'key of other')).toBe(false);
  });

  it('is at once not one that is shut out, though the layout before still counts', () => {
    const before = pair();
    const after = removeComputer(before, 'd', 'other', { isDead: true });
    expect(after.gone).toContain(77);
    expect([
      admitsKey([before, after], 'key of other'),
      keyRank([before, after], 77, 'key of other'),
    ]).toEqual([false, 0]);
  });

  it('is not a computer without a key, whatever it shows', () => {
    const layout = layoutOf({ here: 2 });
    expect(admitsKey([layout], '')).toBe(false);
    expect(admitsKey([layout], 'undefined')).toBe(false);
  });

  it('is a computer without nodes as well, until it is taken out itself', () => {
    const layout = pair();
    const empty = { id: 'empty', name: 'empty', dataCenter: 'here', key: 'key of empty' };
    const with3 = addNodes(layout, 'd', [], [empty]);
    expect(admitsKey([with3], 'key of empty')).toBe(true);
    // A change of other nodes leaves it alone.
    expect(admitsKey([removeNode(with3, 'd', 'node-77', false)], 'key of empty')).toBe(true);
    expect(admitsKey([removeComputer(with3, 'd', 'empty', { isDead: false })], 'key of empty')).toBe(false);
  });
});
