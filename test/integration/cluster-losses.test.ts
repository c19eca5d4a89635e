/** Real nodes lose the same data at once: it is told everywhere, and nowhere any more once a person has accepted it. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { NodeView } from '../../core/contract/node-views.ts';
import { RealCluster, waitUntil } from '../support/cluster.ts';

const keyCount = 50;

let cluster: RealCluster;
let clients: Redis[];
beforeEach(async () => {
  cluster = new RealCluster();
  await cluster.start();
  clients = cluster.ports.map((port) => new Redis({ host: '127.0.0.1', port, maxRetriesPerRequest: null }));
  for (const client of clients) client.on('error', () => {});
  await Promise.all(
    Array.from({ length: keyCount }, (_, key) => clients[0].set(`key-${key}`, `value-${key}`)),
  );
});
afterEach(async () => {
  for (const client of clients) client.disconnect();
  await cluster.dispose();
});

async function nodeNamed(name: string): Promise<NodeView> {
  const { nodes } = await cluster.api.call('cluster.snapshot', {});
  return nodes.find((node) => node.name === name)!;
}

async function stop(...names: string[]): Promise<void> {
  for (const name of names) await cluster.api.call('nodes.stop', { name });
}

async function startWithout(...names: string[]): Promise<void> {
  for (const name of names) rmSync(join(cluster.folder, 'nodes', name), { recursive: true });
  for (const name of names) await cluster.api.call('nodes.start', { name });
  await waitUntil('they are up', async () => {
    const nodes = await Promise.all(names.map(nodeNamed));
    return nodes.every(({ state, figures }) => state === 'up' && figures !== null);
  });
}

interface Health {
  status: string;
  healthy: boolean;
  possibleLoss: { keyspace: string; partitions: number; nodes: string[] }[];
  reasons: string[];
}

async function health(): Promise<{ code: number; body: Health }> {
  const response = await fetch(`${cluster.uiUrl}health`);
  return { code: response.status, body: (await response.json()) as Health };
}

/** What the command line says when it fails. */
async function refusal(...words: string[]): Promise<{ code: number; stdout: string }> {
  return cluster.command(...words).then(
    () => ({ code: 0, stdout: '' }),
    ({ code, stdout }) => ({ code, stdout }),
  );
}

test('two of three nodes that lose their data at once are told of, until a person accepts it', async () => {
  expect(await health()).toMatchObject({ code: 200, body: { status: 'healthy', healthy: true } });
  await stop('node-2', 'node-3');
  await startWithout('node-2', 'node-3');
  await waitUntil('they are whole again', async () => {
    const nodes = await Promise.all(['node-2', 'node-3'].map(nodeNamed));
    return nodes.every(({ figures }) => figures?.waitsFor.length === 0);
  });

  const { keyspaces, advice, activity } = await cluster.api.call('cluster.snapshot', {});
  expect(keyspaces[0].possibleLoss?.partitions).toBe(1_024);
  const telling = keyspaces[0].possibleLoss!.nodes;
  expect(advice[0]).toMatchObject({
    severity: 'error',
    title: 'Writes may be lost in 1,024 partitions of default',
  });
  expect(
    activity.filter(({ message }) => message.startsWith('Acknowledged writes to default may be')),
  ).toHaveLength(telling.length);
  const told = await health();
  expect(told).toMatchObject({ code: 200, body: { status: 'degraded', healthy: false } });
  expect(told.body.possibleLoss).toEqual([{ keyspace: 'default', partitions: 1_024, nodes: telling }]);
  expect(told.body.reasons[0]).toContain('Acknowledged writes may be lost');
  const metrics = async () => (await fetch(`${cluster.uiUrl}metrics`)).text();
  expect(await metrics()).toContain('coterie_partitions_possibly_lost{keyspace="default"} 1024');
  // What the third node held is back: nothing of this cluster's was really lost.
  for (const client of clients) expect(await client.get('key-7')).toBe('value-7');

  // A restart does not make it forgotten.
  await cluster.api.call('nodes.restart', { name: telling[0] });
  await waitUntil('it is up again', async () => (await nodeNamed(telling[0])).figures !== null);
  expect((await nodeNamed(telling[0])).figures?.possibleLoss).not.toEqual([]);
  await waitUntil('it is whole', async () => (await nodeNamed(telling[0])).figures?.waitsFor.length === 0);

  const asked = await refusal('node', 'accept-loss', telling[0]);
  expect(asked.code).toBe(2);
  expect(asked.stdout).toContain('--yes');
  expect((await health()).body.healthy).toBe(false);
  for (const name of telling) {
    const accepted = (await cluster.command('node', 'accept-loss', name, '--yes')) as {
      losses: { keyspace: string; partitions: number }[];
    };
    expect(accepted.losses).toEqual([{ keyspace: 'default', partitions: expect.any(Number) }]);
  }
  expect(await health()).toMatchObject({ code: 200, body: { status: 'healthy', healthy: true } });
  expect(await metrics()).toContain('coterie_partitions_possibly_lost{keyspace="default"} 0');
  const trail = await cluster.api.call('activity.list', { kinds: ['node'] });
  const acceptances = trail.filter(({ message }) => message.startsWith('Accepted: writes may be lost in'));
  expect(acceptances.map(({ subject, by }) => [subject, by]).sort()).toEqual(
    telling.map((name) => [name, 'person']),
  );
  expect((await refusal('node', 'accept-loss', telling[0], '--yes')).code).toBe(1);
});

test('two nodes that lost their data answer no reads while the third may still come, until a person says at both that it is gone', async () => {
  await stop('node-1', 'node-2', 'node-3');
  await startWithout('node-2', 'node-3');
  const waiting = async () => {
    const nodes = await Promise.all(['node-2', 'node-3'].map(nodeNamed));
    return nodes.map(({ figures }) => figures?.waitsFor);
  };
  await waitUntil('both wait for node-1 alone', async () => {
    const names = await waiting();
    return names.every((wanted) => wanted?.join() === 'node-1');
  });
  const [, second, third] = clients;
  await expect(second.get('key-7')).rejects.toThrow(/replicas|QUORUM/);
  await expect(third.get('key-7')).rejects.toThrow(/replicas|QUORUM/);
  expect(await health()).toMatchObject({ code: 503, body: { status: 'unavailable' } });
  const { advice } = await cluster.api.call('cluster.snapshot', {});
  expect(advice.map(({ title }) => title)).toEqual(
    expect.arrayContaining(['node-2 waits for node-1', 'node-3 waits for node-1']),
  );

  for (const name of ['node-2', 'node-3']) {
    const accepted = (await cluster.command('node', 'accept-loss', name, '--yes')) as {
      notHeard: { node: string; keyspace: string; partitions: number }[];
    };
    expect(accepted.notHeard).toEqual([{ node: 'node-1', keyspace: 'default', partitions: 1_024 }]);
  }
  // Gone, and said to be gone: an answer, where there was none before.
  for (const client of [second, third]) expect(await client.get('key-7')).toBeNull();
  const trail = await cluster.api.call('activity.list', { kinds: ['node'] });
  expect(trail.filter(({ message }) => message.includes('has all it should hold'))).toEqual([]);
  await second.set('key-7', 'anew');
  expect(await third.get('key-7')).toBe('anew');
  // What is gone is still missing a replica, and nothing else is wrong.
  expect((await health()).body).toMatchObject({ status: 'degraded', possibleLoss: [], unavailable: [] });
});
