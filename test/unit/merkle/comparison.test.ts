/** Comparisons find exactly what differs, and cost what differs. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bitsFor } from '../../../core/merkle/tree.ts';
import { check } from '../../support/seeds.ts';
import { compare, keyOf, offsetOf, Replica, recordOf } from './synthetic.ts';

const bits = fc.integer({ min: 0, max: 4 }).map((half) => half * 2);
/** 0: not held. */
const holdings = fc.array(fc.tuple(fc.nat(3), fc.nat(3)), { maxLength: 120 });

const ascending = (offsets: readonly number[]) => [...offsets].sort((a, b) => a - b);

describe('a comparison', () => {
  it('finds exactly the differing keys and their direction, also between trees of different depth', () => {
    check(
      fc.property(bits, bits, holdings, (leftBits, rightBits, held) => {
        const left = new Replica(leftBits);
        const right = new Replica(rightBits);
        const expected = {
          missingHere: [] as number[],
          missingThere: [] as number[],
          different: [] as number[],
        };
        held.forEach(([here, there], number) => {
          const key = keyOf(number);
          if (here > 0) left.set(key, recordOf(here));
          if (there > 0) right.set(key, recordOf(there));
          if (here === there) return;
          if (here === 0) expected.missingHere.push(offsetOf(key));
          else if (there === 0) expected.missingThere.push(offsetOf(key));
          else expected.different.push(offsetOf(key));
        });
        const found = compare(left, right);
        expect(found.missingHere).toEqual(ascending(expected.missingHere));
        expect(found.missingThere).toEqual(ascending(expected.missingThere));
        expect(found.different).toEqual(ascending(expected.different));
      }),
    );
  });

  it('of equal replicas exchanges roots and nothing else', () => {
    const left = new Replica(bitsFor(5_000));
    const right = new Replica(bitsFor(500));
    for (let key = 0; key < 1_000; key++) {
      left.set(keyOf(key), recordOf(1));
      right.set(keyOf(key), recordOf(1));
    }
    const { nodesExchanged, positionsListed } = compare(left, right);
    expect({ nodesExchanged, positionsListed }).toEqual({ nodesExchanged: 1, positionsListed: 0 });
  });

  it('costs a path for each difference: nodes grow with the logarithm of the keys', () => {
    for (const keyCount of [100, 1_000, 10_000, 40_000]) {
      const width = bitsFor(keyCount);
      const left = new Replica(width);
      const right = new Replica(width);
      for (let key = 0; key < keyCount; key++) {
        left.set(keyOf(key), recordOf(1));
        right.set(keyOf(key), recordOf(1));
      }
      const levelCount = Math.ceil(width / 4);
      for (const differences of [1, 4]) {
        right.set(keyOf(differences), recordOf(2));
        if (differences === 4) for (const key of [2, 3]) right.set(keyOf(key), null);
        const { nodesExchanged, positionsListed, different, missingThere } = compare(left, right);
        expect(different.length + missingThere.length).toBe(differences);
        expect(nodesExchanged).toBeLessThanOrEqual(1 + 16 * levelCount * differences);
        expect(positionsListed).toBeLessThanOrEqual(differences * 40);
      }
    }
  });
});
