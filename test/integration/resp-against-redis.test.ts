/**
 * The same commands to Redis and to our gateway must get the same replies, byte for byte where time plays no part.
 * Skipped where no redis-server is installed.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { createServer } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import { inspect } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { RespPush } from '../../core/wire/resp/reply-parser.ts';
import { keyspaceView, MemoryStore } from '../support/memory-store.ts';
import { commandsOf, scripts } from '../support/resp-scripts.ts';
import { plain, RawClient, type RespNode, startRespNode } from '../support/resp-target.ts';

const installed = spawnSync('redis-server', ['--version']).status === 0;
/** Raw bytes of broken requests: the words of the error and the end of the connection. */
const broken: readonly string[] = [
  '*1\r\n$-1\r\n',
  '*1\r\n$abc\r\n',
  '*1\r\n:1\r\n',
  '*1\r\nx\r\n',
  '*abc\r\n',
  '*3000000000\r\n',
  '*1\r\n$4294967296\r\n',
  'SET "unbalanced\r\n',
  "SET 'a'b c\r\n",
  `*${'1'.repeat(70_000)}`,
  `*1\r\n$${'1'.repeat(70_000)}`,
  'x'.repeat(70_000),
];

const eventScript = `SET {t}a 1 | RENAME {t}a {t}b | RENAMENX {t}b {t}c | SET {t}n 1 | BITFIELD {t}n OVERFLOW FAIL INCRBY u2 0 100 | BITFIELD {t}n SET u8 0 5 | BITFIELD {t}n SET u8 0 5
  | BITFIELD {t}n OVERFLOW FAIL INCRBY u2 0 100 SET u8 8 7 | BITFIELD {t}z OVERFLOW FAIL INCRBY u2 0 100 | BITFIELD {t}z SET u8 0 0 | BITFIELD {t}y SET u8 0 0 | BITFIELD {t}y SET u8 40 0
  | BITFIELD {t}y OVERFLOW FAIL INCRBY u2 100 9 | SETBIT {t}n 1 1 | SETBIT {t}n 1 1 | SETBIT {t}w 3 0 | SETBIT {t}w 30 0 | SET {t}past 1 PXAT 1 | SET {t}past 1 | SET {t}past 2 EXAT 1 GET
  | SET {t}past 1 XX PXAT 1 | SET {t}past 1 NX PXAT 1 | SET {t}r 1 EX 100 | EXPIRE {t}r -1 | SET {t}r 1 | GETEX {t}r PXAT 1 | SETRANGE {t}u 0 "" | SETRANGE {t}u 0 a | APPEND {t}u ""
  | GETSET {t}u y | GETDEL {t}u | BITOP OR {t}x {t}n {t}n | BITOP AND {t}x none none | COPY {t}n {t}m | RENAME {t}n {t}m | MULTI | SET {t}a 1 | RENAME {t}a {t}b | DEL {t}b | EXEC`;

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const address = server.address() as { port: number };
      server.close(() => resolve(address.port));
    });
  });
}

async function reachable(port: number): Promise<void> {
  const deadline = Date.now() + 10_000;
  while (Date.now() < deadline) {
    const client = await RawClient.connect(port).catch(() => null);
    if (client !== null) {
      client.close();
      return;
    }
    await setTimeout(50);
  }
  throw new Error(`nothing listens on port ${port}`);
}

describe.skipIf(!installed)('compared with the installed Redis', () => {
  let redis: ChildProcess;
  let redisPort = 0;
  let node: RespNode;

  beforeAll(async () => {
    redisPort = await freePort();
    const options = ['--port', String(redisPort), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'];
    redis = spawn('redis-server', [...options, '--proto-max-bulk-len', String(50 * 1_048_576)], {
      stdio: 'ignore',
    });
    const keyspaces = [keyspaceView(0, { notifications: 'KEA' }), keyspaceView(1)];
    node = await startRespNode({}, new MemoryStore({ keyspaces }));
    await reachable(redisPort);
    const client = await RawClient.connect(redisPort);
    await client.call('CONFIG', 'SET', 'notify-keyspace-events', 'KEA');
    client.close();
  });

  afterAll(async () => {
    redis.kill();
    await node.server.close();
  });

  test.each(Object.entries(scripts))('%s answer as Redis does', async (_title, script) => {
    const [theirs, ours] = await Promise.all([RawClient.connect(redisPort), RawClient.connect(node.port)]);
    await theirs.call('FLUSHALL');
    await ours.call('FLUSHALL');
    const expected: string[] = [];
    const actual: string[] = [];
    for (const words of commandsOf(script)) {
      expected.push(`${words.join(' ')} → ${inspect(plain(await theirs.call(...words)))}`);
      actual.push(`${words.join(' ')} → ${inspect(plain(await ours.call(...words)))}`);
    }
    expect(actual).toEqual(expected);
    theirs.close();
    ours.close();
  });

  test('keyspace events are those of Redis, in its order', async () => {
    const told = async (port: number): Promise<string[]> => {
      const [client, listener] = [await RawClient.connect(port), await RawClient.connect(port)];
      await client.call('FLUSHALL');
      await listener.call('PSUBSCRIBE', '__keyevent*');
      for (const words of commandsOf(eventScript)) {
        await client.call(...words);
        // Redis keeps a value whose time has passed until somebody looks.
        await client.call('EXISTS', '{t}past');
      }
      await client.call('SET', 'last', '1');
      const events: string[] = [];
      while (events.at(-1) !== 'set last') {
        const [, , channel, key] = plain(await listener.next()) as string[];
        events.push(`${channel.slice('__keyevent@0__:'.length)} ${key}`);
      }
      client.close();
      listener.close();
      return events;
    };
    const theirs = await told(redisPort);
    expect(theirs).toContain('rename_from {t}a');
    expect(await told(node.port)).toEqual(theirs);
  });

  test('CLIENT REPLY mutes what it mutes there, and never a message', async () => {
    const heard = async (port: number): Promise<unknown[]> => {
      const [client, ending] = [await RawClient.connect(port), await RawClient.connect(port)];
      client.write(
        [
          ...['CLIENT REPLY OFF', 'SUBSCRIBE a', 'UNSUBSCRIBE', 'SUBSCRIBE', 'PING no', 'CLIENT REPLY ON'],
          ...[
            'CLIENT REPLY SKIP',
            'PSUBSCRIBE a b',
            'PUNSUBSCRIBE',
            'PING yes',
            'HELLO 3',
            'CLIENT REPLY SKIP',
          ],
          ...[
            'SSUBSCRIBE a',
            'CLIENT REPLY OFF',
            'PUBLISH a no',
            'SUNSUBSCRIBE',
            'CLIENT REPLY ON',
            'PING end',
            '',
          ],
        ].join('\r\n'),
      );
      const all: unknown[] = [];
      while (all.at(-1) !== 'end') {
        const reply = await client.next();
        // What HELLO says of the server is its own.
        if (reply instanceof RespPush) all.push(plain(reply.items));
        else if (!(reply instanceof Map)) all.push(plain(reply));
      }
      client.close();
      ending.close();
      // In which order it leaves several is not fixed.
      return all.filter((reply) => !(Array.isArray(reply) && reply[0] === 'punsubscribe'));
    };
    const theirs = await heard(redisPort);
    expect(theirs).toContainEqual(['ssubscribe', 'a', 1]);
    expect(await heard(node.port)).toEqual(theirs);
  });

  test.each([2, 3])('COMMAND INFO tells of keys as Redis does (RESP%i)', async (protocol) => {
    const [theirs, ours] = await Promise.all([RawClient.connect(redisPort), RawClient.connect(node.port)]);
    for (const client of [theirs, ours]) await client.call('HELLO', protocol);
    const specifications = async (client: RawClient, names: readonly string[]) => {
      const all = plain(await client.call('COMMAND', 'INFO', ...names)) as unknown[][];
      return Object.fromEntries(all.map((information, index) => [names[index], information?.[8] ?? null]));
    };
    const listed = (plain(await ours.call('COMMAND')) as [string, number, unknown, number][]).flatMap(
      ([name, , , firstKey]) => (firstKey > 0 && !name.startsWith('ct.') ? [name] : []),
    );
    // Redis tells of the parts of these, and not of them.
    const names = listed.filter((name) => name !== 'object' && name !== 'memory');
    expect(names.length).toBeGreaterThan(45);
    expect(await specifications(ours, names)).toEqual(await specifications(theirs, names));
    theirs.close();
    ours.close();
  });

  test.each(broken.map((bytes) => [bytes.slice(0, 40).replaceAll('\r\n', '\\r\\n'), bytes]))(
    'the broken request %s is refused in the same words',
    async (_title, bytes) => {
      const answerOf = async (port: number): Promise<unknown> => {
        const client = await RawClient.connect(port);
        client.write(bytes);
        const reply = plain(await client.next());
        await client.whenClosed;
        return reply;
      };
      expect(await answerOf(node.port)).toEqual(await answerOf(redisPort));
    },
  );
});
