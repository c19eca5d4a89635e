/** A keyspace dropped and made anew under its old name is another keyspace: usable at once from every way in, and empty. */
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { WebSocket } from 'ws';
import type { MethodInput, MethodName, MethodOutput, ServerFrame } from '../../core/contract/api.ts';
import { RealCluster } from '../support/cluster.ts';
import { apiSocket, logIn, opened } from '../support/log-in.ts';
import { plain, RawClient } from '../support/resp-target.ts';

const cluster = new RealCluster();
let socket: WebSocket;

beforeAll(async () => {
  await cluster.start('--nodes', '3');
  const { url } = (await cluster.command('login')) as { url: string };
  socket = apiSocket(cluster.uiUrl, await logIn(url));
  await opened(socket);
});
afterAll(async () => {
  socket?.close();
  await cluster.dispose();
});

afterEach(() => drop().catch(() => {}));

let callCount = 0;

/** As the page calls. */
function call<M extends MethodName>(method: M, input: MethodInput<M>): Promise<MethodOutput<M>> {
  const id = ++callCount;
  return new Promise((resolve, reject) => {
    const take = (data: Buffer) => {
      const frame = JSON.parse(data.toString()) as ServerFrame;
      if (frame.kind === 'event' || frame.id !== id) return;
      socket.off('message', take);
      if (frame.kind === 'result') resolve(frame.output as MethodOutput<M>);
      else reject(new Error(`${frame.error.code}: ${frame.error.message}`));
    };
    socket.on('message', take);
    socket.send(JSON.stringify({ kind: 'call', id, method, input }));
  });
}

const kv = (path: string, init?: RequestInit) => fetch(`${cluster.uiUrl}kv/${path}`, init);
const keyspace = 'orders';
const make = () => call('keyspaces.create', { name: keyspace, database: 5 });
const drop = () => call('keyspaces.drop', { name: keyspace, confirm: keyspace });
const valuesAt = async (key: string) =>
  (await call('data.find', { keyspace, key })).siblings.map(({ text }) => text);

/** Writes and reads one key by each way in, and reads it by the others. */
async function useFromEverywhere(round: number): Promise<void> {
  expect(await valuesAt('page')).toEqual([]);
  expect((await kv(`${keyspace}/http`)).status).toBe(404);
  await call('data.put', { keyspace, key: 'page', value: `page ${round}` });
  expect((await kv(`${keyspace}/http`, { method: 'PUT', body: `http ${round}` })).status).toBe(204);
  await cluster.command('put', 'line', `line ${round}`, '--keyspace', keyspace);
  expect(await valuesAt('http')).toEqual([`http ${round}`]);
  expect(await (await kv(`${keyspace}/line`)).text()).toBe(`line ${round}`);
  expect(await cluster.command('get', 'page', '--keyspace', keyspace)).toMatchObject({
    siblings: [{ text: `page ${round}` }],
  });
}

describe('a keyspace made anew under its old name', () => {
  test('is empty, and used from page, command line and HTTP, however often it is made anew', async () => {
    for (let round = 1; round <= 5; round++) {
      await make();
      await useFromEverywhere(round);
      await drop();
      expect((await kv(`${keyspace}/http`)).status).toBe(404);
      await expect(valuesAt('page')).rejects.toThrow(/^not-found: There is no keyspace "orders"/);
    }
  });

  test('is not that of a connection that had chosen the old one: it is told so, and closed', async () => {
    await make();
    const [chosenByName, chosenByNumber] = await Promise.all([
      RawClient.connect(cluster.ports[0]),
      RawClient.connect(cluster.ports[1]),
    ]);
    expect(plain(await chosenByName.call('CT.KEYSPACE', keyspace))).toBe('OK');
    expect(plain(await chosenByNumber.call('SELECT', 5))).toBe('OK');
    for (const client of [chosenByName, chosenByNumber]) {
      expect(plain(await client.call('SET', 'k', 'v'))).toBe('OK');
    }
    await drop();
    await make();
    await call('data.put', { keyspace, key: 'k', value: 'new' });
    for (const client of [chosenByName, chosenByNumber]) {
      expect(plain(await client.call('PING'))).toBe('PONG');
      expect(plain(await client.call('GET', 'k'))).toMatch(/^-NOKEYSPACE .*was dropped/);
      await client.whenClosed;
    }
    const again = new Redis(cluster.ports[0], { db: 5 });
    expect(await again.get('k')).toBe('new');
    again.disconnect();
    await drop();
  });

  test('is reached by a connection that chooses again before it asks', async () => {
    await make();
    const client = await RawClient.connect(cluster.ports[2]);
    expect(plain(await client.call('SELECT', 5))).toBe('OK');
    await drop();
    await make();
    await call('data.put', { keyspace, key: 'k', value: 'newer' });
    expect(plain(await client.call('SELECT', 5))).toBe('OK');
    expect(plain(await client.call('GET', 'k'))).toBe('newer');
    client.close();
    await drop();
  });
});
