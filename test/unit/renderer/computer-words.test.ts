/** Computers, codes and fingerprints in words. */
import { describe, expect, it } from 'vitest';
import type { ComputerView, FoundComputer } from '../../../core/contract/computer-views.ts';
import {
  clustersIn,
  countdownTo,
  groupsOf,
  kindOfFound,
  sinceInWords,
} from '../../../renderer/src/computers/computer-words.ts';

const computer: ComputerView = {
  ...{ id: 'c1', name: 'Gate', dataCenter: 'office', self: false, state: 'away' },
  ...{ address: null, heardAtMs: null, fingerprint: null, role: 'owner' },
};
const found = (name: string, cluster: string | null, heardAtMs = 0): FoundComputer => ({
  ...{ computer: name, address: `${name}:7400`, isOurs: cluster === 'ours', heardAtMs },
  cluster: cluster === null ? null : { id: cluster, name: cluster, fingerprint: '' },
});

describe('what people compare', () => {
  it.each([
    ['K7QM4XDR92HV', ['K7QM', '4XDR', '92HV']],
    ['K7QM-4XDR-92HV', ['K7QM', '4XDR', '92HV']],
    ['8f3a19c27be', ['8f3a', '19c2', '7be']],
    ['8f:3a:19:c2:7b:e4', ['8f3a', '19c2', '7be4']],
    ['8f3a:19c2', ['8f3a', '19c2']],
    ['', []],
  ])('%s is shown in groups', (text, groups) => {
    expect(groupsOf(text)).toEqual(groups);
  });

  it('counts down to the second, and says when it is over', () => {
    expect(countdownTo(600_000, 0)).toBe('10:00');
    expect(countdownTo(61_400, 0)).toBe('1:01');
    expect(countdownTo(400, 0)).toBe('0:00');
    expect(countdownTo(0, 0)).toBeNull();
  });
});

describe('the state of a computer', () => {
  it('tells how long it is away, and never that of one that was not heard of', () => {
    expect(sinceInWords({ ...computer, heardAtMs: 0 }, 180_000)).toBe('for 3 min');
    expect(sinceInWords(computer, 180_000)).toBe('not heard of since this computer started');
  });

  it('tells the age of what was heard only once it is old', () => {
    const reached = { ...computer, state: 'reached' as const, heardAtMs: 0 };
    expect(sinceInWords(reached, 2_000)).toBe('');
    expect(sinceInWords(reached, 60_000)).toBe('heard of 1 min ago');
    expect(sinceInWords({ ...reached, state: 'here' }, 60_000)).toBe('');
  });
});

describe('what is near', () => {
  it('is ours, of another cluster, or waits for one', () => {
    const all = [found('a', 'ours'), found('b', 'other'), found('c', null)];
    expect(all.map(kindOfFound)).toEqual(['ours', 'other', 'waiting']);
  });

  it('is gathered by cluster, with the computer first that was heard last', () => {
    const clusters = clustersIn([found('a', 'x', 1), found('b', 'x', 2), found('c', null), found('d', 'w')]);
    expect(clusters.map(({ id, computers }) => [id, ...computers.map((one) => one.computer)])).toEqual([
      ['w', 'd'],
      ['x', 'b', 'a'],
    ]);
  });
});
