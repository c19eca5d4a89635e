/**
 * The same commands to Redis and to our gateway must get the same replies, byte for byte where time plays no part.
 * Skipped where no redis-server is installed.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { createServer } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import { inspect } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
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
    node = await startRespNode();
    await reachable(redisPort);
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
