/** What operators see of others and do with them, over real connections: MONITOR, SLOWLOG, INFO, CLIENT KILL and PAUSE. */
import { describe, expect, test } from 'vitest';
import { respNodes } from '../support/resp-nodes.ts';
import { plain, type RespNode } from '../support/resp-target.ts';

const { start, connect: connectTo } = respNodes();
const connect = ({ port }: RespNode) => connectTo(port);

describe('MONITOR', () => {
  test('shows what others do, and nothing by which anybody logs in', async () => {
    const node = await start();
    const [watcher, other] = [await connect(node), await connect(node)];
    expect(plain(await watcher.call('MONITOR'))).toBe('OK');
    await other.call('AUTH', 'default', 'secret-1');
    await other.call('HELLO', '3', 'AUTH', 'default', 'secret-2');
    await other.call('ACL', 'SETUSER', 'bob', '>secret-3');
    await other.call('CONFIG', 'SET', 'requirepass', 'secret-4');
    await other.call('SET', 'k', 'a "line"\n\x01');
    expect(plain(await watcher.next())).toMatch(
      /^[0-9]+\.[0-9]{6} \[0 127\.0\.0\.1:[0-9]+\] "SET" "k" "a \\"line\\"\\n\\x01"$/,
    );
    await other.call('SET', 'k', 'v'.repeat(1_000));
    expect(plain(await watcher.next())).toMatch(/v{128}\.\.\. \(872 more bytes\)"$/);
    await other.call('SLOWLOG', 'RESET');
    await other.call('CLIENT', 'ID');
    expect(plain(await watcher.next())).toMatch(/"CLIENT" "ID"$/);
  });

  test('ends with RESET', async () => {
    const node = await start();
    const [watcher, other] = [await connect(node), await connect(node)];
    await watcher.call('MONITOR');
    watcher.write('*1\r\n$5\r\nRESET\r\n');
    expect(plain(await watcher.next())).toMatch(/"RESET"$/);
    expect(plain(await watcher.next())).toBe('RESET');
    await other.call('GET', 'k');
    expect(plain(await watcher.call('ECHO', 'only this'))).toBe('only this');
  });

  test('cuts off who does not read it, and nobody else', async () => {
    const node = await start();
    const [watcher, other] = [await connect(node), await connect(node)];
    await watcher.call('MONITOR');
    watcher.socket.pause();
    const words = Array.from({ length: 31 }, () => 'x'.repeat(128));
    // What the system takes for a socket that is not read differs; it ends well below this.
    for (let count = 0; node.server.clientCount() > 1 && count < 20_000; count++)
      await other.call('DEL', ...words);
    expect(node.server.clientCount()).toBe(1);
    expect(plain(await other.call('PING'))).toBe('PONG');
  });
});

describe('the slow log', () => {
  test('tells of slow commands without their secrets, within its length', async () => {
    const client = await connect(await start());
    await client.call('CLIENT', 'SETNAME', 'shop');
    await client.call('CONFIG', 'SET', 'slowlog-log-slower-than', '0', 'slowlog-max-len', '3');
    await client.call('GET', 'k');
    await client.call('AUTH', 'default', 'secret');
    await client.call('CONFIG', 'SET', 'slowlog-log-slower-than', '-1');
    expect(plain(await client.call('SLOWLOG', 'LEN'))).toBe(3);
    const [auth, get] = plain(await client.call('SLOWLOG', 'GET')) as unknown[][];
    expect(auth).toEqual([
      ...[2, expect.any(Number), expect.any(Number)],
      ...[['AUTH', '(redacted)', '(redacted)'], expect.stringMatching(/^127\.0\.0\.1:/), 'shop'],
    ]);
    expect(get[3]).toEqual(['GET', 'k']);
    expect(plain(await client.call('SLOWLOG', 'GET', 1))).toHaveLength(1);
    await client.call('CONFIG', 'SET', 'slowlog-max-len', '1');
    expect(plain(await client.call('SLOWLOG', 'LEN'))).toBe(1);
  });

  test('has latency events beside it, once a bound is set', async () => {
    const client = await connect(await start());
    expect(plain(await client.call('LATENCY', 'LATEST'))).toEqual([]);
    expect(plain(await client.call('LATENCY', 'DOCTOR'))).toMatch(/latency-monitor-threshold/);
    await client.call('CONFIG', 'SET', 'latency-monitor-threshold', '9007199254740991');
    await client.call('GET', 'k');
    expect(plain(await client.call('LATENCY', 'HISTORY', 'fast-command'))).toEqual([]);
    expect(plain(await client.call('LATENCY', 'HISTOGRAM', 'get'))).toEqual([
      ...['get', ['calls', 1, 'histogram_usec', [expect.any(Number), 1]]],
    ]);
  });
});

test('INFO commandstats counts calls, failures and refusals of each command', async () => {
  const client = await connect(await start());
  for (const words of [['SET', 'k', 'v'], ['INCR', 'k'], ['INCR'], ['CONFIG', 'GET', 'port']])
    await client.call(...words);
  const text = String(plain(await client.call('INFO', 'commandstats')));
  expect(text).toMatch(/cmdstat_set:calls=1,usec=\d+,usec_per_call=[\d.]+,rejected_calls=0,failed_calls=0/);
  expect(text).toMatch(/cmdstat_incr:calls=1,.*rejected_calls=1,failed_calls=1/);
  expect(text).toContain('cmdstat_config|get:calls=1');
  expect(String(plain(await client.call('INFO')))).not.toContain('cmdstat_');
  await client.call('CONFIG', 'RESETSTAT');
  expect(String(plain(await client.call('INFO', 'commandstats')))).not.toContain('cmdstat_set');
});

test('commands of a transaction are counted as those of their own, and weighed while they wait', async () => {
  const node = await start();
  const client = await connect(node);
  await client.call('SET', '{t}text', 'x\r\n-y');
  for (const words of [
    ['MULTI'],
    ['INCR', '{t}n'],
    ['INCR', '{t}text'],
    ['GET', '{t}text'],
    ['PING'],
    ['EXEC'],
    ['MULTI'],
    ['PING'],
    ['EXEC'],
    ['WATCH', '{t}n'],
    ['SET', '{t}n', '7'],
    ['MULTI'],
    ['INCR', '{t}n'],
    ['EXEC'],
  ])
    await client.call(...words);
  const text = String(plain(await client.call('INFO', 'commandstats')));
  expect(text).toMatch(/cmdstat_incr:calls=2,.*rejected_calls=0,failed_calls=1/);
  expect(text).toMatch(/cmdstat_get:calls=1,.*failed_calls=0/);
  expect(text).toMatch(/cmdstat_ping:calls=2,.*failed_calls=0/);
  expect(text).toMatch(/cmdstat_exec:calls=3,.*failed_calls=0/);
  const other = await connect(node);
  const queuedBytes = async () =>
    Number(/multi-mem=([1-9]\d*)/.exec(String(plain(await other.call('CLIENT', 'LIST'))))?.[1] ?? 0);
  expect(await queuedBytes()).toBe(0);
  await client.call('MULTI');
  await client.call('SET', 'k', 'v'.repeat(1_000));
  expect(await queuedBytes()).toBeGreaterThan(1_000);
  await client.call('EXEC');
  expect(await queuedBytes()).toBe(0);
});

describe('CONFIG SET', () => {
  test('says why a setting is not for it, and sets nothing where one of several is refused', async () => {
    const client = await connect(await start());
    expect(plain(await client.call('CONFIG', 'SET', 'maxmemory', '1gb'))).toBe(
      "-ERR CONFIG SET failed (possibly related to argument 'maxmemory') - can't set immutable config: keys are kept on disk, and none is evicted",
    );
    await client.call('CONFIG', 'SET', 'slowlog-max-len', '7', 'requirepass', 'x');
    expect(plain(await client.call('CONFIG', 'GET', 'slowlog-max-len'))).toEqual(['slowlog-max-len', '128']);
    expect(plain(await client.call('CONFIG', 'SET', 'maxmemory', '0', 'hz', '50'))).toBe('OK');
  });
});

describe('CLIENT', () => {
  test('KILL finds clients by local address, user and age', async () => {
    const node = await start();
    const [mine, other] = [await connect(node), await connect(node)];
    expect(plain(await mine.call('CLIENT', 'KILL', 'MAXAGE', 3_600))).toBe(0);
    expect(plain(await mine.call('CLIENT', 'KILL', 'MAXAGE', 0))).toMatch(/^-ERR maxage/);
    expect(
      plain(await mine.call('CLIENT', 'KILL', 'LADDR', `127.0.0.1:${node.port}`, 'USER', 'default')),
    ).toBe(1);
    await other.whenClosed;
  });

  test('PAUSE holds up what touches data until UNPAUSE, and what has waited is done in order', async () => {
    const node = await start();
    const [operator, client] = [await connect(node), await connect(node)];
    await client.call('SET', 'k', 'before');
    expect(plain(await operator.call('CLIENT', 'PAUSE', 60_001))).toMatch(
      /^-ERR clients are paused for at most 60000/,
    );
    await operator.call('CLIENT', 'PAUSE', 60_000, 'WRITE');
    expect(plain(await client.call('GET', 'k'))).toBe('before');
    const replies = [client.call('SET', 'k', 'after'), client.call('GET', 'k'), client.call('PING')];
    expect(plain(await operator.call('GET', 'k'))).toBe('before');
    await operator.call('CLIENT', 'PAUSE', 60_000);
    expect(plain(await operator.call('PING'))).toBe('PONG');
    await operator.call('CLIENT', 'UNPAUSE');
    expect((await Promise.all(replies)).map(plain)).toEqual(['OK', 'after', 'PONG']);
  });

  test('PAUSE ends by itself', async () => {
    const client = await connect(await start());
    await client.call('CLIENT', 'PAUSE', 20);
    expect(plain(await client.call('SET', 'k', 'v'))).toBe('OK');
  });
});

test('what there will not be is refused with its reason, and not listed', async () => {
  const client = await connect(await start());
  expect(plain(await client.call('SWAPDB', 0, 1))).toMatch(
    /^-ERR SWAPDB is not supported: keyspaces are on many nodes/,
  );
  expect(plain(await client.call('SORT', 'k'))).toMatch(/^-ERR SORT is not supported/);
  expect(plain(await client.call('DEBUG', 'SLEEP', 0))).toMatch(/^-ERR DEBUG SLEEP is not supported/);
  expect(plain(await client.call('COMMAND', 'LIST'))).not.toContain('sort');
});
