/** Packets that were recorded, come twice, late or from a sender that has just started. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ReplayWindow } from '../../../core/membership/replay-window.ts';
import { FreshPackets } from '../../../core/node/fresh-packets.ts';
import { SeededRandom } from '../../support/seeded-random.ts';
import { check } from '../../support/seeds.ts';

const of = (seed: number, ...ids: number[]) => {
  const packets = new FreshPackets(new SeededRandom(seed));
  packets.follow(ids);
  return packets;
};

/** `receiver` asks `sender`, and gets its answer. */
function meet(receiver: FreshPackets, sender: FreshPackets, nowMs = 0): void {
  expect(receiver.isFresh(1, sender.stampFor(2), null)).toBe(false);
  const sequence = receiver.question(1, nowMs)!;
  expect(receiver.isFresh(1, sender.stampFor(2), { type: 'ack', sequence })).toBe(true);
}

describe('a replay window', () => {
  it('takes each number once, in whatever order they come within its width', () => {
    check(
      fc.property(fc.array(fc.integer({ min: 1, max: 60 }), { maxLength: 80 }), (numbers) => {
        const window = new ReplayWindow({ run: 1, number: 1 });
        const taken = new Set([1]);
        for (const number of numbers) {
          expect(window.take({ run: 1, number })).toBe(!taken.has(number));
          taken.add(number);
        }
      }),
    );
  });

  it('takes nothing that is too old to know, nor of another run', () => {
    const window = new ReplayWindow({ run: 1, number: 1 });
    expect(window.take({ run: 1, number: 1_000 })).toBe(true);
    expect(window.take({ run: 1, number: 1_000 - 63 })).toBe(true);
    expect(window.take({ run: 1, number: 1_000 - 64 })).toBe(false);
    expect(window.take({ run: 2, number: 1_001 })).toBe(false);
    expect(window.take({ run: 1, number: 2 ** 32 - 1 })).toBe(true);
    expect(window.take({ run: 1, number: 1_000 })).toBe(false);
  });
});

describe('packets of members', () => {
  it('count once their sender has answered what it was asked now', () => {
    const [receiver, sender] = [of(1, 1), of(2, 2)];
    const recorded = [1, 2, 3].map(() => sender.stampFor(2));
    meet(receiver, sender);
    for (const stamp of recorded) expect(receiver.isFresh(1, stamp, null)).toBe(true);
    // Among the last, each of them once.
    for (const stamp of recorded) expect(receiver.isFresh(1, stamp, null)).toBe(false);
    expect(receiver.isFresh(1, sender.stampFor(2), null)).toBe(true);
  });

  it('of a run before count for nothing after the sender started anew', () => {
    const [receiver, before, after] = [of(1, 1), of(2, 2), of(3, 2)];
    meet(receiver, before);
    const recorded = Array.from({ length: 100 }, () => before.stampFor(2));
    meet(receiver, after, 1_000);
    for (const stamp of recorded) expect(receiver.isFresh(1, stamp, null)).toBe(false);
    expect(receiver.isFresh(1, after.stampFor(2), null)).toBe(true);
  });

  it('that answer another question, or one of long ago, open nothing', () => {
    const [receiver, sender] = [of(1, 1), of(2, 2)];
    const first = receiver.question(1, 0)!;
    expect(receiver.isFresh(1, sender.stampFor(2), { type: 'ack', sequence: (first + 1) % 2 ** 32 })).toBe(
      false,
    );
    expect(receiver.question(1, 1_000)).toBe(first);
    expect(receiver.question(1, 11_000)).not.toBe(first);
    expect(receiver.isFresh(1, sender.stampFor(2), { type: 'ack', sequence: first })).toBe(false);
  });

  it('are asked about no more often than four times a second', () => {
    const receiver = of(1, 1);
    const asked = Array.from({ length: 1_000 }, (_, ms) => receiver.question(1, ms)).filter(
      (sequence) => sequence !== null,
    );
    expect(asked).toHaveLength(4);
    expect(Array.from({ length: 1_000 }, (_, ms) => receiver.mayAnswer(1, ms)).filter(Boolean)).toHaveLength(
      4,
    );
  });

  it('are kept account of while the sender is a member', () => {
    const [receiver, sender] = [of(1, 1), of(2, 2)];
    meet(receiver, sender);
    receiver.follow([]);
    receiver.follow([1]);
    expect(receiver.isFresh(1, sender.stampFor(2), null)).toBe(false);
  });
});
