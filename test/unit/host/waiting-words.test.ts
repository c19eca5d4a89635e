/** What people read about a change that is not finished. */
import { describe, expect, it } from 'vitest';
import { type WaitedFor, waitingInWords } from '../../../core/host/layouts/waiting-words.ts';

const one = (name: string, step: WaitedFor['step'], more: Partial<WaitedFor> = {}): WaitedFor => ({
  ...{ name, step, state: 'up', forMs: 5_000 },
  ...more,
});

it('nodes that are waited for at one step are named in one sentence', () => {
  expect(waitingInWords([one('node-1', 'fetch'), one('node-2', 'agree'), one('node-3', 'fetch')])).toEqual([
    'node-1 and node-3 are getting their share.',
    'node-2 has yet to hear that all others have their share.',
  ]);
});

describe('a node that is away', () => {
  it('is told first: since when, what brings it back, and what to do where nothing does', () => {
    const stopped = one('node-2', 'hear', { state: 'stopped', forMs: 190_000 });
    const [first, ...others] = waitingInWords([one('node-1', 'finish'), stopped, one('node-3', 'finish')]);
    expect(first).toBe(
      'The change waits for node-2, which has been stopped for 3 min. Start it: coterie node start node-2, or Start in the list of nodes. ' +
        'If it is gone for good, replace it (coterie node replace node-2 --apply), or give it up for dead ' +
        '(coterie node remove node-2 --dead --apply); both are under Change… in the list of nodes. ' +
        'Copies that come meanwhile count once node-2 was asked too.',
    );
    // They would be said to finish writes, though it is the one that is away that they wait for.
    expect(others).toEqual([]);
  });

  it.each([
    ['failed', 'has been unable to run for 2 h. See why'],
    ['paused', 'has been standing still for 2 h. Let it go on: coterie node resume node-2'],
    ['down', 'has been down for 2 h. It starts again by itself.'],
    ['away', 'has been away for 2 h. Turn its computer on'],
  ] as const)('says what helps where it is %s', (state, words) => {
    const [first] = waitingInWords([one('node-2', 'fetch', { state, forMs: 7_300_000 })]);
    expect(first).toContain(words);
  });

  it('is told without a time where nobody knows since when', () => {
    const [first] = waitingInWords([one('node-2', 'fetch', { state: 'away', forMs: null })]);
    expect(first).toContain('which is away. Turn its computer on');
  });

  it('is counted, where there are many', () => {
    const many = Array.from({ length: 5 }, (_, index) => one(`node-${index}`, 'hear', { state: 'stopped' }));
    expect(waitingInWords(many)).toHaveLength(4);
    expect(waitingInWords(many)[3]).toBe('2 more are away, and waited for as well: coterie status.');
  });
});
