import { expect, test } from 'vitest';
import { linesPerMinuteMax, PacedLog } from '../../../core/gateway/resp/paced-log.ts';
import { LogCapture } from '../../support/log-capture.ts';
import { VirtualTime } from '../../support/virtual-time.ts';

test('a message that comes again and again fills no log, leaves room for others, and is counted', async () => {
  const time = new VirtualTime();
  const kept = new LogCapture();
  const log = new PacedLog(kept, time);
  for (let count = 0; count < 5_000; count++) log.warn('client closed: protocol error', { client: count });
  expect(kept.warnings).toHaveLength(linesPerMinuteMax);
  log.warn('another', { client: 1 });
  expect(kept.warnings.at(-1)).toEqual({ message: 'another', facts: { client: 1 } });
  await time.advance(60_000);
  log.warn('client closed: protocol error', { client: 5_001 });
  expect(kept.warnings.at(-1)!.facts).toEqual({ client: 5_001, leftOutBefore: 5_000 - linesPerMinuteMax });
});

test('messages that are all different are kept to one pace beyond a number of them', () => {
  const kept = new LogCapture();
  const log = new PacedLog(kept, new VirtualTime());
  for (let count = 0; count < 5_000; count++) log.error(`failure ${count}`);
  expect(kept.errors).toHaveLength(100 + linesPerMinuteMax);
});
