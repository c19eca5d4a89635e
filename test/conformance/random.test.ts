import { describe, expect, it } from 'vitest';
import { systemRandom } from '../../core/platform/system-random.ts';
import { SeededRandom } from '../support/seeded-random.ts';
import { describeRandom } from './random-suite.ts';

describeRandom('of the operating system', () => systemRandom);
describeRandom('of a seed', () => new SeededRandom(1));

describe('a seed', () => {
  it('gives the same each time, and another seed something else', () => {
    const draw = (seed: number) => {
      const random = new SeededRandom(seed);
      return [random.next(), ...random.bytes(20), random.next()];
    };
    expect(draw(7)).toEqual(draw(7));
    expect(draw(7)).not.toEqual(draw(8));
  });
});
