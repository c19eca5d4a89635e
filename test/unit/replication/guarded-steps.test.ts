import { describe, expect, it } from 'vitest';
import { CoterieError } from '../../../core/base/errors.ts';
import { GuardedSteps } from '../../../core/replication/coordinator/guarded-steps.ts';

type Ends = [CoterieError | null, unknown][];

function watched(): { steps: GuardedSteps<number>; ends: Ends } {
  const ends: Ends = [];
  return { steps: new GuardedSteps<number>((error, result) => ends.push([error, result])), ends };
}

describe('guarded steps', () => {
  it('end once, with the first of what several steps report', () => {
    const { steps, ends } = watched();
    const late = steps.onAnswer<number>((answer) => steps.end(answer));
    steps.run(() => steps.end(1));
    late(null, 2);
    late(new CoterieError('busy', 'late'));
    steps.run(() => steps.end(3));
    expect(ends).toEqual([[null, 1]]);
  });

  it('end with what a later step throws, and take no step after it', () => {
    const { steps, ends } = watched();
    const bug = new TypeError('undefined is not a function');
    const answer = steps.onAnswer<number>(() => {
      throw bug;
    });
    let ran = false;
    answer(null, 1);
    steps.run(() => {
      ran = true;
    });
    expect(ends).toEqual([[bug, null]]);
    expect(ran).toBe(false);
  });

  it('let what `done` throws go to its caller, and still end once', () => {
    let ends = 0;
    const steps = new GuardedSteps<number>(() => {
      ends += 1;
      throw new Error('of the caller');
    });
    expect(() => steps.run(() => steps.run(() => steps.end(1)))).toThrow('of the caller');
    steps.run(() => steps.end(2));
    expect(ends).toBe(1);
  });

  it('do not deepen the stack, however many answers come at once', () => {
    const { steps, ends } = watched();
    const count = (left: number): void => {
      if (left === 0) steps.end(0);
      else steps.onAnswer<number>(count)(null, left - 1);
    };
    steps.run(() => count(200_000));
    expect(ends).toEqual([[null, 0]]);
  });
});
