import { describe, expect, it } from 'vitest';
import { CoterieError } from '../../../core/base/errors.ts';
import { Refusing } from '../../../core/replication/coordinator/refusing.ts';
import { ReadEligibility } from '../../../core/replication/replica/read-eligibility.ts';
import { topologyOf } from '../../../core/replication/topology.ts';
import { layoutOf } from '../../support/layouts.ts';
import { VirtualTime } from '../../support/virtual-time.ts';

function watched() {
  const heard: string[] = [];
  const eligibility = new ReadEligibility({
    onWhole: () => heard.push('whole'),
    onLost: (keyspace, partition) => heard.push(`lost ${keyspace}:${partition}`),
    onBack: (keyspace, partition) => heard.push(`back ${keyspace}:${partition}`),
  });
  return { eligibility, heard };
}

const topology = topologyOf(layoutOf({ here: 3 }), 1);

describe('a replica that lost a partition', () => {
  it('speaks for it again once it has been compared with each other replica', () => {
    const { eligibility, heard } = watched();
    eligibility.lost(topology, 0, 5);
    expect(eligibility.speaksFor(0, 5)).toBe(false);
    expect(eligibility.speaksFor(0, 6)).toBe(true);
    const now = eligibility.missCount;
    eligibility.compared(0, 5, 2, now);
    eligibility.compared(0, 5, 2, now);
    eligibility.compared(0, 6, 3, now);
    expect(eligibility.speaksFor(0, 5)).toBe(false);
    expect(eligibility.wanted()).toEqual([{ keyspace: 0, peer: 3, partitions: [5] }]);
    eligibility.compared(0, 5, 3, now);
    expect(eligibility.speaksFor(0, 5)).toBe(true);
    expect(heard).toEqual(['lost 0:5', 'back 0:5', 'whole']);
  });

  it('is not whole by what was compared before it went missing, or went missing once more', () => {
    const { eligibility } = watched();
    const before = eligibility.missCount;
    eligibility.moved(0, 5, [2, 3]);
    eligibility.compared(0, 5, 2, before);
    const between = eligibility.missCount;
    eligibility.compared(0, 5, 3, between);
    eligibility.moved(0, 5, [2]);
    eligibility.compared(0, 5, 2, between);
    expect(eligibility.wanted()).toEqual([{ keyspace: 0, peer: 2, partitions: [5] }]);
    eligibility.compared(0, 5, 2, eligibility.missCount);
    expect(eligibility.isWhole).toBe(true);
  });

  it('tells of the loss also where nobody else holds it, and waits for nobody', () => {
    const { eligibility, heard } = watched();
    eligibility.lost(topologyOf(layoutOf({ here: 1 }), 1), 0, 5);
    expect(heard).toEqual(['lost 0:5']);
    expect(eligibility.isWhole).toBe(true);
  });

  it('has lost it, even if it was only moved before; what moves later does not say otherwise', () => {
    const { eligibility } = watched();
    eligibility.moved(0, 5, [2]);
    expect(eligibility.causeOf(0, 5)).toBe('moved');
    eligibility.lost(topology, 0, 5);
    eligibility.moved(0, 5, [3]);
    expect(eligibility.causeOf(0, 5)).toBe('lost');
    expect(eligibility.wanted().map(({ peer }) => peer)).toEqual([2, 3]);
  });

  it('does not wait for nodes that left, nor for what it replicates no more', () => {
    const { eligibility, heard } = watched();
    eligibility.moved(0, 5, [2, 9]);
    eligibility.moved(4, 5, [2]);
    eligibility.setTopology(topology);
    expect(eligibility.wanted()).toEqual([{ keyspace: 0, peer: 2, partitions: [5] }]);
    eligibility.setTopology(topologyOf(layoutOf({ here: 1 }), 1));
    expect(heard).toEqual(['whole']);
  });

  it('is whole once a person accepts what is missing, and says so once', () => {
    const { eligibility, heard } = watched();
    eligibility.moved(0, 5, [2]);
    eligibility.accept();
    eligibility.accept();
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

  it('for want of links is remembered for a moment only, and that shortens no other reason', async () => {
    const time = new VirtualTime();
    const refusing = new Refusing(time);
    for (const peer of [2, 3]) refusing.note(peer, new CoterieError('quorum-not-met', 'no'));
    refusing.note(3, new CoterieError('disk-full', 'no'));
    refusing.note(3, new CoterieError('quorum-not-met', 'no'));
    await time.advance(99);
    expect(refusing.has(2)).toBe(true);
    await time.advance(1);
    expect(refusing.has(2)).toBe(false);
    expect(refusing.has(3)).toBe(true);
  });
});
