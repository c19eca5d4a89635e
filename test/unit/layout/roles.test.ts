/** Which computer may do what by the layout, and that a cluster is never without an owner. */
import { describe, expect, it } from 'vitest';
import {
  addNodes,
  removeComputer,
  removeDataCenter,
  removeNode,
  takenBack,
} from '../../../core/layout/changes.ts';
import type { Layout, LayoutComputer } from '../../../core/layout/layout.ts';
import { decodeLayout, encodeLayout } from '../../../core/layout/layout-document.ts';
import { roleAmong, roleIn, setRole } from '../../../core/layout/roles.ts';
import { layoutOf } from '../../support/layouts.ts';

/** computer-1, -2, -3 with a node and a key each. */
function three(): Layout {
  const layout = layoutOf({ here: 2, there: 1 });
  return { ...layout, computers: layout.computers.map((one) => ({ ...one, key: `key of ${one.id}` })) };
}
const rolesOf = (layout: Layout) => layout.computers.map((one) => roleIn(layout, one));
const only = (id: string) => (computer: LayoutComputer) => computer.id === id;
const refusal = { code: 'conflict', message: expect.stringContaining('computer-1 is the only owner') };
const onlyFirst = () => setRole(setRole(three(), 'd', 'computer-2', 'viewer'), 'd', 'computer-3', 'operator');

describe('the role of a computer', () => {
  it('is that of an owner unless the layout says otherwise, as in every layout from before there were roles', () => {
    expect(rolesOf(three())).toEqual(['owner', 'owner', 'owner']);
    expect(rolesOf(onlyFirst())).toEqual(['owner', 'viewer', 'operator']);
    const again = setRole(onlyFirst(), 'd', 'computer-2', 'owner');
    expect(again.computers[1]).toEqual(three().computers[1]);
  });

  it('that this version does not know is read, and taken for the least', () => {
    const layout = three();
    const [first, second, third] = layout.computers;
    const later = { ...second, role: 'auditor' } as unknown as LayoutComputer;
    const read = decodeLayout(encodeLayout({ ...layout, computers: [first, later, third] }));
    expect(rolesOf(read)).toEqual(['owner', 'viewer', 'owner']);
  });

  it('is that of an owner for all where nobody is one: somebody may always act', () => {
    const layout = onlyFirst();
    const orphaned = { ...layout, computers: layout.computers.slice(1) };
    expect(rolesOf(orphaned)).toEqual(['owner', 'owner']);
    // What the others are then is written down with the next change.
    expect(rolesOf(setRole(orphaned, 'd', 'computer-2', 'viewer'))).toEqual(['viewer', 'owner']);
  });

  it('changes as the next layout, and moves nothing', () => {
    const before = three();
    const after = setRole(before, 'd', 'computer-2', 'viewer');
    expect([after.version, after.parent, after.placed]).toEqual([before.version + 1, 'd', before.placed]);
  });

  it('is one for all computers that one host plays, the most trusted of what is written', () => {
    const layout = three();
    const key = layout.computers[0].key;
    const computers = layout.computers.map((one, index) => (index < 2 ? { ...one, key } : one));
    const played = { ...layout, computers };
    expect(rolesOf(setRole(played, 'd', 'computer-2', 'viewer'))).toEqual(['viewer', 'viewer', 'owner']);
    const mixed = {
      ...played,
      computers: [{ ...computers[0], role: 'viewer' } as const, ...computers.slice(1)],
    };
    expect(roleAmong([mixed], (one) => one.key === key)).toBe('owner');
  });

  it('is kept by one that leaves, and is none for one that is out', () => {
    const before = onlyFirst();
    const after = removeComputer(before, 'd', 'computer-2', { isDead: false });
    expect(roleAmong([before, after], only('computer-2'))).toBe('viewer');
    expect(roleAmong([after], only('computer-2'))).toBeNull();
    expect(
      roleAmong([before, removeComputer(before, 'd', 'computer-2', { isDead: true })], only('computer-2')),
    ).toBeNull();
  });
});

describe('the only owner', () => {
  it('does not become less', () => {
    expect(() => setRole(onlyFirst(), 'd', 'computer-1', 'operator')).toThrow(
      expect.objectContaining(refusal),
    );
  });

  it.each([
    ['with its computer', (layout: Layout) => removeComputer(layout, 'd', 'computer-1', { isDead: false })],
    ['given up for dead', (layout: Layout) => removeComputer(layout, 'd', 'computer-1', { isDead: true })],
    ['with its last node', (layout: Layout) => removeNode(layout, 'd', 'node-1', false)],
  ])('is not taken out %s', (_, edit) => {
    expect(() => edit(onlyFirst())).toThrow(expect.objectContaining(refusal));
    expect(rolesOf(edit(setRole(onlyFirst(), 'd', 'computer-3', 'owner')))).toEqual(['viewer', 'owner']);
  });

  it('is not taken out with its data center', () => {
    const layout = setRole(setRole(three(), 'd', 'computer-1', 'viewer'), 'd', 'computer-2', 'viewer');
    expect(() => removeDataCenter(layout, 'd', 'there')).toThrow('computer-3 is the only owner');
  });

  it('does not go with a change that is taken back', () => {
    const before = three();
    const node = { id: 77, name: 'node-77', computer: 'new', dataCenter: 'here', weight: 1 };
    let layout = addNodes(before, 'd', [node], [{ id: 'new', name: 'new', dataCenter: 'here', key: 'new' }]);
    layout = setRole(layout, 'd', 'computer-2', 'viewer');
    // Roles are not what is taken back.
    expect(rolesOf(takenBack(layout, 'd', before))).toEqual(['owner', 'viewer', 'owner']);
    for (const id of ['computer-1', 'computer-3']) layout = setRole(layout, 'd', id, 'operator');
    expect(() => takenBack(layout, 'd', before)).toThrow('new is the only owner');
  });
});
