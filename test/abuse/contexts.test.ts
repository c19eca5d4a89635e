/** A client that invents contexts: it can neither raise a counter nor have actors kept, and what others wrote stays. */
import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { addressOf } from '../../core/base/token.ts';
import { contextSealOf } from '../../core/security/context-seal.ts';
import { Secrets } from '../../core/security/secrets.ts';
import { encodeBasis } from '../../core/versions/context-codec.ts';
import { actorOf } from '../../core/versions/version-set.ts';
import { RealCluster } from '../support/cluster.ts';

const cluster = new RealCluster();
let client: Redis;

beforeAll(async () => {
  await cluster.start();
  client = new Redis({ host: '127.0.0.1', port: cluster.ports[0] });
});
afterAll(async () => {
  client.disconnect();
  await cluster.dispose();
});

const key = 'a key';
const guessedSeal = contextSealOf(Secrets.of(Buffer.from('a guess')));
const forged = (context: Parameters<typeof encodeBasis>[0]['context']) =>
  encodeBasis({ context, dots: [] }, addressOf(0, Buffer.from(key)), guessedSeal);

test('forged contexts are refused on every way in, and writes go on', async () => {
  expect(await client.call('CT.PUT', key, 'first')).toBeTruthy();
  const attempts = [
    forged([{ actor: actorOf(1, 0), counter: 2 ** 48 - 2 }]),
    forged(
      Array.from({ length: 10_000 }, (_, actor) => ({
        actor: actorOf(1 + (actor % 65_000), actor),
        counter: 1,
      })),
    ),
    'A'.repeat(1_000_000),
    'not a context',
  ];
  const url = `${cluster.uiUrl}kv/default/${encodeURIComponent(key)}`;
  for (const context of attempts) {
    await expect(client.call('CT.DEL', key, 'CONTEXT', context)).rejects.toThrow(/context/i);
    await expect(client.call('CT.PUT', key, 'x', 'CONTEXT', context)).rejects.toThrow(/context/i);
    const headers = { 'X-Coterie-Context': context };
    const answers = await Promise.all([
      fetch(url, { method: 'DELETE', headers }),
      fetch(url, { method: 'PUT', body: 'x', headers }),
    ]);
    for (const { status } of answers) expect([400, 431]).toContain(status);
  }
  expect(await client.get(key)).toBe('first');
  for (let round = 0; round < 20; round++) expect(await client.set(key, `value ${round}`)).toBe('OK');
  expect(await client.get(key)).toBe('value 19');
});

test('a context of one key is none for another', async () => {
  const context = (await client.call('CT.PUT', 'mine', 'value')) as string;
  await client.set('yours', 'stays');
  await expect(client.call('CT.DEL', 'yours', 'CONTEXT', context)).rejects.toThrow(/another key/);
  expect(await client.get('yours')).toBe('stays');
});
