/** Users of the data, from the command line to every way in: who has to log in, who may, and who may no more. */
import { readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { RealCluster, waitUntil } from '../support/cluster.ts';

const cluster = new RealCluster();
const clients: Redis[] = [];
let password: string;

beforeAll(async () => {
  await cluster.start();
});
afterAll(async () => {
  for (const client of clients) client.disconnect();
  await cluster.dispose();
});

function client(node: number, login: { username?: string; password?: string } = {}): Redis {
  const made = new Redis({
    ...{ host: '127.0.0.1', port: cluster.ports[node], ...login },
    // Its check whether a server is ready is a command, too: refused where a login is required.
    ...{ retryStrategy: () => 100, maxRetriesPerRequest: 3, enableReadyCheck: false },
  });
  made.on('error', () => {});
  clients.push(made);
  return made;
}

const keyUrl = () => `${cluster.uiUrl}kv/default/key`;
const basic = (user: string, word: string) => ({
  headers: { Authorization: `Basic ${Buffer.from(`${user}:${word}`).toString('base64')}` },
});
/** What came of it, as the first word of an error or the answer. */
const outcome = (answer: Promise<unknown>) =>
  answer.then(String, (error: Error) => error.message.split(' ')[0].replace(/:$/, ''));

test('without users every program may read and write, and a login cannot be required', async () => {
  const open = client(0);
  expect(await open.set('key', 'value')).toBe('OK');
  expect((await fetch(keyUrl())).status).toBe(200);
  await expect(cluster.command('user', 'require', 'on')).rejects.toThrow('coterie user add');
  expect(await cluster.command('user', 'list')).toEqual({ required: false, users: [] });
});

test('once required, only users come in, by Redis and HTTP, also who was there before', async () => {
  const before = client(1);
  expect(await before.get('key')).toBe('value');
  const made = (await cluster.command('user', 'add', 'shop')) as { password: string };
  ({ password } = made);
  expect(password.length).toBeGreaterThan(20);
  expect(await before.get('key')).toBe('value');
  await cluster.command('user', 'require', 'on');

  await waitUntil('it holds at every node', async () =>
    (await Promise.all([0, 1, 2].map((node) => outcome(client(node).get('key'))))).every(
      (word) => word === 'NOAUTH',
    ),
  );
  expect(await outcome(before.get('key'))).toBe('NOAUTH');
  for (const node of [0, 1, 2]) {
    expect(await client(node, { username: 'shop', password }).get('key')).toBe('value');
  }
  expect(await outcome(before.call('AUTH', 'shop', 'wrong'))).toBe('WRONGPASS');

  const answers = await Promise.all([
    fetch(keyUrl()),
    fetch(keyUrl(), basic('shop', 'wrong')),
    fetch(keyUrl(), basic('nobody', password)),
    fetch(keyUrl(), basic('shop', password)),
    fetch(keyUrl(), { method: 'PUT', body: 'x' }),
    fetch(keyUrl(), { method: 'DELETE' }),
  ]);
  expect(answers.map(({ status }) => status)).toEqual([401, 401, 401, 200, 401, 401]);
  expect(answers[0].headers.get('www-authenticate')).toContain('Basic');
  expect(await answers[3].text()).toBe('value');
  // The host itself is let in by what it holds, not by a password.
  expect(await cluster.command('get', 'key')).toMatchObject({ siblings: [{ text: 'value' }] });
});

test('a node that starts anew, and a host that does, still require it', async () => {
  const { pid } = (await cluster.nodes())[0];
  process.kill(pid!, 'SIGKILL');
  await waitUntil('it is back', async () => {
    const [node] = await cluster.nodes();
    return node.state === 'up' && node.pid !== pid;
  });
  expect(await outcome(client(0).get('key'))).toBe('NOAUTH');
  await cluster.stop();
  await cluster.start();
  expect(await outcome(client(2).get('key'))).toBe('NOAUTH');
  expect(await client(2, { username: 'shop', password }).get('key')).toBe('value');
});

test('who got a new password, or was removed, has to log in again', async () => {
  const shop = client(0, { username: 'shop', password });
  expect(await shop.get('key')).toBe('value');
  const renewed = (await cluster.command('user', 'password', 'shop')) as { password: string };
  await waitUntil('the old one is refused', async () => (await outcome(shop.get('key'))) === 'NOAUTH');
  expect(await outcome(shop.call('AUTH', 'shop', password))).toBe('WRONGPASS');
  expect(await client(0, { username: 'shop', password: renewed.password }).get('key')).toBe('value');
  await expect(cluster.command('user', 'remove', 'shop')).rejects.toThrow('last user');
  await cluster.command('user', 'add', 'second');
  await cluster.command('user', 'remove', 'shop');
  expect((await fetch(keyUrl(), basic('shop', renewed.password))).status).toBe(401);
});

const findings = async () => {
  const { activity } = await cluster.api.call('cluster.snapshot', {});
  return activity.map(({ message }) => message).filter((message) => message.includes('access.json'));
};
const files = () => ['access.json', 'access.copy.json'].map((name) => join(cluster.folder, name));

test.each([
  ['gone', (path: string) => rmSync(path)],
  ['damaged', (path: string) => writeFileSync(path, '{"format":1,"required":fal')],
])('rules of which one file is %s still hold, and a person is told', async (_, harm) => {
  const [path, copy] = files();
  for (const file of [path, copy]) {
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(readFileSync(file, 'utf8')).not.toContain(password);
  }
  await cluster.stop();
  harm(path);
  await cluster.start();
  expect(await outcome(client(1).get('key'))).toBe('NOAUTH');
  expect((await findings()).some((message) => message.includes('Its copy took its place'))).toBe(true);
  expect(await cluster.command('user', 'list')).toMatchObject({
    required: true,
    users: [{ name: 'second' }],
  });
  await cluster.command('user', 'password', 'second');
});

test('rules that cannot be read let nobody in, and say what to do', async () => {
  await cluster.stop();
  for (const path of files()) writeFileSync(path, '{"format":1,"required":fal');
  await cluster.start();
  expect(await outcome(client(1).get('key'))).toBe('NOAUTH');
  expect((await findings()).some((message) => message.includes('user add'))).toBe(true);
  await cluster.command('user', 'require', 'off');
  await waitUntil('it is open', async () => (await outcome(client(1).get('key'))) === 'value');
});
