/** Every command family answers as recorded; resp-against-redis.test.ts holds the record against Redis itself. */
import { inspect } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { commandsOf, scripts } from '../support/resp-scripts.ts';
import { plain, RawClient, type RespNode, startRespNode } from '../support/resp-target.ts';

let node: RespNode;
beforeAll(async () => {
  node = await startRespNode();
});
afterAll(() => node.server.close());

test.each(Object.entries(scripts))('%s answer as recorded', async (_title, script) => {
  const client = await RawClient.connect(node.port);
  await client.call('FLUSHALL');
  const replies: string[] = [];
  for (const words of commandsOf(script)) {
    replies.push(`${words.join(' ')} → ${inspect(plain(await client.call(...words)))}`);
  }
  client.close();
  expect(replies.join('\n')).toMatchSnapshot();
});
