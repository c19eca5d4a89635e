/** Counts of operations from a node to its hosts: what they hold is whole, and what is sent is what changed. */
import { describe, expect, it } from 'vitest';
import type { NodeFigures } from '../../../core/contract/node-views.ts';
import { figuresBy, OperationNews } from '../../../core/node-process/operation-news.ts';
import { OperationCounts } from '../../../core/replication/coordinator/operation-counts.ts';

const all = Array.from({ length: 256 }, (_, id) => ({ id, name: `keyspace-${id}` }));

/** A node with 256 keyspaces, each read and written once. */
function aNode() {
  const counts = new OperationCounts();
  counts.follow(all);
  const count = (id: number) => {
    counts.of(id)!.add('read', 'QUORUM', null);
    counts.of(id)!.add('write', 'QUORUM', null);
  };
  for (const { id } of all) count(id);
  const figures = () => ({ keyCount: 7, measures: { operations: counts.list() } }) as unknown as NodeFigures;
  return { counts, count, figures, news: new OperationNews() };
}

const sorted = ({ measures }: NodeFigures) =>
  measures!.operations.map((row) => JSON.stringify(row)).sort((a, b) => (a < b ? -1 : 1));

describe('counts of operations', () => {
  it('are sent whole to begin with, then those that changed, and the host has all of them', () => {
    const { figures, news, count, counts } = aNode();
    const first = news.messageOf(figures());
    expect([first.isWhole, first.figures.measures!.operations.length]).toEqual([true, 512]);
    let known = figuresBy(null, first);
    count(3);
    counts.of(9)!.add('read', 'ONE', null);
    const second = news.messageOf(figures());
    expect([second.isWhole, second.figures.measures!.operations.length]).toEqual([false, 3]);
    known = figuresBy(known, second);
    expect(sorted(known)).toEqual(sorted(figures()));
    const third = news.messageOf(figures());
    expect(third.figures.measures!.operations).toEqual([]);
    expect(JSON.stringify(third).length).toBeLessThan(JSON.stringify(first).length / 200);
    expect(sorted(figuresBy(known, third))).toEqual(sorted(figures()));
    expect(figuresBy(known, third).keyCount).toBe(7);
  });

  it('are whole again for the next host, which knows nothing', () => {
    const { figures, news, count } = aNode();
    news.messageOf(figures());
    count(3);
    news.anew();
    const message = news.messageOf(figures());
    expect(message.isWhole).toBe(true);
    expect(sorted(figuresBy(null, message))).toEqual(sorted(figures()));
  });

  it('of a keyspace that is gone go, also where another takes its name', () => {
    const { figures, news, counts } = aNode();
    let known = figuresBy(null, news.messageOf(figures()));
    counts.follow(all.slice(1));
    known = figuresBy(known, news.messageOf(figures()));
    expect(sorted(known)).toEqual(sorted(figures()));
    counts.follow([...all.slice(2), { id: 999, name: 'keyspace-1' }]);
    counts.of(999)!.add('read', 'QUORUM', null);
    known = figuresBy(known, news.messageOf(figures()));
    expect(sorted(known)).toEqual(sorted(figures()));
  });

  it('of a node of an earlier version stand as they come', () => {
    const { figures } = aNode();
    const before = figures();
    expect(figuresBy(before, { type: 'figures', figures: before })).toBe(before);
    const { measures: _, ...old } = before;
    expect(new OperationNews().messageOf(old as NodeFigures)).toMatchObject({ isWhole: true });
  });
});
