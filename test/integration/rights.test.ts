/** What users may do, from the command line to real nodes: by Redis with ioredis, over HTTP with curl and tokens. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createCommandTable } from '../../core/gateway/resp/command-table.ts';
import { RealCluster, waitUntil } from '../support/cluster.ts';

const run = promisify(execFile);
const cluster = new RealCluster();
const clients: Redis[] = [];
const passwords = new Map<string, string>();

beforeAll(async () => {
  await cluster.start();
  await cluster.command('keyspace', 'create', 'orders', '--database', '1');
  await add('reader', '--access', 'read');
  await add('writer');
  await add('boss', '--access', 'admin');
  await add('till', '--access', 'write', '--keyspace', 'orders');
  await cluster.command('user', 'require', 'on');
  await waitUntil('it holds at every node', async () =>
    (await Promise.all([0, 1, 2].map((node) => outcome(client(node).get('key'))))).every(
      (word) => word === 'NOAUTH',
    ),
  );
});
afterAll(async () => {
  for (const one of clients) one.disconnect();
  await cluster.dispose();
});

async function add(name: string, ...more: string[]): Promise<void> {
  const { password } = (await cluster.command('user', 'add', name, ...more)) as { password: string };
  passwords.set(name, password);
}

function client(node: number, username?: string): Redis {
  const login = username === undefined ? {} : { username, password: passwords.get(username) };
  const made = new Redis({
    ...{ host: '127.0.0.1', port: cluster.ports[node], ...login },
    ...{ retryStrategy: () => 100, maxRetriesPerRequest: 3, enableReadyCheck: false },
  });
  made.on('error', () => {});
  clients.push(made);
  return made;
}

const outcome = (answer: Promise<unknown>) =>
  answer.then(String, (error: Error) => error.message.split(' ')[0].replace(/:$/, ''));

/** Status and body of a request by curl, as the user or with the token. */
async function curl(path: string, login: readonly string[], ...more: string[]) {
  const words = ['-s', '-w', '\n%{http_code}', ...login, ...more, `${cluster.uiUrl}kv/${path}`];
  const lines = (await run('curl', words)).stdout.split('\n');
  return { status: Number(lines.pop()), body: lines.join('\n') };
}
const as = (user: string) => ['-u', `${user}:${passwords.get(user)}`];
const commands = createCommandTable().commands.filter(({ internal }) => !internal);

test('a reader is refused every command that the table flags as writing, at every node', async () => {
  const writing = commands.filter(({ flags }) => flags.includes('write'));
  expect(writing.length).toBeGreaterThan(25);
  for (const node of [0, 1, 2]) {
    const reader = client(node, 'reader');
    for (const { name, arity } of writing) {
      const words = Array<string>(Math.abs(arity) - 1).fill('7');
      expect([name, await outcome(reader.call(name, ...words))]).toEqual([name, 'NOPERM']);
    }
    expect(await outcome(reader.call('GETEX', 'key', 'EX', '10'))).toBe('NOPERM');
    expect(await outcome(reader.call('EVAL', 'return redis.call("set", "a", 1)', '0'))).toBe('ERR');
    expect(await reader.get('key')).toBeNull();
    expect(await reader.dbsize()).toBe(0);
  }
});

test('a writer is refused every command that administers, and writes from any node to any key', async () => {
  const writer = client(0, 'writer');
  for (const { name, arity, need } of commands.filter(({ need }) => need.access === 'admin')) {
    const words = Array<string>(Math.max(0, Math.abs(arity) - 1)).fill('7');
    // CLIENT is for administering where its parts do not say otherwise: one that is not there is refused by its name.
    expect([name, need.access, await outcome(writer.call(name, ...words))]).toEqual([
      name,
      'admin',
      'NOPERM',
    ]);
  }
  for (const words of [
    ['CLIENT', 'KILL', 'TYPE', 'normal'],
    ['CLIENT', 'LIST'],
    ['CONFIG', 'SET', 'save', ''],
    ['ACL', 'LIST'],
  ])
    expect(await outcome(writer.call(words[0], ...words.slice(1)))).toBe('NOPERM');
  expect(await writer.call('ACL', 'WHOAMI')).toBe('writer');
  // Some of them are coordinated elsewhere: the other node does not ask again.
  for (let index = 0; index < 30; index++) expect(await writer.set(`key:${index}`, 'v')).toBe('OK');
  expect(await client(1, 'reader').dbsize()).toBe(30);
  expect(await client(2, 'boss').flushdb()).toBe('OK');
});

test('a user of one keyspace comes to that one alone', async () => {
  const till = client(1, 'till');
  expect(await outcome(till.set('key', 'v'))).toBe('NOPERM');
  expect(await outcome(till.keys('*'))).toBe('NOPERM');
  expect(await outcome(till.select(0))).toBe('NOPERM');
  expect(await till.select(1)).toBe('OK');
  expect(await till.set('key', 'v')).toBe('OK');
  expect(await outcome(till.call('COPY', 'key', 'key', 'DB', '0'))).toBe('NOPERM');
  expect(await till.info('keyspace')).toContain('db1:keys=1');
});

test('over HTTP the same holds, by password and by token', async () => {
  expect(await curl('orders/key', as('till'))).toEqual({ status: 200, body: 'v' });
  expect((await curl('default/key', as('till'))).status).toBe(403);
  expect((await curl('default/key', as('writer'), '-X', 'PUT', '-d', 'w')).status).toBe(204);
  expect((await curl('default/key', as('reader'))).body).toBe('w');
  for (const change of [
    ['-X', 'PUT', '-d', 'x'],
    ['-X', 'DELETE'],
    ['-X', 'POST', '-d', 'x'],
    ['-X', 'PATCH', '-d', 'x'],
  ]) {
    const { status, body } = await curl('default/key', as('reader'), ...change);
    expect(status).toBe(403);
    expect(JSON.parse(body)).toMatchObject({
      error: { code: 'forbidden', message: expect.stringContaining('coterie user change reader') },
    });
  }
  const { token } = (await cluster.command('token', 'create', '--user', 'reader')) as { token: string };
  const bearer = ['-H', `Authorization: Bearer ${token}`];
  expect((await curl('default/key', bearer)).body).toBe('w');
  expect((await curl('default/key', bearer, '-X', 'PUT', '-d', 'x')).status).toBe(403);
  await cluster.command('user', 'change', 'reader', '--access', 'write');
  expect((await curl('default/key', bearer, '-X', 'PUT', '-d', 'x')).status).toBe(204);
  await cluster.command('user', 'change', 'reader', '--access', 'read');
});

test('rights that are changed hold for who is connected, who stays logged in', async () => {
  const writer = client(0, 'writer');
  expect(await writer.set('key', '1')).toBe('OK');
  await cluster.command('user', 'change', 'writer', '--access', 'read');
  await waitUntil('it may read alone', async () => (await outcome(writer.set('key', '2'))) === 'NOPERM');
  expect(await writer.get('key')).not.toBe('2');
  await cluster.command('user', 'change', 'writer', '--keyspace', 'orders');
  await waitUntil(
    'it is at a keyspace of others',
    async () => (await outcome(writer.get('key'))) === 'NOPERM',
  );
  await cluster.command('user', 'change', 'writer', '--access', 'write', '--all-keyspaces');
  await waitUntil('it may write again', async () => (await outcome(writer.set('key', '3'))) === 'OK');
  await expect(cluster.command('user', 'change', 'writer', '--keyspace', 'nowhere')).rejects.toThrow(
    'nowhere',
  );
  await expect(cluster.command('user', 'change', 'nobody', '--access', 'read')).rejects.toThrow('no user');
});

test('who administers makes, changes and removes users over Redis, which holds everywhere and is noted', async () => {
  const boss = client(0, 'boss');
  const acl = (...words: string[]) => boss.call('ACL', ...words);
  expect(await acl('SETUSER', 'shop', 'on', '>secret', '~*', '+@all', '-@admin', 'db=orders')).toBe('OK');
  passwords.set('shop', 'secret');
  expect(await acl('LIST')).toContain('user shop on ~* &* -@all +@read +@write db=orders');
  const shop = client(2, 'shop');
  await waitUntil('another node knows it', async () => (await outcome(shop.select(1))) === 'OK');
  expect(await shop.set('made', 'by shop')).toBe('OK');
  expect(await outcome(shop.call('ACL', 'SETUSER', 'shop', '+@all'))).toBe('NOPERM');
  expect((await curl('orders/made', ['-u', 'shop:secret'])).body).toBe('by shop');
  expect(await acl('SETUSER', 'shop', '-@all', '+@read')).toBe('OK');
  await waitUntil('it may read alone', async () => (await outcome(shop.set('made', 'x'))) === 'NOPERM');
  expect(await shop.get('made')).toBe('by shop');
  await expect(acl('SETUSER', 'shop', '+get')).rejects.toThrow("modifier '+get'");
  await expect(acl('SETUSER', 'a b', 'on', '>secret', '~*')).rejects.toThrow('Use letters, digits');
  expect(await cluster.command('user', 'list')).toMatchObject({
    users: expect.arrayContaining([
      expect.objectContaining({ name: 'shop', access: 'read', keyspaces: ['orders'] }),
    ]),
  });
  expect(await acl('DELUSER', 'shop', 'nobody')).toBe(1);
  await waitUntil('it is nobody', async () => (await outcome(shop.get('made'))) === 'NOAUTH');
  const { activity } = await cluster.api.call('cluster.snapshot', {});
  const noted = activity.filter(({ subject }) => subject === 'shop');
  expect(noted.map(({ message, who }) => [message, who])).toEqual(
    [
      'The user shop was added. It may read and write: orders.',
      'The user shop was changed. It may read: orders.',
      'The user shop was removed.',
    ].map((message) => [message, expect.stringContaining('the user boss (Redis, ')]),
  );
});

test('rights outlast a node and the host', async () => {
  await cluster.stop();
  await cluster.start();
  expect(await outcome(client(0, 'reader').set('key', 'v'))).toBe('NOPERM');
  expect(await client(0, 'reader').get('key')).toBe('3');
  const { users } = (await cluster.command('user', 'list')) as { users: { name: string }[] };
  expect(users).toContainEqual(
    expect.objectContaining({ name: 'till', access: 'write', keyspaces: ['orders'] }),
  );
});

test('where no login is required, nobody makes users who has not logged in', async () => {
  await cluster.command('user', 'require', 'off');
  const anybody = client(0);
  await waitUntil('it is open', async () => (await outcome(anybody.set('key', 'v'))) === 'OK');
  await expect(anybody.call('ACL', 'SETUSER', 'eve', 'on', '>x', '~*', '+@all')).rejects.toThrow(
    'log in first',
  );
  // Whoever says who it is has that user's rights.
  expect(await outcome(client(0, 'reader').set('key', 'v'))).toBe('NOPERM');
});
