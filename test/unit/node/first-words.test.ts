/** When a node that has started may go by what it knows of itself. */
import { beforeEach, describe, expect, it } from 'vitest';
import { FirstWords } from '../../../core/node/first-words.ts';
import { VirtualTime } from '../../support/virtual-time.ts';

let time: VirtualTime;
let words: FirstWords;
let linked: Set<number>;
let newsCount: number;

beforeEach(() => {
  time = new VirtualTime();
  linked = new Set();
  newsCount = 0;
  words = new FirstWords(time, () => {
    newsCount++;
  });
});

const link = (peer: number) => {
  linked.add(peer);
  words.linked(peer);
};
const areEnough = (...others: number[]) =>
  words.areEnough(
    () => others,
    (peer) => linked.has(peer),
  );

describe('what a node knows of itself', () => {
  it('is enough at once where there is no other node', () => {
    expect(areEnough()).toBe(true);
  });

  it('is enough once every other has been heard, as after a power cut of all', () => {
    for (const peer of [2, 3]) link(peer);
    words.heard(2);
    expect(areEnough(2, 3)).toBe(false);
    words.heard(3);
    expect(areEnough(2, 3)).toBe(true);
    expect(newsCount).toBe(2);
  });

  it('is enough for good then: whoever joins later knows nothing of before', () => {
    words.heard(2);
    expect(areEnough(2)).toBe(true);
    link(3);
    expect(areEnough(2, 3)).toBe(true);
  });

  it('does not wait for ever for one that cannot be reached', async () => {
    words.heard(2);
    expect(areEnough(2, 3)).toBe(false);
    await time.advance(2_000);
    expect(areEnough(2, 3)).toBe(true);
    expect(newsCount).toBe(2);
  });

  it('is not enough any more once that one can be reached, until it is heard', async () => {
    await time.advance(2_000);
    expect(areEnough(2)).toBe(true);
    link(2);
    expect(areEnough(2)).toBe(false);
    words.heard(2);
    expect(areEnough(2)).toBe(true);
  });

  it('does not wait for ever for one that is reached and says nothing, however often its link comes anew', async () => {
    link(2);
    await time.advance(1_500);
    words.linked(2);
    expect(areEnough(2)).toBe(false);
    await time.advance(500);
    expect(areEnough(2)).toBe(true);
  });
});
