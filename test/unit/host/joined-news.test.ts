import { expect, it } from 'vitest';
import { JoinedNews } from '../../../core/host/view/joined-news.ts';
import type { News } from '../../../core/host/view/membership-news.ts';
import { VirtualTime } from '../../support/virtual-time.ts';

const minute = 60_000;
const about = (subject: string, number: number): News => ({
  subject,
  severity: 'error',
  message: `${subject} news ${number}.`,
});

it('news that repeats is joined, that of other nodes is not, and quiet ends it', async () => {
  const time = new VirtualTime();
  const told: News[] = [];
  const news = new JoinedNews({ timers: time, tell: (one) => told.push(one) });
  for (let number = 1; number <= 6_000; number++) news.tell(about('node-1', number));
  news.tell(about('node-2', 1));
  expect(told.filter(({ subject }) => subject === 'node-1').length).toBe(12);
  expect(told.at(-1)).toEqual(about('node-2', 1));

  await time.advance(10 * minute);
  expect(told.at(-1)).toEqual({
    subject: 'node-1',
    severity: 'warning',
    message:
      'node-1 came and went 5,988 more times in the last 10 minutes. The last of it: node-1 news 6000.',
  });
  // It goes on: one line for each ten minutes.
  const before = told.length;
  for (let number = 1; number <= 100; number++) news.tell(about('node-1', number));
  expect(told.length).toBe(before);
  await time.advance(10 * minute);
  expect(told.length).toBe(before + 1);
  // Ten quiet minutes later news is told at once again.
  await time.advance(10 * minute);
  news.tell(about('node-1', 1));
  expect(told.at(-1)).toEqual(about('node-1', 1));
});
