import { describe, expect, it } from 'vitest';
import { Latest } from '../../../core/base/latest.ts';

describe('the latest answer', () => {
  it('is reckoned anew only where something else is asked about', () => {
    let count = 0;
    const latest = new Latest<number>();
    const ask = (...asked: unknown[]) => latest.of(asked, () => ++count);
    const [one, other] = [{}, {}];
    expect([ask(one, 1), ask(one, 1), ask(other, 1), ask(one, 1), ask(one), ask(one, 2)]).toEqual([
      1, 1, 2, 3, 4, 5,
    ]);
  });

  it('is asked for again where it could not be reckoned', () => {
    const latest = new Latest<number>();
    const failing = () =>
      latest.of([], () => {
        throw new Error('not now');
      });
    expect(failing).toThrow('not now');
    expect(latest.of([], () => 1)).toBe(1);
  });
});
