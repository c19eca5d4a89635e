/** Abuses of the port for Redis clients. */
import type { Redis } from 'ioredis';
import { encodeCommand } from '../../../core/wire/resp/encoder.ts';
import { mebibyte } from '../intruder.ts';
import { craftedKey, plainKey } from '../twin-keys.ts';
import { type Abuse, type AbuseTarget, closed } from './abuse.ts';

const connectionCount = 10_000;
/** As many at once as the system keeps until they are taken. */
const connectionsAtOnce = 250;
const million = 1_000_000;

/** What the abuses ask for: a large value, and keys that are nearly as long as keys may be. */
export async function fillFor(client: Redis): Promise<void> {
  await client.set('large', Buffer.alloc(40 * mebibyte, 0x61));
  for (let index = 0; index < 40; index++) await client.set('a'.repeat(65_000) + index, 'v');
}

const repeated = (times: number, ...words: (string | Buffer)[]) =>
  Buffer.concat(Array.from({ length: times }, () => encodeCommand(words)));

/** Each of `count` connections sends `bytes`, and is closed for it. */
async function refusedEach(target: AbuseTarget, count: number, bytes: Buffer): Promise<void> {
  const sockets = await target.connectAll(count, target.clientPort);
  for (const socket of sockets) socket.write(bytes);
  await Promise.all(sockets.map(closed));
}

const manyConnections: Abuse = {
  name: '10,000 connections',
  holds: true,
  async run(target) {
    for (let count = 0; count < connectionCount && !target.isOver; count += connectionsAtOnce) {
      await target.connectAll(connectionsAtOnce, target.clientPort);
    }
  },
};

const halfSentBulks: Abuse = {
  name: '200 values of 50 MiB, half sent',
  holds: true,
  async run(target) {
    const part = Buffer.alloc(mebibyte, 0x61);
    for (const socket of await target.connectAll(200, target.clientPort)) {
      socket.write('*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$52428800\r\n');
      void target.pour(socket, part, 25);
    }
  },
};

const slowReaders: Abuse = {
  name: '50 readers of 20 × 40 MiB that do not read',
  holds: true,
  async run(target) {
    const wanted = repeated(20, 'GET', 'large');
    for (const socket of await target.connectAll(50, target.clientPort)) socket.pause().write(wanted);
  },
};

const endlessLines: Abuse = {
  name: 'a megabyte without a newline, 60 clients',
  holds: false,
  async run(target) {
    for (const first of ['x', '*', '*1\r\n$']) {
      await refusedEach(target, 20, Buffer.from(first + '1'.repeat(mebibyte)));
    }
  },
};

const deepArrays: Abuse = {
  name: 'arrays in arrays, 250,000 deep, 40 clients',
  holds: false,
  async run(target) {
    await refusedEach(target, 20, Buffer.from('*1\r\n'.repeat(250_000)));
    await refusedEach(target, 20, Buffer.from(`*2\r\n$4\r\nECHO\r\n${'*2\r\n'.repeat(250_000)}`));
  },
};

const millionKeys: Abuse = {
  name: 'MGET of a million keys, 4 clients',
  holds: true,
  async run(target) {
    const keys = Array.from({ length: million }, (_, index) => `absent:${index}`);
    const wanted = encodeCommand(['MGET', ...keys]);
    const sockets = await target.connectAll(4, target.clientPort);
    for (const socket of sockets) {
      socket.resume();
      void target.pour(socket, wanted, 3);
    }
  },
};

const longPatterns = ['a*'.repeat(16_384), `*${'a?'.repeat(16_000)}b*`, '['.repeat(32_768)];
/** As long as patterns may be. */
const costlyPatterns = ['a*'.repeat(511), `*${'a?'.repeat(500)}b*`, `*${'[ab]'.repeat(240)}[c]*`];

const patterns: Abuse = {
  name: 'KEYS and SCAN, patterns of 32 KiB and 1 KiB',
  holds: true,
  async run(target) {
    const commands = [...longPatterns, ...costlyPatterns].flatMap((pattern) => [
      encodeCommand(['KEYS', pattern]),
      encodeCommand(['SCAN', '0', 'MATCH', pattern, 'COUNT', '10000']),
    ]);
    const all = Buffer.concat(commands);
    for (const socket of await target.connectAll(8, target.clientPort)) {
      socket.resume();
      void target.pour(socket, all, 100);
    }
  },
};

const craftedKeys: Abuse = {
  name: 'keys of one slot, and two of one token, 8 clients',
  holds: true,
  async run(target) {
    for (const [number, socket] of (await target.connectAll(8, target.clientPort)).entries()) {
      const commands = Array.from({ length: 5_000 }, (_, index) => [
        encodeCommand(['SET', `{one slot}${number}:${index}`, 'value']),
        encodeCommand([
          'SET',
          index % 2 === 0 ? plainKey : craftedKey,
          index % 2 === 0 ? 'plain' : 'crafted',
        ]),
        encodeCommand(['GET', index % 2 === 0 ? craftedKey : plainKey]),
      ]);
      socket.resume();
      void target.pour(socket, Buffer.concat(commands.flat()), 20);
    }
  },
};

export const abusesOverRedis: readonly Abuse[] = [
  manyConnections,
  halfSentBulks,
  slowReaders,
  endlessLines,
  deepArrays,
  millionKeys,
  patterns,
  craftedKeys,
];
