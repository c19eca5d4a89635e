/** Publish and subscribe by real clients, on a cluster of three node processes. */
import { Redis } from 'ioredis';
import { createClient, createCluster } from 'redis';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { RealCluster, waitUntil } from '../support/cluster.ts';
import { killAndAwait } from '../support/kill-rotation.ts';
import { plain, RawClient } from '../support/resp-target.ts';

let cluster: RealCluster;
beforeAll(async () => {
  cluster = new RealCluster();
  await cluster.start();
});
afterAll(() => cluster.dispose());

const connect = (index: number) => {
  const client = new Redis({ host: '127.0.0.1', port: cluster.ports[index] });
  // One node is killed.
  client.on('error', () => {});
  return client;
};

describe('messages', () => {
  test('published at any node reach who listens at any node, in order, once', async () => {
    const listeners = [0, 1, 2].map(connect);
    const heard: string[][] = [[], [], []];
    for (const [index, listener] of listeners.entries()) {
      listener.on('message', (channel, message) => heard[index].push(`${channel} ${message}`));
      expect(await listener.subscribe('news', 'weather')).toBe(2);
    }
    const speakers = [0, 1, 2].map(connect);
    for (let turn = 0; turn < 200; turn++) {
      await Promise.all(speakers.map((speaker, index) => speaker.publish('news', `${index}.${turn}`)));
    }
    await waitUntil('all is heard', () => heard.every(({ length }) => length === 600));
    for (const messages of heard) {
      expect(new Set(messages).size).toBe(600);
      for (const from of [0, 1, 2]) {
        const mine = messages.filter((message) => message.startsWith(`news ${from}.`));
        expect(mine).toEqual(Array.from({ length: 200 }, (_, turn) => `news ${from}.${turn}`));
      }
    }
    // Of the node that is asked, as in a Redis cluster.
    expect(await speakers[1].publish('weather', 'sunny')).toBe(1);
    expect(await speakers[0].pubsub('NUMSUB', 'news', 'none')).toEqual(['news', 1, 'none', 0]);
    await listeners[0].unsubscribe('news');
    expect(await speakers[0].pubsub('CHANNELS')).toEqual(['weather']);
    for (const client of [...listeners, ...speakers]) client.disconnect();
  });

  test('by pattern, in RESP3 beside other commands, and of shard channels by clients in cluster mode', async () => {
    const listener = await createClient({
      socket: { host: '127.0.0.1', port: cluster.ports[0] },
      RESP: 3,
    }).connect();
    const heard: string[] = [];
    await listener.pSubscribe('sensor.*', (message, channel) => heard.push(`${channel} ${message}`));
    await listener.subscribe('plain', (message) => heard.push(`plain ${message}`));
    await listener.set('beside', 'works');
    expect(await listener.get('beside')).toBe('works');
    const speaker = connect(2);
    await speaker.publish('sensor.door', 'open');
    await speaker.publish('other', 'nobody');
    await speaker.publish('plain', 'yes');
    await waitUntil('both are heard', () => heard.length === 2);
    expect(heard).toEqual(['sensor.door open', 'plain yes']);

    const rootNodes = cluster.ports.map((port) => ({ socket: { host: '127.0.0.1', port } }));
    const sharded = createCluster({ rootNodes });
    await sharded.connect();
    const shards: string[] = [];
    await sharded.sSubscribe('orders', (message) => shards.push(message));
    await sharded.sPublish('orders', 'one');
    await speaker.call('SPUBLISH', 'orders', 'two');
    await speaker.publish('orders', 'not for shards');
    await waitUntil('both are heard', () => shards.length === 2);
    expect([...shards].sort()).toEqual(['one', 'two']);
    await sharded.close();
    listener.destroy();
    speaker.disconnect();
  });

  test('in RESP2 a client that listens does nothing else, until it has stopped', async () => {
    const client = await RawClient.connect(cluster.ports[0]);
    expect(plain(await client.call('SUBSCRIBE', 'a', 'b'))).toEqual(['subscribe', 'a', 1]);
    expect(plain(await client.next())).toEqual(['subscribe', 'b', 2]);
    expect(plain(await client.call('PING'))).toEqual(['pong', '']);
    expect(plain(await client.call('PING', 'x'))).toEqual(['pong', 'x']);
    expect(plain(await client.call('GET', 'k'))).toMatch(/Can't execute 'get': only/);
    expect(plain(await client.call('PSUBSCRIBE', 'c*'))).toEqual(['psubscribe', 'c*', 3]);
    expect(plain(await client.call('UNSUBSCRIBE'))).toEqual(['unsubscribe', 'a', 2]);
    expect(plain(await client.next())).toEqual(['unsubscribe', 'b', 1]);
    expect(plain(await client.call('PUNSUBSCRIBE'))).toEqual(['punsubscribe', 'c*', 0]);
    expect(plain(await client.call('SUNSUBSCRIBE'))).toEqual(['sunsubscribe', null, 0]);
    expect(plain(await client.call('GET', 'k'))).toBeNull();
    client.close();
  });

  test('of a transaction are said when it is done, and not when it is not', async () => {
    const listener = connect(1);
    const heard: string[] = [];
    listener.on('message', (_, message) => heard.push(message));
    await listener.subscribe('done');
    const client = connect(0);
    await client.multi().set('{p}a', 1).publish('done', 'first').exec();
    await client.watch('{p}a');
    await client.set('{p}a', 2);
    expect(await client.multi().publish('done', 'never').get('{p}a').exec()).toBeNull();
    await client.multi().publish('done', 'second').exec();
    await waitUntil('two are heard', () => heard.length === 2);
    expect(heard).toEqual(['first', 'second']);
    listener.disconnect();
    client.disconnect();
  });

  test('are lost on a client that does not read them: it is cut off, and the others go on', async () => {
    const deaf = connect(1);
    await deaf.subscribe('flood');
    deaf.on('error', () => {});
    deaf.options.retryStrategy = () => null;
    // It takes nothing from its socket any more.
    (deaf as unknown as { stream: { pause(): void } }).stream.pause();
    const listener = connect(1);
    let heard = 0;
    listener.on('message', () => heard++);
    await listener.subscribe('flood', 'end');
    const speaker = connect(0);
    const message = 'x'.repeat(1_000_000);
    for (let turn = 0; turn < 60; turn++) {
      await speaker.publish('flood', message);
      // One at a time, so that what is under way to the other node never is too much.
      await waitUntil('it is heard', () => heard === turn + 1);
    }
    await waitUntil('the deaf one is cut off', async () => {
      const at = connect(1);
      const list = String(await at.client('LIST'));
      at.disconnect();
      return list.split('\n').filter((line) => line.includes(' sub=1 ')).length === 0;
    });
    for (const client of [deaf, listener, speaker]) client.disconnect();
  });
});

describe('notifications of a keyspace', () => {
  test('tell at every node what changes, and when a key expires, once they are asked for', async () => {
    const listener = connect(2);
    const heard: string[] = [];
    listener.on('pmessage', (_, channel, message) => heard.push(`${channel} ${message}`));
    await listener.psubscribe('__key*');
    const client = connect(0);
    await client.set('{q}silent', '1');
    await cluster.command('keyspace', 'alter', 'default', '--notify', 'KEA');
    const configured = async (index: number) => {
      const asker = connect(index);
      const [, value] = (await asker.config('GET', 'notify-keyspace-events')) as string[];
      asker.disconnect();
      return value;
    };
    await waitUntil('all nodes know', async () =>
      (await Promise.all([0, 1, 2].map(configured))).every((value) => value === 'KEA'),
    );
    await client.set('{q}a', '1');
    await client.incr('{q}a');
    await client.rename('{q}a', '{q}b');
    await client.del('{q}b', '{q}none');
    await client.multi().append('{q}c', 'x').mset('{q}d', 1, '{q}e', 2).exec();
    await client.watch('{q}d');
    await client.set('{q}d', 'changed', 'PX', 60_000);
    expect(await client.multi().set('{q}never', 1).exec()).toBeNull();
    await client.set('{q}short', '1', 'PX', 150);
    await client.set('{q}kept', '1', 'PX', 150);
    await client.persist('{q}kept');
    await client.set('{q}gone', '1', 'PX', 150);
    await client.del('{q}gone');
    await waitUntil('the end of the short one is told', () =>
      heard.includes('__keyevent@0__:expired {q}short'),
    );
    const events = heard
      .filter((line) => line.startsWith('__keyevent'))
      .map((line) => line.slice('__keyevent@0__:'.length));
    expect(events).toEqual([
      ...['set {q}a', 'incrby {q}a', 'rename_from {q}a', 'rename_to {q}b', 'del {q}b'],
      ...['append {q}c', 'set {q}d', 'set {q}e', 'set {q}d', 'expire {q}d'],
      ...['set {q}short', 'expire {q}short', 'set {q}kept', 'expire {q}kept', 'persist {q}kept'],
      ...['set {q}gone', 'expire {q}gone', 'del {q}gone', 'expired {q}short'],
    ]);
    expect(heard.filter((line) => line.startsWith('__keyspace@0__:{q}a'))).toEqual([
      '__keyspace@0__:{q}a set',
      '__keyspace@0__:{q}a incrby',
      '__keyspace@0__:{q}a rename_from',
    ]);
    // Whichever node decides a key, and however often its value changes until it expires.
    heard.length = 0;
    for (let index = 0; index < 12; index++) {
      const [from, to, copy] = ['a', 'b', 'c'].map((name) => `{${index}}${name}`);
      await client.set(from, '1', 'PX', 400);
      await client.incr(from);
      await client.rename(from, to);
      await client.copy(to, copy);
    }
    const counts = () => {
      const names = heard.flatMap((line) => /^__keyevent@0__:(\S+)/.exec(line)?.[1] ?? []);
      return Object.fromEntries(
        [...new Set(names)].map((name) => [name, names.filter((n) => n === name).length]),
      );
    };
    await waitUntil('all have expired', () => (counts().expired ?? 0) >= 24);
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(counts()).toEqual({
      ...{ set: 12, expire: 12, incrby: 12, rename_to: 12, rename_from: 12, copy_to: 12, expired: 24 },
    });
    // Of the node that would tell nothing is left but what the others have of it.
    heard.length = 0;
    const dying = connect(0);
    for (let index = 0; index < 12; index++) await dying.set(`left${index}`, '1', 'PX', 3_000);
    dying.disconnect();
    const [{ name }] = cluster.ready.nodes;
    await killAndAwait(cluster, name);
    await waitUntil('all that expired are told', () => (counts().expired ?? 0) >= 12);
    await new Promise((resolve) => setTimeout(resolve, 4_500));
    expect(counts().expired).toBe(12);
    await expect(client.config('SET', 'notify-keyspace-events', '')).rejects.toThrow('keyspace alter');
    await expect(cluster.command('keyspace', 'alter', 'default', '--notify', 'Q')).rejects.toThrow(
      'such as KEA',
    );
    await cluster.command('keyspace', 'alter', 'default', '--notify', 'none');
    listener.disconnect();
    client.disconnect();
  });
});
