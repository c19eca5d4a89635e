/** Which partitions come just now, and how far each is. */
import { expect, it } from 'vitest';
import { MovingPartitions } from '../../../core/repair/moving-partitions.ts';
import { newTransferFigures } from '../../../core/repair/record-transfer.ts';
import { VirtualTime } from '../../support/virtual-time.ts';

it('lists what was begun and has not ended, with what came so far', async () => {
  const time = new VirtualTime();
  const moving = new MovingPartitions(time);
  let begunCount = 0;
  moving.onBegin(() => begunCount++);
  const figures = newTransferFigures();
  const one = moving.begin({ keyspace: 0, partition: 417, peer: 2 }, figures);
  await time.advance(40);
  const other = moving.begin({ keyspace: 0, partition: 5, peer: 3 }, newTransferFigures());
  one.reached(0.5);
  figures.valueBytes = 900;
  await time.advance(60);
  expect(moving.list()).toEqual([
    { keyspace: 0, partition: 417, peer: 2, share: 0.5, bytes: 900, tookMs: 100 },
    { keyspace: 0, partition: 5, peer: 3, share: null, bytes: 0, tookMs: 60 },
  ]);
  one.end();
  expect(moving.list().map(({ partition }) => partition)).toEqual([5]);
  other.end();
  expect(moving.list()).toEqual([]);
  expect(begunCount).toBe(2);
});
