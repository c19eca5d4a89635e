import { describe, expect, it } from 'vitest';
import { MembershipNews, membershipViewOf } from '../../../core/host/view/membership-news.ts';
import type { Member } from '../../../core/membership/members.ts';
import type { TimedEvent } from '../../../core/node/membership-driver.ts';

const nameOf = (id: number) => `node-${id}`;
const atMs = 1_800_000_000_000;

function accusation(kind: 'suspected' | 'confirmed', by: number, silentMs: number | null): TimedEvent {
  return { kind, member: 3, incarnation: 1, by, silentMs, atMs };
}

const died: TimedEvent = {
  kind: 'died',
  member: 3,
  incarnation: 1,
  suspectedBy: 2,
  confirmedBy: [1],
  broadcastBy: 2,
  atMs,
};

describe('news of membership', () => {
  it('tells the four steps once each, whoever reports them', () => {
    const news = new MembershipNews(nameOf, (id) => id <= 3);
    const lines = [
      news.of(2, [accusation('suspected', 2, 1_000)]),
      news.of(1, [accusation('suspected', 2, null)]),
      news.of(1, [accusation('confirmed', 1, 1_000)]),
      news.of(2, [accusation('confirmed', 1, null)]),
      news.of(2, [died]),
      news.of(1, [{ ...died, broadcastBy: 1 }]),
      news.of(1, [{ kind: 'returned', member: 3, incarnation: 2, before: 'dead', atMs }]),
      news.of(2, [{ kind: 'returned', member: 3, incarnation: 2, before: 'dead', atMs }]),
    ].flat();
    expect(lines.map(({ message }) => message)).toEqual([
      'node-2 suspects node-3: no answer for 1000 ms.',
      'node-1 confirmed it: node-3 gave it no answer for 1000 ms either.',
      'node-3 is dead: node-2 and node-1 agree; all were told.',
      'node-3 answered again.',
    ]);
    expect(lines.map(({ severity }) => severity)).toEqual(['warning', 'warning', 'error', 'info']);
    expect(lines.every(({ subject }) => subject === 'node-3')).toBe(true);
  });

  it('reports hearsay only of nodes on other computers', () => {
    const news = new MembershipNews(nameOf, (id) => id === 1);
    expect(news.of(1, [accusation('suspected', 2, null)])[0].message).toBe(
      'node-2 suspects node-3: no answer.',
    );
  });

  it('takes two who suspect at once for one suspicion and its confirmation', () => {
    const news = new MembershipNews(nameOf, () => true);
    const kinds = [
      news.of(1, [accusation('suspected', 1, 400)]),
      news.of(2, [accusation('suspected', 2, 400)]),
    ];
    expect(kinds.flat()[1].message).toContain('node-2 confirmed it');
  });

  it('ignores what comes late, and begins anew with the next incarnation', () => {
    const news = new MembershipNews(nameOf, () => true);
    news.of(2, [died]);
    expect(news.of(1, [accusation('confirmed', 1, 900)])).toEqual([]);
    expect(news.of(1, [{ ...accusation('suspected', 1, 900), incarnation: 0 }])).toEqual([]);
    expect(news.of(1, [{ ...accusation('suspected', 1, 900), incarnation: 2 }])).toHaveLength(1);
  });
});

describe('the membership state of a node', () => {
  const member = (state: Member['state'], incarnation: number): Member => ({
    id: 3,
    state,
    incarnation,
    sinceMs: 5,
    suspectedBy: state === 'dead' ? 1 : null,
    confirmedBy: state === 'dead' ? [2] : [],
  });

  it('is the claim that wins among those who run here', () => {
    const views = [[member('suspect', 1)], [member('dead', 1)], []];
    expect(membershipViewOf(3, views, nameOf)).toEqual({
      state: 'dead',
      sinceMs: 5,
      suspectedBy: ['node-1'],
      confirmedBy: ['node-2'],
    });
    expect(membershipViewOf(3, [...views, [member('alive', 2)]], nameOf)?.state).toBe('alive');
  });

  it('is unknown when nobody here watches it', () => {
    expect(membershipViewOf(3, [[]], nameOf)).toBeNull();
  });
});
