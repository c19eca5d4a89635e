import { describe, expect, it } from 'vitest';
import { switchOffInWords } from '../../../core/contract/switch-off.ts';
import { type NodesNow, switchOff } from '../../../core/host/view/switch-off.ts';
import { removeNode } from '../../../core/layout/changes.ts';
import { layoutOf } from '../../support/layouts.ts';

/** Nodes are up unless said otherwise, and have all their data. */
function seen(isUp: (nodeId: number) => boolean, lostPartitionsOf = (_: number) => 0): NodesNow {
  return { isUp, lostPartitionsOf };
}

const everythingUp = seen(() => true);

describe('whether something can be switched off', () => {
  it('is yes for one of three nodes at QUORUM, and no once another is away', () => {
    const layout = layoutOf({ here: 3 });
    const [first, second] = layout.nodes;
    const question = { kind: 'node', name: first.name } as const;
    const answer = switchOff([layout], question, everythingUp);
    expect(answer).toEqual({ nodes: [first.name], alreadyAway: [], rebuilding: [], stopped: [] });
    expect(switchOffInWords(answer)[0]).toMatch(/^Yes\./);

    const later = switchOff(
      [layout],
      question,
      seen((nodeId) => nodeId !== second.id),
    );
    expect(later.alreadyAway).toEqual([second.name]);
    expect(later.stopped).toEqual([
      { keyspace: layout.keyspaces[0].name, unreadable: 1024, unwritable: 1024 },
    ]);
    expect(switchOffInWords(later)[0]).toMatch(/^Not without a gap\./);
  });

  it('names how much of the ring needs it where there are more nodes than copies', () => {
    const layout = layoutOf({ here: 6 });
    const [first, second] = layout.nodes;
    const { stopped } = switchOff(
      [layout],
      { kind: 'node', name: first.name },
      seen((nodeId) => nodeId !== second.id),
    );
    // Partitions of which both have a copy: some, and not all.
    expect(stopped[0].unwritable).toBeGreaterThan(0);
    expect(stopped[0].unwritable).toBeLessThan(1024);
  });

  it('is asked of a computer and of a data center as well, and the last one takes everything with it', () => {
    const layout = layoutOf({ here: 3 });
    const computer = layout.computers.find(({ id }) => id === layout.nodes[0].computer)!;
    const ofComputer = switchOff([layout], { kind: 'computer', name: computer.name }, everythingUp);
    expect(ofComputer.nodes).toContain(layout.nodes[0].name);
    const ofCenter = switchOff([layout], { kind: 'data-center', name: 'here' }, everythingUp);
    expect(ofCenter.nodes).toHaveLength(3);
    expect(ofCenter.stopped[0].unreadable).toBe(1024);
  });

  it('is no while another copy is being got back: it takes writes, but no read may go by it', () => {
    const layout = layoutOf({ here: 3 });
    const [first, second] = layout.nodes;
    const question = { kind: 'node', name: first.name } as const;
    const lost = (count: number) => seen(everythingUp.isUp, (nodeId) => (nodeId === second.id ? count : 0));
    const answer = switchOff([layout], question, lost(1024));
    expect(answer.rebuilding).toEqual([second.name]);
    expect(answer.stopped).toEqual([{ keyspace: layout.keyspaces[0].name, unreadable: 1024, unwritable: 0 }]);
    expect(switchOffInWords(answer).at(-1)).toBe(
      `${second.name} is getting lost data back, and not counted for reads until that is done.`,
    );
    // No more than what it lacks.
    expect(switchOff([layout], question, lost(3)).stopped[0].unreadable).toBe(3);
    // The node itself may go: the two others have everything.
    expect(switchOff([layout], { kind: 'node', name: second.name }, lost(1024)).stopped).toEqual([]);
  });

  it('is refused in words for what is not there', () => {
    const ask = () => switchOff([layoutOf({ here: 3 })], { kind: 'data-center', name: 'moon' }, everythingUp);
    expect(ask).toThrow('No data center of this cluster is called "moon".');
  });

  it('counts every layout that data still moves between: a node that leaves is needed until the rest have its share', () => {
    const before = layoutOf({ here: 3 });
    const [first, second] = before.nodes;
    const after = removeNode(before, 'd', first.name, false);
    const question = { kind: 'node', name: first.name } as const;
    const isUp = seen((nodeId) => nodeId !== second.id);
    expect(switchOff([before, after], question, isUp).stopped[0].unwritable).toBe(1024);
    expect(() => switchOff([after], question, isUp)).toThrow('is called');
  });

  it('says in one word what can neither be read nor written, and how much of the ring that is', () => {
    const stopped = [
      { keyspace: 'a', unreadable: 683, unwritable: 683 },
      { keyspace: 'b', unreadable: 0, unwritable: 1 },
      { keyspace: 'c', unreadable: 2, unwritable: 3 },
    ];
    const [, ...reasons] = switchOffInWords({ nodes: ['n'], alreadyAway: [], rebuilding: [], stopped });
    expect(reasons).toEqual([
      'a: 683 of 1,024 partitions could be neither read nor written at its levels.',
      'b: 1 of 1,024 partitions could not be written at its level.',
      'c: 2 of 1,024 partitions could not be read and 3 could not be written at its levels.',
      'Nothing is lost by that: it works again once it is back.',
    ]);
  });
});
