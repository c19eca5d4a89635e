/** Which partitions come and go just now, and how far each is. */
import { expect, it } from 'vitest';
import { MovingPartitions } from '../../../core/repair/moving-partitions.ts';
import { newTransferFigures } from '../../../core/repair/record-transfer.ts';
import { VirtualTime } from '../../support/virtual-time.ts';

it('lists what was begun and has not ended, with what was brought so far', async () => {
  const time = new VirtualTime();
  const moving = new MovingPartitions(time);
  let begunCount = 0;
  moving.onBegin(() => begunCount++);
  const figures = newTransferFigures();
  const one = moving.begin({ keyspace: 0, partition: 417, direction: 'from', peer: 2 }, figures);
  await time.advance(40);
  const given = newTransferFigures();
  const other = moving.begin({ keyspace: 0, partition: 5, direction: 'to', peer: 3 }, given);
  one.reached(0.5);
  figures.valueBytes = 900;
  figures.recordsReceived = 7;
  given.recordsSent = 2;
  await time.advance(60);
  expect(moving.list()).toEqual([
    { keyspace: 0, partition: 417, direction: 'from', peer: 2, share: 0.5, keys: 7, bytes: 900, tookMs: 100 },
    { keyspace: 0, partition: 5, direction: 'to', peer: 3, share: null, keys: 2, bytes: 0, tookMs: 60 },
  ]);
  one.end();
  expect(moving.list().map(({ partition }) => partition)).toEqual([5]);
  other.end();
  expect(moving.list()).toEqual([]);
  expect(begunCount).toBe(2);
});
