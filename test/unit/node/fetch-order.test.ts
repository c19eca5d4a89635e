/** What is fetched first, so that data is whole partition after partition. */
import { describe, expect, it } from 'vitest';
import { inBatches } from '../../../core/node/fetch-order.ts';

const range = (from: number, until: number) =>
  Array.from({ length: until - from }, (_, index) => from + index);

describe('what a node lacks', () => {
  const wanted = [
    { keyspace: 0, peer: 1, partitions: range(0, 100) },
    { keyspace: 0, peer: 2, partitions: range(0, 100) },
    { keyspace: 7, peer: 2, partitions: [3] },
  ];

  it('is fetched some partitions at a time, from everybody before the next ones', () => {
    const batches = inBatches(wanted, 0).filter(({ keyspace }) => keyspace === 0);
    const seen: number[] = [];
    for (let at = 0; at < batches.length; at += 2) {
      expect(batches[at].partitions).toEqual(batches[at + 1].partitions);
      expect(new Set([batches[at].peer, batches[at + 1].peer])).toEqual(new Set([1, 2]));
      seen.push(...batches[at].partitions);
    }
    expect(seen).toEqual(range(0, 100));
  });

  it('is first asked of another peer each time', () => {
    const firsts = (turn: number) =>
      inBatches(wanted, turn)
        .filter((_, index) => index % 2 === 0)
        .map(({ peer }) => peer);
    expect(firsts(0).slice(0, 4)).toEqual([1, 2, 1, 2]);
    expect(firsts(1).slice(0, 4)).toEqual([2, 1, 2, 1]);
  });

  it('is asked of nobody twice, and of all who were wanted', () => {
    const all = inBatches(wanted, 5).flatMap(({ keyspace, peer, partitions }) =>
      partitions.map((partition) => `${keyspace} ${peer} ${partition}`),
    );
    expect(new Set(all).size).toBe(all.length);
    expect(all).toHaveLength(201);
  });
});
