/** The host's own connection to a node, against a real listener. */
import { createServer, type Server, type Socket } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { createRespServer } from '../../core/gateway/resp/server.ts';
import { DataAccess } from '../../core/host/data-access.ts';
import { NodeClient } from '../../core/host/node-client.ts';
import { silentLog } from '../../core/ports/log.ts';
import { mutualProofOf } from '../../core/security/mutual-proof.ts';
import { Secrets } from '../../core/security/secrets.ts';
import { MemoryStore } from '../support/memory-store.ts';
import {
  plain,
  RawClient,
  type RespNode,
  realClock,
  realRandom,
  realTimers,
  startRespNode,
} from '../support/resp-target.ts';

let node: RespNode;
const clients: NodeClient[] = [];

function open(...greeting: string[]): NodeClient {
  const client = new NodeClient(
    { proof: null },
    { name: 'node-1', host: '127.0.0.1', port: node.port },
    greeting,
  );
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

describe('host and node show each other who they are', () => {
  const proof = mutualProofOf(Secrets.of(Buffer.alloc(32, 7)), 'coterie host 1', realRandom);
  const otherProof = mutualProofOf(Secrets.of(Buffer.alloc(32, 8)), 'coterie host 1', realRandom);
  const strangers: Server[] = [];

  afterEach(async () => {
    for (const stranger of strangers.splice(0)) {
      await new Promise((resolve) => stranger.close(resolve));
    }
  });

  async function startProving(hostProof = proof, clientCountMax = 100): Promise<RespNode> {
    const store = new MemoryStore();
    const components = {
      ...{ store, hostProof, clock: realClock, timers: realTimers, random: realRandom, log: silentLog },
    };
    const server = createRespServer(components, { port: 0, clientCountMax });
    node = { store, server, port: await server.listen() };
    return node;
  }

  /** Somebody who listens where a node was, and keeps what it is told. */
  async function listen(
    answer: (bytes: string, socket: Socket) => void,
  ): Promise<{ port: number; heard: string[] }> {
    const heard: string[] = [];
    const stranger = createServer((socket) => {
      socket.on('error', () => {});
      socket.on('data', (chunk) => {
        heard.push(chunk.toString('latin1'));
        answer(chunk.toString('latin1'), socket);
      });
    });
    strangers.push(stranger);
    await new Promise<void>((resolve) => stranger.listen(0, '127.0.0.1', resolve));
    return { port: (stranger.address() as { port: number }).port, heard };
  }

  const at = (port: number, name = 'node-1') => ({ name, host: '127.0.0.1', port });
  const access = (...places: ReturnType<typeof at>[]) => {
    const data = new DataAccess(
      { proof },
      () => places,
      () => 1,
    );
    clients.push(data as unknown as NodeClient);
    return data;
  };

  test('then commands go, and the connection is the host’s: it takes no place and nobody cuts it', async () => {
    await startProving(proof, 1);
    const client = new NodeClient({ proof }, at(node.port), ['CT.KEYSPACE', 'keyspace-0', 'ID', '1']);
    clients.push(client);
    expect(await client.command(['SET', 'k', 'v'])).toBe('OK');
    const user = await RawClient.connect(node.port);
    const list = String(plain(await user.call('CLIENT', 'LIST')));
    expect(list).toMatch(/flags=H .*user=\(host\)/);
    const address = /addr=(\S+) .*flags=H/.exec(list)![1];
    const id = /id=([0-9]+) .*flags=H/.exec(list)![1];
    expect(plain(await user.call('CLIENT', 'KILL', address))).toBe('-ERR No such client');
    for (const filter of [
      ['ID', id],
      ['ADDR', address],
      ['TYPE', 'normal'],
      ['USER', '(host)'],
    ]) {
      expect(plain(await user.call('CLIENT', 'KILL', ...filter))).toBe(0);
    }
    expect(String(await user.call('CLIENT', 'LIST', 'TYPE', 'normal'))).not.toContain('flags=H');
    expect(plain(await user.call('CT.HOST', 'PROVE', '0'.repeat(64)))).toMatch(/^-NOPERM/);
    await user.whenClosed;
    expect(await client.command(['GET', 'k'])).toEqual(Buffer.from('v'));
  });

  test.each([
    ['says anything else', (_: string, socket: Socket) => void socket.write('+OK\r\n')],
    [
      'sends the nonce back',
      (bytes: string, socket: Socket) => {
        const nonce = /[0-9a-f]{64}/.exec(bytes)?.[0] ?? '';
        socket.write(`*2\r\n$64\r\n${nonce}\r\n$64\r\n${nonce}\r\n`);
      },
    ],
    ['refuses', (_: string, socket: Socket) => void socket.end("-ERR unknown command 'CT.HOST'\r\n")],
    [
      'has no place',
      (_: string, socket: Socket) => void socket.end('-ERR max number of clients reached\r\n'),
    ],
    ['hangs up', (_: string, socket: Socket) => void socket.destroy()],
    ['says nothing', () => {}],
  ])('to somebody who %s the host tells nothing, and goes on to the next node', async (_, answer) => {
    await startProving();
    const stranger = await listen(answer);
    // A blind write, which may not be repeated once it was sent.
    await access(at(stranger.port, 'node-0'), at(node.port)).put('keyspace-0', Buffer.from('key'), {
      value: Buffer.from('value'),
    });
    expect(node.store.data.records.size).toBe(1);
    expect(stranger.heard.join('')).toMatch(
      /^\*3\r\n\$7\r\nCT\.HOST\r\n\$5\r\nHELLO\r\n\$64\r\n[0-9a-f]{64}\r\n$/,
    );
    const alone = access(at(stranger.port, 'node-0')).get('keyspace-0', Buffer.from('key'));
    await expect(alone).rejects.toMatchObject({ code: expect.stringMatching(/^(busy|unavailable)$/) });
  });

  test('a node of another cluster, or under another name, is told nothing either', async () => {
    await startProving(otherProof);
    const reading = access(at(node.port)).get('keyspace-0', Buffer.from('key'));
    await expect(reading).rejects.toThrow(/has not shown that it is node-1 of this cluster/);
    await node.server.close();
    await startProving();
    await expect(access(at(node.port, 'node-2')).get('keyspace-0', Buffer.from('key'))).rejects.toThrow(
      /has not shown that it is node-2/,
    );
  });
});
