/** Work of which one begins when the one before it has ended. */
import { expect, it } from 'vitest';
import { InTurn } from '../../../core/base/in-turn.ts';

it('begins each piece of work once the one before has ended, also where that failed', async () => {
  const turns = new InTurn();
  const steps: string[] = [];
  const work = (name: string, fails: boolean) => async () => {
    steps.push(`${name} begins`);
    await Promise.resolve();
    steps.push(`${name} ends`);
    if (fails) throw new Error(name);
    return name;
  };
  const first = turns.run(work('first', true));
  const second = turns.run(work('second', false));
  await expect(first).rejects.toThrow('first');
  expect(await second).toBe('second');
  expect(steps).toEqual(['first begins', 'first ends', 'second begins', 'second ends']);
});

it('has ended when all that was asked for has, and fails for nobody but whoever asked', async () => {
  const turns = new InTurn();
  await turns.ended();
  let isDone = false;
  void turns.run(() => Promise.reject(new Error('nobody looks at this')));
  void turns.run(async () => {
    isDone = true;
  });
  await turns.ended();
  expect(isDone).toBe(true);
});
