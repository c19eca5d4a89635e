/** The server's own promises: order, bounds, authentication, forwarding, extensions and error words, over raw sockets. */
import { describe, expect, test } from 'vitest';
import { CoterieError, type ErrorCode } from '../../core/base/errors.ts';
import { fullRights, type Rights } from '../../core/base/rights.ts';
import type { KeyAddress } from '../../core/base/token.ts';
import type { Logins } from '../../core/ports/logins.ts';
import { encodeCommand } from '../../core/wire/resp/encoder.ts';
import { RespErrorReply } from '../../core/wire/resp/reply-parser.ts';
import { keyspaceView, MemoryStore } from '../support/memory-store.ts';
import { respNodes } from '../support/resp-nodes.ts';
import { plain, type RawClient, startRespNode } from '../support/resp-target.ts';

const { start, startCluster, connect } = respNodes();

/** Keeps reads back until they are let go, by key. */
class HeldStore extends MemoryStore {
  readonly held: { key: string; release: () => void }[] = [];

  override read(address: KeyAddress, ...rest: [never, never]): void {
    const release = (): void => super.read(address, ...rest);
    this.held.push({ key: address.key.toString(), release });
  }

  release(key: string): void {
    const index = this.held.findIndex((each) => each.key === key);
    this.held.splice(index, 1)[0].release();
  }
}

async function collect(client: RawClient, count: number): Promise<unknown[]> {
  const replies: unknown[] = [];
  for (let index = 0; index < count; index++) replies.push(plain(await client.next()));
  return replies;
}

describe('order', () => {
  test('commands on different keys overlap, and their replies keep the order', async () => {
    const store = new HeldStore();
    const client = await connect((await start({}, store)).port);
    client.write('SET a 1\r\nSET b 2\r\nGET a\r\nGET b\r\nPING\r\n');
    expect(await collect(client, 2)).toEqual(['OK', 'OK']);
    await expect.poll(() => store.held.map(({ key }) => key)).toEqual(['a', 'b']);
    store.release('b');
    store.release('a');
    expect(await collect(client, 3)).toEqual(['1', '2', 'PONG']);
  });

  test('a command waits for an earlier one on its key, and a barrier for all', async () => {
    const store = new HeldStore();
    const client = await connect((await start({}, store)).port);
    client.write('GET a\r\nSET a 5\r\nGET b\r\nMSET x 1 y 2\r\nGET x\r\n');
    await expect.poll(() => store.held.length).toBe(1);
    store.release('a');
    await expect.poll(() => store.held.map(({ key }) => key)).toEqual(['b']);
    expect(store.data.records.size).toBe(1);
    store.release('b');
    await expect.poll(() => store.held.map(({ key }) => key)).toEqual(['x']);
    store.release('x');
    expect(await collect(client, 5)).toEqual([null, 'OK', null, 'OK', '1']);
  });

  test('SET, RENAME and GET in one pipeline are right when the store answers late', async () => {
    const client = await connect((await start({}, new MemoryStore({ late: true }))).port);
    client.write('SET a 1\r\nRENAME a b\r\nGET b\r\nSELECT 1\r\nGET b\r\nSELECT 0\r\nINCR b\r\nDEL a b\r\n');
    expect(await collect(client, 8)).toEqual(['OK', 'OK', '1', 'OK', null, 'OK', 2, 1]);
  });

  test('10,000 pipelined commands are all answered', async () => {
    const client = await connect((await start({}, new MemoryStore({ late: true }))).port);
    client.write(
      Buffer.concat(
        Array.from({ length: 10_000 }, (_, index) => encodeCommand(['SET', `k${index % 700}`, 'v'])),
      ),
    );
    expect(new Set(await collect(client, 10_000))).toEqual(new Set(['OK']));
  });

  test('CLIENT REPLY mutes what it says and nothing else', async () => {
    const client = await connect((await start()).port);
    client.write(
      'PING a\r\nCLIENT REPLY SKIP\r\nPING b\r\nPING c\r\nCLIENT REPLY OFF\r\nPING d\r\nCLIENT REPLY ON\r\nPING e\r\n',
    );
    expect(await collect(client, 4)).toEqual(['a', 'c', 'OK', 'e']);
  });
});

test('CONFIG GET answers a connection whose keyspace is not there', async () => {
  const node = await start({}, new MemoryStore({ keyspaces: [keyspaceView(1)] }));
  const client = await connect(node.port);
  expect(plain(await client.call('CONFIG', 'GET', 'notify-keyspace-events'))).toEqual([
    'notify-keyspace-events',
    '',
  ]);
});

describe('bounds', () => {
  test('a client too many is told so and closed', async () => {
    const node = await start({ clientCountMax: 2 });
    const first = await connect(node.port);
    await first.call('PING');
    await (await connect(node.port)).call('PING');
    const third = await connect(node.port);
    expect(plain(await third.next())).toBe('-ERR max number of clients reached');
    await third.whenClosed;
    expect(plain(await first.call('PING'))).toBe('PONG');
  });

  test('a client whose waiting replies pass the limit is disconnected, with a line in the log', async () => {
    const lines: string[] = [];
    const log = { info() {}, warn: (message: string) => void lines.push(message), error() {} };
    const store = new HeldStore();
    const node = await start({ outputBufferBytesMax: 4_000_000 }, store, { log });
    const client = await connect(node.port);
    const keys = Array.from({ length: 40 }, (_, index) => `big${index}`);
    for (const key of keys) await client.call('SET', key, Buffer.alloc(1_000_000));
    client.socket.pause();
    // All under way at once, before the first reply shows how large they are.
    client.write(keys.map((key) => `GET ${key}\r\n`).join(''));
    await expect.poll(() => store.held.length).toBe(40);
    for (const key of keys) store.release(key);
    await expect.poll(() => node.server.clientCount(), { timeout: 5_000 }).toBe(0);
    expect(lines.join()).toContain('does not read its replies');
  });

  test('one command whose reply passes the limit is refused, and its client told what to do', async () => {
    const node = await start({ outputBufferBytesMax: 4_000_000 });
    const client = await connect(node.port);
    await client.call('SET', 'big', Buffer.alloc(1_000_000));
    const reply = plain(await client.call('MGET', ...Array.from({ length: 40 }, () => 'big')));
    expect(reply).toBe('-ERR the reply would be larger than 4000000 bytes. Ask for fewer keys at once.');
    expect(plain(await client.call('STRLEN', 'big'))).toBe(1_000_000);
  });

  test('a client that pipelines more than it reads gets everything once it reads', async () => {
    const node = await start({ outputBufferBytesMax: 8_000_000 });
    const client = await connect(node.port);
    await client.call('SET', 'big', Buffer.alloc(100_000, 0x61));
    client.socket.pause();
    client.write('GET big\r\n'.repeat(400));
    await new Promise((resolve) => setTimeout(resolve, 100));
    client.socket.resume();
    for (let index = 0; index < 400; index++) expect(((await client.next()) as Buffer).length).toBe(100_000);
  });

  test('keys of more than 64 KiB and values of more than 50 MiB are refused', async () => {
    const node = await start();
    const client = await connect(node.port);
    expect(plain(await client.call('SET', Buffer.alloc(65_537, 1), 'v'))).toMatch(/^-ERR key exceeds/);
    expect(plain(await client.call('MGET', 'a', Buffer.alloc(65_537, 1)))).toMatch(/^-ERR key exceeds/);
    expect(plain(await client.call('SETRANGE', 'k', 50 * 1_048_576, 'x'))).toMatch(/proto-max-bulk-len/);
    client.write('*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$52428801\r\n');
    expect(plain(await client.next())).toBe('-ERR Protocol error: invalid bulk length');
  });

  test('close answers what is under way, then ends every connection', async () => {
    const node = await startRespNode({}, new MemoryStore({ late: true }));
    const client = await connect(node.port);
    client.write('SET a 1\r\n');
    await expect.poll(() => node.store.data.records.size).toBe(1);
    await node.server.close();
    expect(plain(await client.next())).toBe('OK');
    await client.whenClosed;
  });

  test('a half-closed client still gets its replies', async () => {
    const client = await connect((await start({}, new MemoryStore({ late: true }))).port);
    client.socket.end('SET a 1\r\nGET a\r\n');
    expect(await collect(client, 2)).toEqual(['OK', '1']);
    await client.whenClosed;
  });

  test('HTTP spoken to this port runs nothing', async () => {
    const node = await start();
    const client = await connect(node.port);
    client.write('POST / HTTP/1.1\r\nHost: x\r\n\r\nSET a 1\r\n');
    await client.whenClosed;
    expect(node.store.data.records.size).toBe(0);
  });
});

describe('authentication', () => {
  /** Rules that a test changes, without the cost of real passwords. */
  class Rules implements Logins {
    required = true;
    get users(): string[] {
      return [...this.passwords.keys()];
    }
    readonly passwords = new Map<string, string>();
    /** Of those who may not do everything. */
    readonly rights = new Map<string, Rights>();
    readonly #handlers: (() => void)[] = [];

    check(
      user: string,
      password: Buffer,
      done: (error: CoterieError | null, isRight: boolean) => void,
    ): void {
      setImmediate(() => done(null, this.passwords.get(user) === password.toString()));
    }
    stampOf(user: string): string | null {
      return this.passwords.get(user) ?? null;
    }
    rightsOf(user: string): Rights | null {
      return this.passwords.has(user) ? (this.rights.get(user) ?? fullRights) : null;
    }
    onChange(handler: () => void): void {
      this.#handlers.push(handler);
    }
    changed(): void {
      for (const handler of this.#handlers) handler();
    }
  }

  async function startWithUsers(...names: string[]) {
    const logins = new Rules();
    for (const name of names) logins.passwords.set(name, `secret of ${name}`);
    const { port } = await start({}, new MemoryStore(), { logins });
    return { logins, client: await connect(port), port };
  }

  test('ACL tells who one is and who there is, without digests', async () => {
    const { logins, client } = await startWithUsers('shop');
    expect(plain(await client.call('ACL', 'WHOAMI'))).toMatch(/^-NOAUTH/);
    expect(plain(await client.call('AUTH', 'shop', 'secret of shop'))).toBe('OK');
    expect(plain(await client.call('ACL', 'WHOAMI'))).toBe('shop');
    expect(plain(await client.call('ACL', 'USERS'))).toEqual(['default', 'shop']);
    expect(plain(await client.call('ACL', 'LIST'))).toEqual([
      'user default off ~* &* +@all',
      'user shop on ~* &* +@all',
    ]);
    expect(plain(await client.call('ACL', 'GETUSER', 'nobody'))).toBeNull();
    expect(plain(await client.call('ACL', 'GETUSER', 'shop'))).toEqual([
      ...['flags', ['on'], 'passwords', [], 'commands', '+@all'],
      ...['keys', '~*', 'channels', '&*', 'selectors', [], 'databases', 'alldbs'],
    ]);
    logins.rights.set('shop', { access: 'admin', keyspaces: ['orders', 'stock'] });
    logins.changed();
    expect(plain(await client.call('ACL', 'LIST'))).toContain('user shop on ~* &* +@all db=orders,stock');
    expect(plain(await client.call('ACL', 'SETUSER', 'eve', 'on', '>x', '~*', '+@all'))).toMatch(
      /^-NOPERM .*all keyspaces/,
    );
    logins.rights.clear();
    logins.changed();
    expect(plain(await client.call('ACL', 'HELP'))).toContain('DELUSER <name> [<name> ...]');
    expect(plain(await client.call('ACL', 'SAVE'))).toMatch(/^-ERR there is no ACL file/);
    expect(plain(await client.call('ACL', 'CAT'))).toContain('read');
    expect(plain(await client.call('ACL', 'CAT', 'read'))).toContain('get');
    expect(plain(await client.call('ACL', 'CAT', 'write'))).not.toContain('get');
    expect(plain(await client.call('ACL', 'CAT', '__proto__'))).toMatch(/^-ERR Unknown category/);
    expect(plain(await client.call('ACL', 'GENPASS'))).toMatch(/^[0-9a-f]{64}$/);
    expect(plain(await client.call('ACL', 'GENPASS', 5))).toMatch(/^[0-9a-f]{2}$/);
    expect(plain(await client.call('ACL', 'GENPASS', 5_000))).toMatch(/^-ERR/);
    expect(plain(await client.call('ACL', 'NONE'))).toMatch(/^-ERR unknown subcommand/);
    logins.required = false;
    expect(plain(await client.call('ACL', 'GETUSER', 'default'))).toContainEqual(['on', 'nopass']);
  });

  test('where a login is required nothing but AUTH and HELLO is heard before it', async () => {
    const { client } = await startWithUsers('default', 'shop');
    expect(plain(await client.call('GET', 'a'))).toBe('-NOAUTH Authentication required.');
    expect(plain(await client.call('AUTH', 'wrong'))).toMatch(/^-WRONGPASS/);
    expect(plain(await client.call('AUTH', 'shop', 'secret of default'))).toMatch(/^-WRONGPASS/);
    expect(plain(await client.call('AUTH', 'nobody', ''))).toMatch(/^-WRONGPASS/);
    expect(plain(await client.call('HELLO', 3))).toMatch(/^-NOAUTH HELLO must be called/);
    expect(plain(await client.call('AUTH', 'secret of default'))).toBe('OK');
    expect(plain(await client.call('GET', 'a'))).toBeNull();
    expect(plain(await client.call('RESET'))).toBe('RESET');
    expect(plain(await client.call('GET', 'a'))).toMatch(/^-NOAUTH/);
    expect(await client.call('HELLO', 3, 'AUTH', 'shop', 'secret of shop', 'SETNAME', 'me')).toBeInstanceOf(
      Map,
    );
    expect(plain(await client.call('CLIENT', 'GETNAME'))).toBe('me');
    expect(plain(await client.call('CLIENT', 'LIST'))).toContain(' user=shop ');
  });

  test('what is sent right behind the password waits for its outcome', async () => {
    const { client } = await startWithUsers('shop');
    client.write(
      'SET a 1\r\nAUTH shop wrong\r\nSET a 2\r\nAUTH shop "secret of shop"\r\nSET a 3\r\nGET a\r\n',
    );
    const replies = (await collect(client, 6)).map(String);
    expect(replies.map((reply) => reply.replace(/ .*/, ''))).toEqual([
      '-NOAUTH',
      '-WRONGPASS',
      '-NOAUTH',
      'OK',
      'OK',
      '3',
    ]);
  });

  test('a switch that is turned on holds for who is connected already', async () => {
    const { client, logins } = await startWithUsers('shop');
    logins.required = false;
    logins.changed();
    expect(plain(await client.call('SET', 'a', '1'))).toBe('OK');
    logins.required = true;
    logins.changed();
    expect(plain(await client.call('GET', 'a'))).toMatch(/^-NOAUTH/);
    expect(plain(await client.call('AUTH', 'shop', 'secret of shop'))).toBe('OK');
    logins.changed();
    expect(plain(await client.call('GET', 'a'))).toBe('1');
    // A new password, and then none at all.
    logins.passwords.set('shop', 'another');
    logins.changed();
    expect(plain(await client.call('GET', 'a'))).toMatch(/^-NOAUTH/);
    expect(plain(await client.call('AUTH', 'shop', 'another'))).toBe('OK');
    logins.passwords.delete('shop');
    logins.changed();
    expect(plain(await client.call('GET', 'a'))).toMatch(/^-NOAUTH/);
  });

  test('without users the default one takes any password, as in Redis', async () => {
    const client = await connect((await start()).port);
    expect(plain(await client.call('AUTH', 'default', 'any'))).toBe('OK');
    expect(plain(await client.call('AUTH', 'any'))).toMatch(/^-ERR AUTH <password> called without/);
    expect(plain(await client.call('AUTH', 'shop', 'any'))).toMatch(/^-WRONGPASS/);
    expect(plain(await client.call('GET', 'a'))).toBeNull();
  });
});

describe('forwarding', () => {
  test('bits and common subsequences are worked out wherever their keys are', async () => {
    const nodes = await startCluster(3);
    const client = await connect(nodes[0].port);
    const keys = Array.from({ length: 12 }, (_, index) => `bits:${index}`);
    for (const [index, key] of keys.entries()) {
      expect(plain(await client.call('SETBIT', key, index, 1))).toBe(0);
      expect(plain(await client.call('BITFIELD', key, 'INCRBY', 'u8', '#2', index))).toEqual([index]);
    }
    expect(nodes[1].store.forwardedKeys.length + nodes[2].store.forwardedKeys.length).toBeGreaterThan(0);
    // The twelve single bits, and the four of the numbers up to eleven.
    expect(plain(await client.call('BITOP', 'OR', 'all', ...keys))).toBe(3);
    expect(plain(await client.call('BITCOUNT', 'all'))).toBe(16);
    expect(plain(await client.call('BITPOS', 'all', 0))).toBe(12);
    await client.call('MSET', 'left', 'ohmytext', 'right', 'mynewtext');
    expect(plain(await client.call('LCS', 'left', 'right'))).toBe('mytext');
  });

  test('WAIT counts the replicas of a key before any write, not all nodes', async () => {
    const nodes = await startCluster(3);
    const { store } = nodes[0];
    const [range] = store.slots(0);
    store.slots = () => [{ ...range, firstSlot: 0, lastSlot: 16_383, nodes: range.nodes.slice(0, 2) }];
    const client = await connect(nodes[0].port);
    expect(plain(await client.call('WAIT', 2, 1))).toBe(1);
  });

  test('commands reach the node of their key with the session that sent them', async () => {
    const nodes = await startCluster(3, { acknowledgedCount: 3 });
    const client = await connect(nodes[0].port);
    await client.call('CT.CONSISTENCY', 'READ', 'ALL');
    for (let index = 0; index < 30; index++) {
      expect(plain(await client.call('SET', `key:${index}`, `${index}`))).toBe('OK');
      expect(plain(await client.call('GET', `key:${index}`))).toBe(`${index}`);
    }
    expect(nodes[1].store.forwardedKeys.length).toBeGreaterThan(0);
    expect(nodes[1].store.lastReadOptions).toContainEqual({ level: 'ALL' });
    expect(plain(await client.call('WAIT', 2, 1000))).toBe(2);
    expect(plain(await client.call('DEL', ...Array.from({ length: 31 }, (_, index) => `key:${index}`)))).toBe(
      30,
    );
    await client.call('SELECT', 2);
    expect(plain(await client.call('MSETNX', 'm1', 'a', 'm2', 'b', 'm3', 'c'))).toBe(1);
    expect(plain(await client.call('MGET', 'm1', 'm2', 'm3', 'm4'))).toEqual(['a', 'b', 'c', null]);
    expect(plain(await client.call('COPY', 'm1', 'm9', 'DB', 3))).toBe(1);
    expect(plain(await client.call('INCR', 'm1'))).toBe('-ERR value is not an integer or out of range');
    await client.call('HELLO', 3);
    expect(await client.call('GET', 'none')).toBeNull();
  });

  test('a node that cannot be reached fails the command, not the connection', async () => {
    const node = await start();
    node.store.coordinator = () => 77;
    const client = await connect(node.port);
    expect(plain(await client.call('GET', 'a'))).toMatch(/^-CLUSTERDOWN /);
    expect(plain(await client.call('MGET', 'a', 'b'))).toMatch(/^-CLUSTERDOWN /);
    expect(plain(await client.call('PING'))).toBe('PONG');
  });
});

describe('errors of the store', () => {
  test.each<[ErrorCode, string]>([
    ['quorum-not-met', 'NOQUORUM'],
    ['unavailable', 'CLUSTERDOWN'],
    ['busy', 'BUSY'],
    ['disk-full', 'MISCONF'],
    ['too-many-siblings', 'SIBLINGS'],
    ['too-large', 'ERR'],
  ])('%s is told as %s', async (code, prefix) => {
    const node = await start();
    node.store.failure = new CoterieError(code, 'needed 2 acknowledgements, received 1');
    const client = await connect(node.port);
    for (const words of [
      ['GET', 'a'],
      ['SET', 'a', '1'],
      ['INCR', 'a'],
      ['MGET', 'a', 'b'],
      ['RENAME', 'a', 'b'],
      ['DBSIZE'],
    ]) {
      const reply = await client.call(...words);
      expect(reply).toEqual(new RespErrorReply(`${prefix} needed 2 acknowledgements, received 1`));
    }
  });
});

describe('extensions', () => {
  test('contexts decide what a write supersedes', async () => {
    const keyspaces = [keyspaceView(0, { conflicts: 'siblings' })];
    const client = await connect((await start({}, new MemoryStore({ keyspaces }))).port);
    const call = async (...words: string[]): Promise<unknown> => plain(await client.call(...words));
    expect(await call('CT.GET', 'k')).toEqual(['', []]);
    const first = (await call('CT.PUT', 'k', 'a')) as string;
    await call('CT.PUT', 'k', 'b');
    const [context, values] = (await call('CT.GET', 'k', 'CONSISTENCY', 'ONE')) as [string, string[]];
    expect(values).toEqual(['b', 'a']);
    expect(await call('GET', 'k')).toBe('b');
    await call('CT.PUT', 'k', 'c', 'CONTEXT', first, 'EX', '100');
    expect(((await call('CT.GET', 'k')) as [string, string[]])[1]).toEqual(['c', 'b']);
    await call('CT.DEL', 'k', 'CONTEXT', context);
    expect(((await call('CT.GET', 'k')) as [string, string[]])[1]).toEqual(['c']);
    expect(await call('CT.PUT', 'k', 'v', 'CONSISTENCY', 'MOST')).toBe(
      "-ERR unknown consistency level 'MOST'",
    );
    expect(await call('CT.PUT', 'k', 'v', 'CONTEXT')).toBe('-ERR syntax error');
    const [replica] = (await call('CT.REPLICAS', 'k')) as unknown[][];
    expect(replica.slice(0, 8)).toEqual([
      'node',
      '0a0b0c0d',
      'name',
      'node-1',
      'data-center',
      'here',
      'state',
      'holds',
    ]);
  });

  test('a write with a condition is made or answered with what is there', async () => {
    const keyspaces = [keyspaceView(0, { conflicts: 'siblings' })];
    const client = await connect((await start({}, new MemoryStore({ keyspaces }))).port);
    const call = async (...words: string[]): Promise<unknown> => plain(await client.call(...words));
    expect(await call('CT.PUT', 'k', 'a', 'XX')).toEqual([0, '', 0]);
    expect(await call('CT.PUT', 'k', 'a', 'NX')).toEqual([1, 'v1', 0]);
    expect(await call('CT.PUT', 'k', 'b', 'NX')).toEqual([0, 'v1', 1]);
    expect(await call('CT.PUT', 'k', 'b', 'IF', 'v1', 'CONSISTENCY', 'ALL')).toEqual([1, 'v2', 1]);
    expect(await call('CT.PUT', 'k', 'c', 'IF', 'v1')).toEqual([0, 'v2', 1]);
    expect(await call('CT.PUT', 'k', 'c', 'PLAIN')).toBe('v3');
    expect(await call('CT.GET', 'k')).toEqual(['v3', ['c']]);
    expect(await call('CT.DEL', 'k', 'IF', 'v2')).toEqual([0, 'v3', 1]);
    expect(await call('CT.DEL', 'k', 'IF', 'v3')).toEqual([1, 'v4', 1]);
    expect(await call('CT.PUT', 'k', 'd', 'IF', 'v4')).toEqual([0, 'v4', 0]);
    for (const words of [['NX', 'XX'], ['NX', 'CONTEXT', 'v1'], ['IF'], ['PLAIN', 'IF', 'v1']])
      expect(await call('CT.PUT', 'k', 'v', ...words)).toBe('-ERR syntax error');
  });

  test('a connection shows, sets and gives back its levels', async () => {
    const client = await connect((await start()).port);
    const call = async (...words: string[]): Promise<unknown> => plain(await client.call(...words));
    expect(await call('CT.CONSISTENCY')).toEqual(['read', 'QUORUM', 'write', 'QUORUM']);
    expect(await call('CT.CONSISTENCY', 'READ', 'one', 'WRITE', 'ALL')).toBe('OK');
    expect(await call('CT.CONSISTENCY')).toEqual(['read', 'ONE', 'write', 'ALL']);
    expect(await call('CT.CONSISTENCY', 'READ', 'DEFAULT')).toBe('OK');
    expect(await call('CT.CONSISTENCY')).toEqual(['read', 'QUORUM', 'write', 'ALL']);
    expect(await call('CT.CONSISTENCY', 'DEFAULT')).toBe('OK');
    expect(await call('CT.LOAD', 'k')).toMatch(/^-ERR unknown command/);
  });

  test('a keyspace gives its time to live to values that name none', async () => {
    const keyspaces = [keyspaceView(0, { defaultTimeToLiveMs: 50_000 })];
    const client = await connect((await start({}, new MemoryStore({ keyspaces }))).port);
    const call = async (...words: string[]): Promise<unknown> => plain(await client.call(...words));
    await call('SET', 'a', '1');
    expect(await call('TTL', 'a')).toBe(50);
    await call('SET', 'a', '1', 'EX', '9');
    await call('INCR', 'a');
    expect(await call('TTL', 'a')).toBe(9);
    await call('PERSIST', 'a');
    await call('RENAME', 'a', 'b');
    expect(await call('TTL', 'b')).toBe(-1);
  });
});

describe('cluster discovery', () => {
  test('SLOTS, SHARDS and NODES agree', async () => {
    const nodes = await startCluster(3);
    const client = await connect(nodes[1].port);
    const slots = plain(await client.call('CLUSTER', 'SLOTS')) as [
      number,
      number,
      [string, number, string],
    ][];
    const lines = (plain(await client.call('CLUSTER', 'NODES')) as string).trim().split('\n');
    const shards = plain(await client.call('CLUSTER', 'SHARDS')) as [string, number[], string, unknown[][]][];
    const id = plain(await client.call('CLUSTER', 'MYID')) as string;
    expect(id).toMatch(/^[0-9a-f]{40}$/);
    expect(lines.find((line) => line.includes('myself'))).toContain(id);
    slots.forEach(([first, last, [host, port, node]]) => {
      expect(lines.find((line) => line.startsWith(node))).toContain(`${host}:${port}@`);
      expect(lines.find((line) => line.startsWith(node))).toContain(` ${first}-${last}`);
      const shard = shards.find(([, , , [members]]) => members.includes(node));
      expect(shard?.[1]).toEqual([first, last]);
    });
    expect(plain(await client.call('CLUSTER', 'INFO'))).toContain('cluster_state:ok');
    expect(plain(await client.call('CLUSTER', 'KEYSLOT', 'foo{bar}'))).toBe(5061);
    await client.call('SET', 'foo{bar}', '1');
    expect(plain(await client.call('CLUSTER', 'COUNTKEYSINSLOT', 5061))).toBe(1);
    expect(plain(await client.call('CLUSTER', 'GETKEYSINSLOT', 5061, 10))).toEqual(['foo{bar}']);
  });
});
