/** The budget holds where commands come from other nodes, too, and where their replies pass through. */
import { Redis } from 'ioredis';
import { afterAll, expect, test } from 'vitest';
import { encodeCommand } from '../../core/wire/resp/encoder.ts';
import { allowedMs } from '../support/abuse.ts';
import { RealCluster } from '../support/cluster.ts';
import { Bystander, forgetPeak, Intruder, lostAt, mebibyte, memoryOf } from '../support/intruder.ts';

const cluster = new RealCluster();
/** As on one node, and what lies in the links between them, which is bounded by itself. */
const peakBytesMax = 1_600 * mebibyte;

afterAll(() => cluster.dispose());

test('large values that other nodes hold, asked for and written by clients that never read', async () => {
  await cluster.start('--nodes', '5');
  const [port, otherPort] = cluster.ports;
  const pids = (await cluster.nodes()).map(({ pid }) => pid!);
  const client = new Redis({ host: '127.0.0.1', port });
  const value = Buffer.alloc(mebibyte, 0x61);
  const keys = Array.from({ length: 20 }, (_, index) => `big:${index}`);
  for (const key of keys) await client.set(key, value);
  for (const pid of pids) forgetPeak(pid);
  const forwardedBefore = Number(/forwarded_commands:([0-9]+)/.exec(await client.info('stats'))![1]);
  const bystanders = [port, otherPort].map((each) => new Bystander(each));
  const intruder = new Intruder(port);
  const reads = Buffer.concat(keys.map((key) => encodeCommand(['GET', key])));
  const many = encodeCommand([
    'MGET',
    ...Array.from({ length: 400 }, (_, index) => keys[index % keys.length]),
  ]);
  const writes = Buffer.concat(keys.map((key) => encodeCommand(['GETSET', key, value])));
  const untilMs = Date.now() + 6_000;
  const sockets = await intruder.connect(45);
  await Promise.all(
    sockets.map(async (socket, index) => {
      socket.pause();
      if (index % 3 === 0) await intruder.pour(socket, reads, 100, untilMs);
      else if (index % 3 === 1) await intruder.pour(socket, many, 20, untilMs);
      else await intruder.pour(socket, writes, 3, untilMs);
    }),
  );
  await new Promise((resolve) => setTimeout(resolve, Math.max(0, untilMs - Date.now())));
  const peaks = pids.map((pid) => memoryOf(pid).peakBytes);
  const forwarded = Number(/forwarded_commands:([0-9]+)/.exec(await client.info('stats'))![1]);
  intruder.leave();
  const figures = [];
  for (const bystander of bystanders) figures.push(await bystander.stop());
  client.disconnect();
  if (process.env.COTERIE_FIGURES !== undefined) {
    process.stdout.write(
      `forwarded ${forwarded - forwardedBefore}, peaks ${peaks.map((peak) => Math.round(peak / mebibyte))} MiB, ` +
        `p99 ${figures.map(({ p99Ms }) => p99Ms.toFixed(0))} ms of ${figures.map(({ count }) => count)}\n`,
    );
  }
  expect(forwarded).toBeGreaterThan(forwardedBefore);
  for (const peak of peaks) expect(peak).toBeLessThan(peakBytesMax);
  for (const { p99Ms } of figures) expect(p99Ms).toBeLessThan(allowedMs(15_000));
  expect((await cluster.nodes()).map(({ pid }) => pid)).toEqual(pids);
  // Both write the same keys: what one has acknowledged the other may have replaced, but nothing is gone.
  const lost = await lostAt(otherPort, bystanders[1].acknowledged, (found) => found !== null);
  expect(lost).toEqual([]);
});
