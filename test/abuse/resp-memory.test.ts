/**
 * What one account can make a node hold: unfinished commands, replies that nobody reads, results of commands without end. A
 * node keeps within its budget, serves others meanwhile, and has all of it back within a minute.
 */
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { encodeCommand } from '../../core/wire/resp/encoder.ts';
import { allowedMs } from '../support/abuse.ts';
import { RealCluster, waitUntil } from '../support/cluster.ts';
import { Bystander, forgetPeak, Intruder, lostAt, mebibyte, memoryOf } from '../support/intruder.ts';

const cluster = new RealCluster();
let port: number;
let client: Redis;
let pids: (number | null)[];

/** What the process needs without any client, the values that it keeps in memory, and what the runtime has not yet given back. */
const peakBytesMax = 1_600 * mebibyte;

beforeAll(async () => {
  await cluster.start('--nodes', '3');
  port = cluster.ports[0];
  client = new Redis({ host: '127.0.0.1', port });
  pids = (await cluster.nodes()).map(({ pid }) => pid);
  await client.set('big', Buffer.alloc(mebibyte, 0x61));
  await client.set('medium', Buffer.alloc(15_000, 0x61));
  await client.set('small', 'value');
});
afterAll(async () => {
  client?.disconnect();
  await cluster.dispose();
});

interface Figures {
  readonly peakBytes: number;
  readonly p99Ms: number;
  readonly heldBytes: number;
}

const heldBytes = async (): Promise<number> =>
  Number(/mem_clients_normal:([0-9]+)/.exec(await client.info('memory'))![1]);

/** Runs an attack for some seconds, with a bystander on the same node. */
async function during(
  attack: (intruder: Intruder, untilMs: number) => Promise<unknown>,
  forMs = 2_500,
): Promise<Figures> {
  const node = pids[0]!;
  forgetPeak(node);
  const bystander = new Bystander(port);
  const intruder = new Intruder(port);
  const untilMs = Date.now() + forMs;
  await attack(intruder, untilMs);
  await new Promise((resolve) => setTimeout(resolve, Math.max(0, untilMs - Date.now())));
  const held = await heldBytes();
  const { peakBytes } = memoryOf(node);
  const { p99Ms, maxMs, count } = await bystander.stop();
  intruder.leave();
  await waitUntil('all of it is let go', async () => (await heldBytes()) < 2 * mebibyte, 20_000);
  expect(bystander.failures).toEqual([]);
  expect(await lostAt(port, bystander.acknowledged)).toEqual([]);
  expect((await cluster.nodes()).map(({ pid }) => pid)).toEqual(pids);
  if (process.env.COTERIE_FIGURES !== undefined) {
    process.stdout.write(
      `${expect.getState().currentTestName}: peak ${Math.round(peakBytes / mebibyte)} MiB, held ${Math.round(held / mebibyte)} MiB, ` +
        `bystander p99 ${p99Ms.toFixed(0)} ms, at most ${maxMs.toFixed(0)} ms of ${count}\n`,
    );
  }
  expect(peakBytes).toBeLessThan(peakBytesMax);
  expect(p99Ms).toBeLessThan(allowedMs(2_000));
  return { peakBytes, p99Ms, heldBytes: held };
}

const command = (...words: (string | Buffer)[]): Buffer => encodeCommand(words);

describe('results without end', () => {
  test('one key, asked for three hundred thousand times by a client that leaves', async () => {
    const wanted = encodeCommand(['MGET', ...Array.from({ length: 300_000 }, () => 'medium')]);
    await during(async (intruder) => {
      for (const socket of await intruder.connect(4)) {
        socket.pause();
        socket.write(wanted);
      }
      await new Promise((resolve) => setTimeout(resolve, 1_000));
      intruder.leave();
    });
  });

  test('many of them at once, pipelined, by clients that never read', async () => {
    const wanted = encodeCommand(['MGET', ...Array.from({ length: 200 }, () => 'big')]);
    await during(async (intruder) => {
      for (const socket of await intruder.connect(30)) {
        socket.pause();
        for (let count = 0; count < 10; count++) socket.write(wanted);
      }
    });
  });
});

describe('replies that nobody reads', () => {
  test('of fifty clients', async () => {
    const wanted = Buffer.concat(Array.from({ length: 1_000 }, () => command('GET', 'big')));
    await during(async (intruder) => {
      for (const socket of await intruder.connect(50)) {
        socket.pause();
        socket.write(wanted);
      }
    });
  });

  test('of a hundred thousand COMMAND DOCS, in RESP3', async () => {
    const wanted = Buffer.concat([
      command('HELLO', '3'),
      ...Array.from({ length: 100_000 }, () => command('COMMAND', 'DOCS')),
    ]);
    await during(async (intruder) => {
      for (const socket of await intruder.connect(20)) {
        socket.pause();
        socket.write(wanted);
      }
    });
  });
});

describe('commands without end', () => {
  test('twenty MSETs of a quarter of a gigabyte', async () => {
    const value = command('SET', 'k', Buffer.alloc(mebibyte)).subarray('*3\r\n$3\r\nSET\r\n'.length);
    await during(async (intruder, untilMs) => {
      const sockets = await intruder.connect(20);
      await Promise.all(
        sockets.map(async (socket) => {
          socket.write('*1001\r\n$4\r\nMSET\r\n');
          await intruder.pour(socket, value, 250, untilMs);
        }),
      );
    });
  });

  test('words that are empty, a million to a command', async () => {
    const words = Buffer.from('$0\r\n\r\n'.repeat(10_000));
    await during(async (intruder, untilMs) => {
      const sockets = await intruder.connect(20);
      await Promise.all(
        sockets.map(async (socket) => {
          socket.write('*1000000\r\n');
          await intruder.pour(socket, words, 99, untilMs);
        }),
      );
    });
  });

  test('two hundred values of fifty mebibytes, each of them half sent', async () => {
    const part = Buffer.alloc(mebibyte);
    await during(async (intruder, untilMs) => {
      const sockets = await intruder.connect(200);
      await Promise.all(
        sockets.map(async (socket) => {
          socket.write('*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$52428800\r\n');
          await intruder.pour(socket, part, 25, untilMs);
        }),
      );
    });
  });
});

describe('what is asked for in good faith', () => {
  test('twelve clients write fifty mebibytes each at the same time, and read them', async () => {
    const clients = Array.from(
      { length: 12 },
      () => new Redis({ host: '127.0.0.1', port, maxRetriesPerRequest: 0, commandTimeout: 40_000 }),
    );
    const value = Buffer.alloc(50 * mebibyte - 1_000, 0x62);
    // Without a listener the library writes to the console what a failed command says anyway.
    for (const each of clients) each.on('error', () => {});
    forgetPeak(pids[0]!);
    try {
      await Promise.all(clients.map((each, index) => each.set(`large:${index % 3}`, value)));
      const lengths = await Promise.all(clients.map((each, index) => each.getBuffer(`large:${index % 3}`)));
      expect(lengths.map((found) => found?.length)).toEqual(clients.map(() => value.length));
    } finally {
      for (const each of clients) each.disconnect();
    }
    if (process.env.COTERIE_FIGURES !== undefined) {
      process.stdout.write(
        `in good faith: peak ${Math.round(memoryOf(pids[0]!).peakBytes / mebibyte)} MiB\n`,
      );
    }
  });
});
