import { describe, expect, it } from 'vitest';
import { CoterieError } from '../../../core/base/errors.ts';
import { Completeness } from '../../../core/replication/completeness.ts';
import { Refusing } from '../../../core/replication/refusing.ts';
import { topologyOf } from '../../../core/replication/topology.ts';
import { layoutOf } from '../../support/layouts.ts';
import { VirtualTime } from '../../support/virtual-time.ts';

function watched() {
  const heard: string[] = [];
  const completeness = new Completeness({
    onWhole: () => heard.push('whole'),
    onLost: (keyspace, partition) => heard.push(`lost ${keyspace}:${partition}`),
    onBack: (keyspace, partition) => heard.push(`back ${keyspace}:${partition}`),
  });
  return { completeness, heard };
}

const topology = topologyOf(layoutOf({ here: 3 }), 1);

describe('a replica that lost a partition', () => {
  it('speaks for it again once it has been compared with each other replica', () => {
    const { completeness, heard } = watched();
    completeness.lost(topology, 0, 5);
    expect(completeness.speaksFor(0, 5)).toBe(false);
    expect(completeness.speaksFor(0, 6)).toBe(true);
    completeness.compared(0, 5, 2);
    completeness.compared(0, 5, 2);
    completeness.compared(0, 6, 3);
    expect(completeness.speaksFor(0, 5)).toBe(false);
    expect(completeness.wanted()).toEqual([{ keyspace: 0, peer: 3, partitions: [5] }]);
    completeness.compared(0, 5, 3);
    expect(completeness.speaksFor(0, 5)).toBe(true);
    expect(heard).toEqual(['lost 0:5', 'back 0:5', 'whole']);
  });

  it('tells of the loss also where nobody else holds it, and waits for nobody', () => {
    const { completeness, heard } = watched();
    completeness.lost(topologyOf(layoutOf({ here: 1 }), 1), 0, 5);
    expect(heard).toEqual(['lost 0:5']);
    expect(completeness.isWhole).toBe(true);
  });

  it('has lost it, even if it was only moved before; what moves later does not say otherwise', () => {
    const { completeness } = watched();
    completeness.moved(0, 5, [2]);
    expect(completeness.causeOf(0, 5)).toBe('moved');
    completeness.lost(topology, 0, 5);
    completeness.moved(0, 5, [3]);
    expect(completeness.causeOf(0, 5)).toBe('lost');
    expect(completeness.wanted().map(({ peer }) => peer)).toEqual([2, 3]);
  });

  it('does not wait for nodes that left, nor for what it replicates no more', () => {
    const { completeness, heard } = watched();
    completeness.moved(0, 5, [2, 9]);
    completeness.moved(4, 5, [2]);
    completeness.setTopology(topology);
    expect(completeness.wanted()).toEqual([{ keyspace: 0, peer: 2, partitions: [5] }]);
    completeness.setTopology(topologyOf(layoutOf({ here: 1 }), 1));
    expect(heard).toEqual(['whole']);
  });

  it('is whole once a person accepts what is missing, and says so once', () => {
    const { completeness, heard } = watched();
    completeness.moved(0, 5, [2]);
    completeness.accept();
    completeness.accept();
    expect(heard).toEqual(['whole']);
  });
});

describe('a peer that refused a write', () => {
  it.each([
    ['disk-full', true],
    ['disk-failed', true],
    ['busy', true],
    ['corrupt', false],
    ['unavailable', false],
  ] as const)('with %s is remembered for a second: %s', async (code, isRemembered) => {
    const time = new VirtualTime();
    const refusing = new Refusing(time);
    refusing.note(2, new CoterieError(code, 'no'));
    expect(refusing.has(2)).toBe(isRemembered);
    expect(refusing.has(3)).toBe(false);
    await time.advance(999);
    expect(refusing.has(2)).toBe(isRemembered);
    await time.advance(1);
    expect(refusing.has(2)).toBe(false);
  });
});
