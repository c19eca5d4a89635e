import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { partitionCount } from '../../../core/base/token.ts';
import {
  partitionOfTurn,
  defaultExpirySettings as settings,
  takenUntilMs,
  turnAt,
  turnTakesUntilMs,
} from '../../../core/replication/replica/expiry-turns.ts';
import { check } from '../../support/seeds.ts';

const moments = fc.integer({ min: 1_700_000_000_000, max: 2_000_000_000_000 });
const partitions = fc.integer({ min: 0, max: partitionCount - 1 });

describe('the turns of partitions', () => {
  it('take, at any moment, what has been over for between the margin and a cycle more', () => {
    check(
      fc.property(moments, partitions, (nowMs, partition) => {
        const ageMs = nowMs - takenUntilMs(partition, nowMs, settings);
        expect(ageMs).toBeGreaterThanOrEqual(settings.marginMs);
        expect(ageMs).toBeLessThanOrEqual(settings.marginMs + settings.cycleMs + 1);
      }),
    );
  });

  it('are each partition’s once a cycle', () => {
    const first = turnAt(1_800_000_000_000, settings);
    const cycle = Array.from({ length: partitionCount }, (_, index) => partitionOfTurn(first + index));
    expect(new Set(cycle).size).toBe(partitionCount);
    expect(partitionOfTurn(first + partitionCount)).toBe(partitionOfTurn(first));
  });

  it('take the same on nodes that come to them at different moments', () => {
    check(
      fc.property(moments, partitions, fc.integer({ min: 0, max: 900 }), (nowMs, partition, laterMs) => {
        const turn = turnAt(nowMs, settings);
        const isSameTurn = turnAt(nowMs + laterMs, settings) - turn < partitionCount / 2;
        if (!isSameTurn || partitionOfTurn(turn) !== partition) return;
        expect(takenUntilMs(partition, nowMs + laterMs, settings)).toBe(turnTakesUntilMs(turn, settings));
      }),
    );
  });
});
