/** The host's own connection to a node, against a real listener. */
import { afterEach, expect, test } from 'vitest';
import { NodeClient } from '../../core/host/node-client.ts';
import { type RespNode, startRespNode } from '../support/resp-target.ts';

let node: RespNode;
const clients: NodeClient[] = [];

function open(...greeting: string[]): NodeClient {
  const client = new NodeClient({ host: '127.0.0.1', port: node.port }, greeting);
  clients.push(client);
  return client;
}

afterEach(async () => {
  for (const client of clients.splice(0)) client.close();
  await node.server.close();
});

test('a command is not run anywhere when the node does not know the keyspace', async () => {
  node = await startRespNode();
  await expect(open('CT.KEYSPACE', 'orders').command(['SET', 'k', 'v'])).rejects.toMatchObject({
    code: 'not-ready',
  });
  await expect(
    open('CT.KEYSPACE', 'keyspace-0', 'ID', '99').command(['SET', 'k', 'v']),
  ).rejects.toMatchObject({
    code: 'not-ready',
  });
  expect(await open('SELECT', '0').command(['EXISTS', 'k'])).toBe(0);
  const right = open('CT.KEYSPACE', 'keyspace-0', 'ID', '1');
  expect(await Promise.all([right.command(['SET', 'k', 'v']), right.command(['EXISTS', 'k'])])).toEqual([
    'OK',
    1,
  ]);
});

test('a keyspace that was dropped is not found, and the connection is made again for the next command', async () => {
  node = await startRespNode();
  const client = open('CT.KEYSPACE', 'keyspace-3', 'ID', '4');
  expect(await client.command(['SET', 'k', 'v'])).toBe('OK');
  const all = node.store.keyspaceList;
  node.store.keyspaceList = all.filter(({ id }) => id !== 4);
  await expect(client.command(['GET', 'k'])).rejects.toMatchObject({ code: 'not-found' });
  const next = await client.command(['MGET', 'k', 'l']).catch((error) => error.code);
  // Before or after the node has closed the connection: run it is not.
  expect(['unavailable', 'not-ready']).toContain(next);
  node.store.keyspaceList = all;
  await expect.poll(() => client.command(['EXISTS', 'k']).catch(() => null)).toBe(1);
});

test('a mistake of the node is not the caller’s: internal, not bad input', async () => {
  node = await startRespNode();
  Object.assign(node.store, {
    read: () => {
      throw new TypeError('x is not a function');
    },
  });
  await expect(open('SELECT', '0').command(['GET', 'k'])).rejects.toMatchObject({ code: 'internal' });
});
