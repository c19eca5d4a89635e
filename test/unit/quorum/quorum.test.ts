import { describe, expect, it } from 'vitest';
import { consistencyLevels } from '../../../core/base/levels.ts';
import { GetCore } from '../../../core/quorum/get-core.ts';
import { PutCore } from '../../../core/quorum/put-core.ts';
import {
  neededInTotal,
  quorumsIntersect,
  type ReplicaPlace,
  requirementOf,
} from '../../../core/quorum/requirement.ts';

const place = (nodeId: number, dataCenter = 'office'): ReplicaPlace => ({ nodeId, dataCenter });
const three = [place(1), place(2), place(3)];
const two = [...three, place(4, 'shop'), place(5, 'shop'), place(6, 'shop')];

describe('a consistency level', () => {
  it.each([
    ['ANY', 1, 1],
    ['ONE', 1, 1],
    ['TWO', 2, 2],
    ['THREE', 3, 3],
    ['QUORUM', 2, 4],
    ['LOCAL_ONE', 1, 1],
    ['LOCAL_QUORUM', 2, 2],
    ['EACH_QUORUM', 2, 4],
    ['ALL', 3, 6],
  ] as const)(
    '%s needs %i of three replicas and %i of two data centers with three each',
    (level, one, both) => {
      expect(neededInTotal(requirementOf(level, three, 'office'))).toBe(one);
      expect(neededInTotal(requirementOf(level, two, 'office'))).toBe(both);
    },
  );

  it('counts local levels in the coordinator’s data center alone', () => {
    const core = new PutCore(two, requirementOf('LOCAL_QUORUM', two, 'office'));
    for (const remote of [3, 4, 5]) expect(core.addAcknowledgement(remote)).toBe('pending');
    expect(core.addAcknowledgement(0)).toBe('pending');
    expect(core.addAcknowledgement(1)).toBe('met');
  });

  it('EACH_QUORUM is impossible as soon as one data center cannot reach its majority', () => {
    const core = new PutCore(two, requirementOf('EACH_QUORUM', two, 'office'));
    core.addFailure(3);
    expect(core.verdict()).toBe('pending');
    expect(core.addFailure(4)).toBe('impossible');
  });

  it('that asks for more replicas than there are is impossible, not weakened', () => {
    expect(new PutCore([place(1)], requirementOf('TWO', [place(1)], 'office')).verdict()).toBe('impossible');
  });

  it('never calls two levels read-your-writes when some read can miss some write', () => {
    // Against the definition: enumerate all minimal quorums of both and look for a disjoint pair.
    for (const replicas of [three, two, [place(1), place(2), place(3, 'shop')]]) {
      const subsets = Array.from({ length: 2 ** replicas.length }, (_, bits) =>
        replicas.map((_, index) => (bits & (1 << index)) !== 0),
      );
      const satisfies = (subset: boolean[], level: (typeof consistencyLevels)[number]) => {
        const core = new PutCore(replicas, requirementOf(level, replicas, 'office'));
        subset.forEach((chosen, index) => {
          if (chosen) core.addAcknowledgement(index);
        });
        return core.verdict() === 'met';
      };
      for (const read of consistencyLevels.filter((level) => level !== 'ANY')) {
        for (const write of consistencyLevels.filter((level) => level !== 'ANY')) {
          const readers = subsets.filter((subset) => satisfies(subset, read));
          const writers = subsets.filter((subset) => satisfies(subset, write));
          const disjoint = readers.some((r) =>
            writers.some((w) => r.every((chosen, i) => !(chosen && w[i]))),
          );
          const claimed = quorumsIntersect(
            requirementOf(read, replicas, 'office'),
            requirementOf(write, replicas, 'office'),
            replicas,
          );
          expect({ read, write, claimed: claimed && disjoint }).toEqual({ read, write, claimed: false });
          if (replicas === three)
            expect({ read, write, claimed }).toEqual({ read, write, claimed: !disjoint });
        }
      }
    }
  });
});

describe('a quorum write', () => {
  const requirement = requirementOf('QUORUM', three, 'office');

  it('is met by the second of three acknowledgements', () => {
    const core = new PutCore(three, requirement);
    expect(core.addAcknowledgement(0)).toBe('pending');
    expect(core.addFailure(1)).toBe('pending');
    expect(core.addAcknowledgement(2)).toBe('met');
  });

  it('counts each replica once, whatever it sends', () => {
    const core = new PutCore(three, requirement);
    expect(core.addAcknowledgement(0)).toBe('pending');
    expect(core.addAcknowledgement(0)).toBe('pending');
    core.addFailure(0);
    expect(core.acknowledgedCount).toBe(1);
  });

  it('counts a fallback like the replica it stands in for, but never fallbacks alone', () => {
    const core = new PutCore(three, requirement);
    expect(core.addFallback(1)).toBe('pending');
    expect(core.addFallback(2)).toBe('pending');
    expect(core.addAcknowledgement(0)).toBe('met');
    const lost = new PutCore(three, requirement);
    lost.addFallback(1);
    lost.addFallback(2);
    expect(lost.addFailure(0)).toBe('impossible');
  });

  it('counts one fallback alone at ANY', () => {
    const core = new PutCore(three, requirementOf('ANY', three, 'office'));
    expect(core.addFallback(1)).toBe('met');
  });
});

describe('a quorum read', () => {
  // Records stand for sets of letters: merging is union.
  const merge = (left: Buffer, right: Buffer): Buffer => {
    const union = [...new Set([...left.toString(), ...right.toString()])].sort().join('');
    if (union === left.toString()) return left;
    return union === right.toString() ? right : Buffer.from(union);
  };
  const equal = (left: Buffer, right: Buffer) => left.equals(right);

  it('answers the merged record and names who was stale', () => {
    const core = new GetCore(three, requirementOf('ALL', three, 'office'), merge);
    core.addRecord(0, Buffer.from('a'));
    core.addRecord(1, null);
    expect(core.addRecord(2, Buffer.from('ab'))).toBe('met');
    expect(core.merged()?.toString()).toBe('ab');
    expect(core.stale(equal)).toEqual([1, 2]);
  });

  it('counts an absent key as an answer', () => {
    const core = new GetCore(three, requirementOf('QUORUM', three, 'office'), merge);
    core.addRecord(0, null);
    expect(core.addRecord(1, null)).toBe('met');
    expect(core.merged()).toBeNull();
    expect(core.stale(equal)).toEqual([]);
  });

  it('is impossible once too many replicas have failed', () => {
    const core = new GetCore(three, requirementOf('QUORUM', three, 'office'), merge);
    core.addFailure(0);
    expect(core.addFailure(2)).toBe('impossible');
  });
});
