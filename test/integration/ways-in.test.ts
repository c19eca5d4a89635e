/** HTTP, the command line and the browser's WebSocket, on one real cluster. */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ServerFrame } from '../../core/contract/api.ts';
import { isAlive, RealCluster, waitUntil } from '../support/cluster.ts';
import { apiSocket, logIn, opened } from '../support/log-in.ts';

const cluster = new RealCluster();
const program = join(import.meta.dirname, '../../dist/cli.js');
const run = promisify(execFile);
const contextHeader = 'X-Coterie-Context';

beforeAll(() => cluster.start('--data-centers', 'office=3,warehouse=1'));
afterAll(() => cluster.dispose());

const kv = (path: string, init?: RequestInit) => fetch(`${cluster.uiUrl}kv/${path}`, init);

/** Exit code, and what a person sees. */
async function cli(...words: string[]): Promise<{ code: number; out: string; error: string }> {
  try {
    const { stdout, stderr } = await run(process.execPath, [program, ...words, '--data', cluster.folder]);
    return { code: 0, out: stdout, error: stderr };
  } catch (failure) {
    const { code, stdout, stderr } = failure as { code: number; stdout: string; stderr: string };
    return { code, out: stdout, error: stderr };
  }
}

describe('HTTP', () => {
  test('a value keeps its content type, beside what Redis clients see and do with it', async () => {
    const headers = { 'Content-Type': 'application/json' };
    await kv('default/{typed}a', { method: 'PUT', body: '{"a":1}', headers });
    const client = new Redis({ host: '127.0.0.1', port: cluster.ports[1] });
    const typeOf = async (key: string) => (await kv(`default/${key}`)).headers.get('content-type');
    expect(await client.get('{typed}a')).toBe('{"a":1}');
    expect(await client.strlen('{typed}a')).toBe(7);
    expect(await typeOf('{typed}a')).toBe('application/json');
    // What only moves it, or says how long it lives, leaves it what it is.
    await client.expire('{typed}a', 100);
    await client.rename('{typed}a', '{typed}b');
    await client.multi().copy('{typed}b', '{typed}c').persist('{typed}c').exec();
    for (const key of ['{typed}b', '{typed}c']) expect(await typeOf(key)).toBe('application/json');
    expect(await client.get('{typed}c')).toBe('{"a":1}');
    expect((await cli('put', '{typed}d', 'x', '--type', 'text/plain')).code).toBe(0);
    expect(await typeOf('{typed}d')).toBe('text/plain');
    expect((await cli('put', '{typed}d', 'x', '--type', 'nonsense')).code).toBe(2);
    await client.append('{typed}b', ' ');
    expect(await typeOf('{typed}b')).toBe('application/octet-stream');
    client.disconnect();
  });

  test('a value goes in and comes out byte for byte, with its context', async () => {
    const value = Buffer.from([0, 255, 10, 13, 128]);
    const put = await kv('default/some%2Fkey%00', { method: 'PUT', body: value });
    expect(put.status).toBe(204);
    const got = await kv('default/some%2Fkey%00');
    expect(Buffer.from(await got.arrayBuffer())).toEqual(value);
    expect(got.headers.get(contextHeader)).not.toBe('');
    const client = new Redis(cluster.ports[1]);
    expect(await client.getBuffer(Buffer.from('some/key\0'))).toEqual(value);
    client.disconnect();
  });

  test('a write that says nothing of what it has read replaces it, as SET does', async () => {
    const put = (body: string, headers = {}) => kv('default/plain', { method: 'PUT', body, headers });
    await put('one');
    const etag = (await put('two')).headers.get('etag');
    const got = await kv('default/plain');
    expect([got.status, await got.text(), got.headers.get('etag')]).toEqual([200, 'two', etag]);
    await put('beside', { [contextHeader]: '' });
    expect((await kv('default/plain')).status).toBe(300);
    await put('over both');
    expect(await (await kv('default/plain')).text()).toBe('over both');
  });

  test('two writes that have read nothing are siblings: 300 with both, one after a write with the context', async () => {
    const headers = { [contextHeader]: '' };
    await kv('default/sib', { method: 'PUT', body: 'one', headers });
    await kv('default/sib', { method: 'PUT', body: 'two', headers });
    const both = await kv('default/sib');
    expect(both.status).toBe(300);
    const { siblings } = (await both.json()) as { siblings: string[] };
    expect(siblings.map((text) => Buffer.from(text, 'base64').toString()).sort()).toEqual(['one', 'two']);
    const multipart = await kv('default/sib', { headers: { Accept: 'multipart/mixed' } });
    expect(await multipart.text()).toMatch(/^--(coterie-[0-9a-f]{32})[\s\S]*one[\s\S]*--\1--\r\n$/);
    const context = both.headers.get(contextHeader)!;
    await kv('default/sib', { method: 'PUT', body: 'merged', headers: { [contextHeader]: context } });
    expect(await (await kv('default/sib')).text()).toBe('merged');
  });

  test('a write is made only where its condition holds, and is answered with the ETag of what is there', async () => {
    const put = (body: string, headers: Record<string, string>) =>
      kv('default/cas', { method: 'PUT', body, headers });
    expect((await put('x', { 'If-Match': '*' })).status).toBe(412);
    const made = await put('one', { 'If-None-Match': '*' });
    expect(made.status).toBe(204);
    const first = made.headers.get('etag')!;
    expect((await kv('default/cas', { method: 'HEAD' })).headers.get('etag')).toBe(first);
    const again = await put('other', { 'If-None-Match': '*' });
    expect([again.status, again.headers.get('etag')]).toEqual([412, first]);

    const second = (await put('two', { 'If-Match': first })).headers.get('etag')!;
    const late = await put('late', { 'If-Match': first });
    expect([late.status, late.headers.get('etag')]).toEqual([412, second]);
    expect((await put('weak', { 'If-Match': `W/${second}` })).status).toBe(412);
    expect((await put('never given out', { 'If-Match': '"x"' })).status).toBe(412);
    expect((await put('x', { 'If-Match': 'x' })).status).toBe(400);
    expect((await put('x', { 'If-None-Match': second })).status).toBe(400);
    expect((await put('x', { 'If-Match': second, 'If-None-Match': '*' })).status).toBe(400);
    expect((await put('x', { 'If-Match': second, [contextHeader]: second.slice(1, -1) })).status).toBe(400);

    const unchanged = await kv('default/cas', { headers: { 'If-None-Match': `"x", ${second}` } });
    expect([unchanged.status, await unchanged.text()]).toEqual([304, '']);
    expect(await (await kv('default/cas', { headers: { 'If-None-Match': first } })).text()).toBe('two');
    expect((await kv('default/cas', { headers: { 'If-Match': first } })).status).toBe(412);

    const remove = (etag: string) => kv('default/cas', { method: 'DELETE', headers: { 'If-Match': etag } });
    const refused = await remove(first);
    expect([refused.status, refused.headers.get('etag')]).toEqual([412, second]);
    expect((await remove(second)).status).toBe(204);
    const gone = await put('x', { 'If-Match': second });
    expect([gone.status, gone.headers.get('etag')]).toEqual([412, null]);
    expect((await put('anew', { 'If-None-Match': '*' })).status).toBe(204);
  });

  test('of many that write on one ETag at once, or create at once, one does; what is no condition’s is another’s', async () => {
    const write = async (key: string, headers: Record<string, string>) => {
      const answers = await Promise.all(
        Array.from({ length: 12 }, (_, turn) =>
          kv(`default/${key}`, { method: 'PUT', body: String(turn), headers }),
        ),
      );
      return answers.map(({ status }) => status).sort();
    };
    const one = [204, ...Array.from({ length: 11 }, () => 412)];
    expect(await write('race', { 'If-None-Match': '*' })).toEqual(one);
    const etag = (await kv('default/race')).headers.get('etag')!;
    expect(await write('race', { 'If-Match': etag })).toEqual(one);
    expect((await kv('default/race')).status).toBe(200);
  });

  test('siblings are resolved on their ETag', async () => {
    const empty = { [contextHeader]: '' };
    for (const body of ['one', 'two']) await kv('default/cas-sib', { method: 'PUT', body, headers: empty });
    const both = await kv('default/cas-sib');
    expect(both.status).toBe(300);
    const headers = { 'If-Match': both.headers.get('etag')! };
    expect((await kv('default/cas-sib', { method: 'PUT', body: 'merged', headers })).status).toBe(204);
    expect(await (await kv('default/cas-sib')).text()).toBe('merged');
  });

  test('a delete removes the key, and a later read still has a context', async () => {
    await kv('default/gone', { method: 'PUT', body: 'x' });
    expect((await kv('default/gone', { method: 'DELETE' })).status).toBe(204);
    const after = await kv('default/gone');
    expect(after.status).toBe(404);
    expect(after.headers.get(contextHeader)).toMatch(/.+/);
  });

  test.each([
    ['nowhere/k', undefined, 404, /no keyspace "nowhere"/],
    ['default/k?consistency=MOST', undefined, 400, /"MOST" is no consistency level.* ONE, .*QUORUM, .* ALL/],
    [
      'default/k',
      { method: 'PUT', body: 'x', headers: { 'X-Coterie-Consistency': 'MOST' } },
      400,
      /"MOST" is no consistency level.* ONE, .*QUORUM, .* ALL/,
    ],
    ['default/k?consistency=', { method: 'DELETE' }, 400, /no consistency level/],
    ['default/k?consistency=ONE', { headers: { 'X-Coterie-Consistency': 'ALL' } }, 400, /Send one of them/],
    ['default/k?consistency=ONE&consistency=ONE', undefined, 400, /twice/],
    ['default/k?ttl=soon', { method: 'PUT', body: 'x' }, 400, /whole number of seconds/],
    [
      'default/k',
      { method: 'PUT', body: 'x', headers: { [contextHeader]: 'made up' } },
      400,
      /context is damaged/,
    ],
    ['default/%zz', undefined, 400, /percent-encoding/],
    ['default', undefined, 400, /names no key/],
    ['default/k', { method: 'POST', body: 'x' }, 405, /GET, HEAD, PUT, DELETE, OPTIONS/],
  ])('%s is answered with a reason and a status', async (path, init, status, reason) => {
    const response = await kv(path, init as RequestInit);
    expect(response.status).toBe(status);
    expect(((await response.json()) as { error: { message: string } }).error.message).toMatch(reason);
  });

  test('the OpenAPI document, the metrics and the health are there', async () => {
    const document = (await (await fetch(`${cluster.uiUrl}openapi.json`)).json()) as {
      openapi: string;
      paths: object;
    };
    expect(document.openapi).toBe('3.1.0');
    expect(Object.keys(document.paths)).toEqual([
      '/kv/{keyspace}/{key}',
      '/health',
      '/health/live',
      '/health/ready',
      '/metrics',
    ]);
    await waitUntil('figures have been measured', async () =>
      (await (await fetch(`${cluster.uiUrl}metrics`)).text()).includes(
        'coterie_keys{node="node-1",data_center="office"}',
      ),
    );
    expect((await fetch(`${cluster.uiUrl}health`)).status).toBe(200);
  });

  test('the metrics tell operations by keyspace, level and outcome until the keyspace is dropped', async () => {
    await cluster.command('keyspace', 'create', 'counted', '--factor', 'office=3,warehouse=1');
    await waitUntil('the keyspace is there', async () => (await kv('counted/key')).status === 404);
    for (let time = 0; time < 3; time++) {
      expect((await kv('counted/key?consistency=TWO', { method: 'PUT', body: 'value' })).status).toBe(204);
    }
    const page = async () => await (await fetch(`${cluster.uiUrl}metrics`)).text();
    /** Of all nodes together; null: there are none. */
    const sum = async (...labels: string[]) => {
      const lines = (await page())
        .split('\n')
        .filter((line) => labels.every((label) => line.includes(label)));
      return lines.length === 0
        ? null
        : lines.reduce((total, line) => total + Number(line.split(' ').at(-1)), 0);
    };
    const written = ['coterie_operations_total{', 'keyspace="counted",kind="write",level="TWO"'];
    await waitUntil('all of them are told', async () => (await sum(...written, 'outcome="ok"')) === 3);
    expect(await sum(...written, 'outcome="refused"')).toBe(0);
    expect(await sum('coterie_filesystem_free_bytes{', 'node="node-1"')).toBeGreaterThan(0);
    expect(await sum('coterie_storage_pending_bytes{')).toBeGreaterThanOrEqual(0);
    await cluster.command('keyspace', 'drop', 'counted', '--yes');
    await waitUntil('nothing is told of it any more', async () => (await sum('keyspace="counted"')) === null);
  });

  test('requests from other sites’ pages and under other names are refused', async () => {
    expect((await kv('default/k', { headers: { Origin: 'http://evil.example' } })).status).toBe(403);
    const response = await run('curl', [
      '-s',
      '-o',
      '/dev/null',
      '-w',
      '%{http_code}',
      '-H',
      'Host: evil.example',
      cluster.uiUrl,
    ]).catch(() => ({ stdout: '421' }));
    expect(response.stdout).toBe('421');
  });
});

describe('the browser’s way in', () => {
  test('is closed without a login, and opens once with the link', async () => {
    expect((await fetch(cluster.uiUrl)).status).toBe(401);
    const link = ((await cluster.command('login')) as { url: string }).url;
    const loggedIn = await logIn(link);
    const { cookie, token } = loggedIn;
    await expect(logIn(link)).rejects.toThrow(/401.*used already/);
    const page = await fetch(cluster.uiUrl, { headers: { Cookie: cookie } });
    expect(page.headers.get('content-security-policy')).toMatch(/default-src 'none'/);
    expect(
      (await fetch(`${cluster.uiUrl}..%2f..%2fpackage.json`, { headers: { Cookie: cookie } })).status,
    ).toBe(404);

    await expect(opened(apiSocket(cluster.uiUrl, {}))).rejects.toThrow(/401/);
    await expect(opened(apiSocket(cluster.uiUrl, { cookie }))).rejects.toThrow(/401/);
    await expect(opened(apiSocket(cluster.uiUrl, { token }))).rejects.toThrow(/401/);
    const elsewhere = { Origin: 'http://evil.example' };
    await expect(opened(apiSocket(cluster.uiUrl, loggedIn, elsewhere))).rejects.toThrow(/403/);
    const socket = apiSocket(cluster.uiUrl, loggedIn);
    const frames: ServerFrame[] = [];
    socket.on('message', (data) => frames.push(JSON.parse(data.toString()) as ServerFrame));
    await opened(socket);
    socket.send(JSON.stringify({ kind: 'subscribe' }));
    socket.send(JSON.stringify({ kind: 'call', id: 1, method: 'nodes.kill', input: { name: 'node-9' } }));
    await waitUntil('a refusal', () => frames.some((frame) => frame.kind === 'failure'));
    const events = () => frames.filter((frame) => frame.kind === 'event').map((frame) => frame.event);
    await waitUntil('figures are pushed', () => events().some((event) => event.type === 'node'));
    expect(events()[0].type).toBe('snapshot');
    const sequences = events().map((event) => event.sequence);
    expect(sequences).toEqual(sequences.map((_, index) => sequences[0] + index));
    socket.close();
  });
});

describe('sessions', () => {
  test('are listed and ended from the command line; an open page is told', async () => {
    const enter = async () => logIn(((await cluster.command('login')) as { url: string }).url);
    await cluster.command('logout', '--all');
    const [one, two] = [await enter(), await enter()];
    const sockets = [apiSocket(cluster.uiUrl, one), apiSocket(cluster.uiUrl, two)];
    await Promise.all(sockets.map(opened));
    const listed = (await cluster.command('sessions')) as { id: string; openPages: number }[];
    expect(listed.map(({ openPages }) => openPages)).toEqual([1, 1]);
    expect((await cli('logout')).error).toMatch(/2 browsers are logged in.*--all/);
    const codes: number[] = [];
    for (const socket of sockets) socket.on('close', (code) => codes.push(code));
    await cluster.command('logout', listed[0].id);
    await waitUntil('one page is told', () => codes.length === 1);
    await cluster.command('logout', '--all');
    await waitUntil('the other is told', () => codes.length === 2);
    expect(codes).toEqual([4401, 4401]);
    await expect(opened(apiSocket(cluster.uiUrl, one))).rejects.toThrow(/401/);
    expect((await cli('sessions')).out).toMatch(/No browser is logged in/);
  });
});

describe('the command line', () => {
  test('creates, alters, lists and drops keyspaces', async () => {
    const made = await cluster.command(
      ...['keyspace', 'create', 'orders', '--factor', 'office=3,warehouse=1', '--read', 'local_quorum'],
      ...['--write', 'LOCAL_QUORUM', '--conflicts', 'last-write-wins', '--sloppy', 'off', '--database', '3'],
    );
    expect(made).toMatchObject({
      name: 'orders',
      factors: { office: 3, warehouse: 1 },
      readLevel: 'LOCAL_QUORUM',
      conflicts: 'last-write-wins',
      sloppy: false,
      database: 3,
      readYourWrites: 'within-data-center',
      readYourWritesIn: ['office', 'warehouse'],
    });
    const client = new Redis(cluster.ports[0], { db: 3 });
    await client.set('k', 'v');
    expect(await client.get('k')).toBe('v');
    client.disconnect();
    expect(await cluster.command('keyspace', 'alter', 'orders', '--write', 'ALL')).toMatchObject({
      writeLevel: 'ALL',
    });
    expect((await cli('keyspace', 'drop', 'orders')).error).toMatch(/add --yes/);
    expect((await cli('keyspace', 'drop', 'orders', '--yes')).code).toBe(0);
    expect((await cli('keyspace', 'list')).out).not.toMatch(/orders/);
  });

  test('puts, gets and deletes values, and shows their replicas', async () => {
    expect((await cli('put', 'greeting', 'hello')).out).toBe('written\n');
    expect((await cli('get', 'greeting')).out).toBe('hello\n');
    expect((await cli('replicas', 'default', 'greeting')).out).toMatch(/NODE .*\n(node-\d .* equal .*\n){4}/);
    expect((await cli('delete', 'greeting')).code).toBe(0);
    expect(await cli('get', 'greeting')).toMatchObject({ code: 3, error: 'greeting holds no value.\n' });
  });

  test('says in one line what is wrong and what to do', async () => {
    expect((await cli('node', 'stop', 'node-9')).error).toBe(
      'There is no node "node-9". Nodes: node-1, node-2, node-3, node-4.\n',
    );
    expect((await cli('keyspace', 'create', 'x', '--factor', 'moon=2')).error).toMatch(
      /no data center "moon"/,
    );
    const elsewhere = await run(process.execPath, [program, 'status', '--data', '/nonexistent']).catch(
      (e) => e,
    );
    expect(elsewhere.stderr).toMatch(/No Coterie runs on the data folder.*coterie serve/);
  });

  test('a second start on the same folder is refused and names the owner', async () => {
    const second = await cli(
      'serve',
      '--json',
      '--client-port',
      '0',
      '--ui-port',
      '0',
      '--control-port',
      '0',
      '--peer-port',
      '0',
    );
    expect(second.code).toBe(1);
    expect(second.out).toMatch(/in use by another Coterie \(process \d+\)/);
  });

  test('a busy port is named with the next free one', async () => {
    const [port] = cluster.ports;
    const folder = mkdtempSync(join(tmpdir(), 'coterie-busy-'));
    const words = ['serve', '--json', '--data', folder, '--client-port', String(port)];
    const second = await run(process.execPath, [program, ...words]).catch((e) => e);
    rmSync(folder, { recursive: true, force: true });
    expect(second.stdout).toMatch(new RegExp(`Port ${port} for clients is in use.*--client-port \\d+`));
  });

  test('the ready line has what programs need, and SIGTERM drains', async () => {
    const other = new RealCluster();
    const ready = await other.start('--nodes', '1');
    expect(ready).toMatchObject({
      ready: true,
      nodes: [
        {
          name: 'node-1',
          dataCenter: 'office',
          state: 'up',
          client: expect.stringMatching(/^127\.0\.0\.1:\d+$/),
        },
      ],
    });
    const { pid } = ready.nodes[0];
    expect(await other.stop()).toBe(0);
    expect(isAlive(pid)).toBe(false);
    await other.dispose();
  });
});
