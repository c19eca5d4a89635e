import { describe, expect, it } from 'vitest';
import { LatestAnswer } from '../../../renderer/src/api/latest-answer.ts';
import { VirtualTime } from '../../support/virtual-time.ts';

/** A host that answers each question after so many milliseconds, or fails it. */
function setUp(delayMs: (question: string) => number, fails: (question: string) => boolean = () => false) {
  const time = new VirtualTime();
  const asked: string[] = [];
  const told: string[] = [];
  const latest = new LatestAnswer<string, string>(
    (question) => {
      asked.push(question);
      return new Promise((resolve, reject) => {
        time.after(delayMs(question), () =>
          fails(question) ? reject(new Error(`no ${question}`)) : resolve(`re: ${question}`),
        );
      });
    },
    { answered: (answer) => told.push(answer), failed: (cause) => told.push((cause as Error).message) },
    (ms, action) => {
      const timer = time.after(ms, action);
      return () => timer.cancel();
    },
  );
  return { time, asked, told, latest };
}

describe('the latest answer', () => {
  it('is asked for once a person rests, not at each change', async () => {
    const { time, asked, told, latest } = setUp(() => 10);
    for (const question of ['a', 'ab', 'abc']) {
      latest.ask(question);
      await time.advance(50);
    }
    await time.advance(500);
    expect({ asked, told }).toEqual({ asked: ['abc'], told: ['re: abc'] });
  });

  it('is the only one told: an older question’s answer that comes late is dropped', async () => {
    const { time, asked, told, latest } = setUp((question) => (question === 'slow' ? 2_000 : 10));
    latest.ask('slow', true);
    await time.advance(300);
    latest.ask('fast');
    await time.advance(5_000);
    expect({ asked, told }).toEqual({ asked: ['slow', 'fast'], told: ['re: fast'] });
  });

  it('may be a failure; that of an older question is dropped, and the next is still asked', async () => {
    const { time, told, latest } = setUp(
      () => 400,
      (question) => question !== 'good',
    );
    latest.ask('bad', true);
    await time.advance(100);
    latest.ask('worse');
    await time.advance(2_000);
    latest.ask('good');
    await time.advance(2_000);
    expect(told).toEqual(['no worse', 're: good']);
  });

  it('is not told after closing', async () => {
    const { time, told, latest } = setUp(() => 10);
    latest.ask('a', true);
    latest.ask('b');
    latest.close();
    await time.advance(1_000);
    expect(told).toEqual([]);
  });
});
