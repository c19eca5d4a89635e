/** Keys over HTTP, byte for byte as they stand in the request line; siblings in parts; and what a mistake of ours looks like. */
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { fullRights } from '../../core/base/rights.ts';
import { Admission } from '../../core/host/access/admission.ts';
import type { Host } from '../../core/host/create-host.ts';
import { serveUi, type UiServer } from '../../core/host/servers/ui-server.ts';
import { type HttpLogins, openToAll } from '../../core/ports/logins.ts';
import type { RemoteRead, RemoteStore } from '../../core/ports/remote-store.ts';
import { LogCapture } from '../support/log-capture.ts';
import { realClock, realRandom, realTimers } from '../support/resp-target.ts';

/** Keys in hexadecimal, with what they hold. */
const held = new Map<string, RemoteRead>();
const nameOf = (keyspace: string, key: Buffer) => `${keyspace} ${key.toString('hex')}`;
const named = 'http://shop.example:3000';
let breakdown: Error | null = null;

const store: RemoteStore = {
  async get(keyspace, key) {
    if (breakdown !== null) throw breakdown;
    return held.get(nameOf(keyspace, key)) ?? { values: [], contentTypes: [], context: '' };
  },
  async put(keyspace, key, { value, contentType = '' }) {
    held.set(nameOf(keyspace, key), { values: [value], contentTypes: [contentType], context: 'c' });
    return { written: true, context: 'c', found: 0 };
  },
  async delete(keyspace, key) {
    held.delete(nameOf(keyspace, key));
    return { written: true, context: 'c', found: 0 };
  },
};

const log = new LogCapture();
let server: UiServer;
let port = 0;

const logins: HttpLogins = {
  ...openToAll,
  checkToken: (token, done) => done(null, token === 'right' ? 'anna' : null),
  rightsOf: () => fullRights,
};

function newServer(allowOrigins: readonly string[]): Promise<UiServer> {
  const admission = new Admission({ clock: realClock, timers: realTimers });
  const parts = { data: store, admission, logins };
  const host = { ...parts, snapshot: () => ({ keyspaces: [] }) } as unknown as Host;
  return serveUi(
    { host, clock: realClock, timers: realTimers, random: realRandom, log },
    { host: '127.0.0.1', port: 0, rendererFolder: '/nonexistent', readOnly: false, allowOrigins },
  );
}

beforeAll(async () => {
  server = await newServer([named]);
  port = Number(new URL(server.url).port);
});
afterAll(() => server.close());

/** One request as it is, and the whole answer as latin1 text. */
function raw(requestLine: string, headers: string[] = [], body = ''): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1');
    const chunks: Buffer[] = [];
    socket.on('data', (chunk) => chunks.push(chunk));
    socket.on('error', reject);
    socket.on('close', () => resolve(Buffer.concat(chunks).toString('latin1')));
    const lines = [`${requestLine} HTTP/1.1`, `Host: 127.0.0.1:${port}`, 'Connection: close', ...headers];
    if (body !== '') lines.push(`Content-Length: ${body.length}`);
    socket.write(Buffer.from(`${lines.join('\r\n')}\r\n\r\n${body}`, 'latin1'));
  });
}

const hex = (text: string) => Buffer.from(text, 'latin1').toString('hex');

describe('a key in the request line', () => {
  test.each([
    ['a/../b', 'a/../b'],
    ['../b', '../b'],
    ['a/./b', 'a/./b'],
    ['..', '..'],
    ['.', '.'],
    ['a/..', 'a/..'],
    ['%2e%2e/%2e', '../.'],
    ['a%2F%2e%2e%2Fb', 'a/../b'],
    ['a%2fb', 'a/b'],
    ['a//b', 'a//b'],
    ['/a', '/a'],
    ['a/', 'a/'],
    ['%00%ff%80', '\x00\xff\x80'],
    ['%c3%28', '\xc3\x28'],
    ['%25', '%'],
    ['a+b', 'a+b'],
    ["a'b|c^d`e{f}", "a'b|c^d`e{f}"],
    ['a;b=c,d:e@f$g&h!i*j(k)', 'a;b=c,d:e@f$g&h!i*j(k)'],
    ['../../login', '../../login'],
    ['a?ttl=5', 'a'],
    ['%3f%23', '?#'],
  ])('%s is the key %j', async (target, key) => {
    held.clear();
    const answer = await raw(`PUT /kv/ks/${target}`, [], 'x');
    expect(answer).toMatch(/^HTTP\/1\.1 204 /);
    expect([...held.keys()]).toEqual([`ks ${hex(key)}`]);
    expect(await raw(`GET /kv/ks/${target}`)).toMatch(/^HTTP\/1\.1 200 [\s\S]*\r\n\r\nx$/);
    expect(await raw(`DELETE /kv/ks/${target}`)).toMatch(/^HTTP\/1\.1 204 /);
    expect(held.size).toBe(0);
  });

  test('as an absolute address, as a proxy sends it, is the same key', async () => {
    held.clear();
    await raw(`PUT http://127.0.0.1:${port}/kv/ks/a/../b`, [], 'x');
    expect([...held.keys()]).toEqual([`ks ${hex('a/../b')}`]);
  });

  test('the keyspace’s name may be escaped, and is never a part of the key', async () => {
    held.clear();
    await raw('PUT /kv/k%73/a', [], 'x');
    expect([...held.keys()]).toEqual([`ks ${hex('a')}`]);
    expect(await raw('PUT /kv/ks/', [], 'x')).toMatch(/^HTTP\/1\.1 400 [\s\S]*names no key/);
    expect(await raw('PUT /kv/ks', [], 'x')).toMatch(/^HTTP\/1\.1 400 [\s\S]*names no key/);
    expect(await raw('PUT /kv//a', [], 'x')).toMatch(/^HTTP\/1\.1 400 [\s\S]*names no key/);
    expect(await raw('PUT /kv/ks/%4', [], 'x')).toMatch(/^HTTP\/1\.1 400 [\s\S]*percent-encoding/);
    expect(await raw('POST /kv/ks/a/../b', [], 'x')).toMatch(
      /^HTTP\/1\.1 405 [\s\S]*GET, HEAD, PUT, DELETE, OPTIONS/,
    );
    expect(held.size).toBe(1);
  });

  test.each(['a\\..\\b', 'a\xe9', 'a b'])(
    'that no request line may have is refused, not guessed: %j',
    async (target) => {
      held.clear();
      expect(await raw(`PUT /kv/ks/${target}`, [], 'x')).toMatch(/^HTTP\/1\.1 400 /);
      expect(held.size).toBe(0);
    },
  );

  test('is not what an address that only leads to /kv after tidying up means', async () => {
    held.clear();
    expect(await raw('PUT /x/../kv/ks/a', [], 'x')).toMatch(/^HTTP\/1\.1 4\d\d /);
    expect(held.size).toBe(0);
  });

  test('may have 64 KiB, however they are written, and no more', async () => {
    held.clear();
    const key = Buffer.from(Array.from({ length: 65_536 }, (_, index) => index % 256));
    const target = `/kv/ks/${[...key].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('')}`;
    expect(await raw(`PUT ${target}`, [], 'x')).toMatch(/^HTTP\/1\.1 204 /);
    expect([...held.keys()]).toEqual([`ks ${key.toString('hex')}`]);
    expect(await raw(`GET ${target}`)).toMatch(/^HTTP\/1\.1 200 [\s\S]*\r\n\r\nx$/);
    expect(await raw(`PUT ${target}a`, [], 'x')).toMatch(/^HTTP\/1\.1 413 [\s\S]*65,536/);
    expect(await raw(`PUT ${target}${'a'.repeat(60_000)}`, [], 'x')).toMatch(/^HTTP\/1\.1 431 /);
    expect(held.size).toBe(1);
  });
});

const abc = () =>
  held.set(`ks ${hex('abc')}`, { values: [Buffer.from('abcdef')], contentTypes: [''], context: 'c' });

describe('a value', () => {
  test('HEAD answers as GET does, with its length and without the value', async () => {
    abc();
    const [got, head] = await Promise.all([raw('GET /kv/ks/abc'), raw('HEAD /kv/ks/abc')]);
    expect(head).toMatch(/^HTTP\/1\.1 200 [\s\S]*content-length: 6\r\n[\s\S]*\r\n\r\n$/i);
    const lines = (answer: string) =>
      answer
        .toLowerCase()
        .split('\r\n')
        .filter((line) => !line.startsWith('date: '))
        .sort();
    expect(lines(got)).toEqual([...lines(head).slice(1), 'abcdef'].sort());
  });

  test('has the type that its PUT named, and is no page of ours whatever that is', async () => {
    await raw('PUT /kv/ks/typed', ['Content-Type: text/html; charset=utf-8'], '<script>1</script>');
    const answer = await raw('GET /kv/ks/typed');
    expect(answer).toMatch(/content-type: text\/html; charset=utf-8\r\n/i);
    expect(answer).toMatch(/content-security-policy: default-src 'none'; sandbox\r\n/i);
    expect(answer).toMatch(/x-content-type-options: nosniff\r\n/i);
    await raw('PUT /kv/ks/typed', [], 'x');
    expect(await raw('GET /kv/ks/typed')).toMatch(/content-type: application\/octet-stream\r\n/i);
    expect(await raw('PUT /kv/ks/typed', ['Content-Type: nonsense'], 'x')).toMatch(
      /^HTTP\/1\.1 400 [\s\S]*text\/plain/,
    );
  });

  test.each([
    ['bytes=0-1', 206, 'bytes 0-1/6', 'ab'],
    ['bytes=4-', 206, 'bytes 4-5/6', 'ef'],
    ['bytes=4-99', 206, 'bytes 4-5/6', 'ef'],
    ['bytes=-2', 206, 'bytes 4-5/6', 'ef'],
    ['bytes=-99', 206, 'bytes 0-5/6', 'abcdef'],
    ['bytes=6-', 416, 'bytes */6', null],
    ['bytes=-0', 416, 'bytes */6', null],
    ['bytes=2-1', 200, null, 'abcdef'],
    ['bytes=0-1,3-4', 200, null, 'abcdef'],
    ['bytes=-', 200, null, 'abcdef'],
    ['lines=1-2', 200, null, 'abcdef'],
  ])('%s of six bytes: %d', async (range, status, contentRange, body) => {
    abc();
    const response = await fetch(`${server.url}kv/ks/abc`, { headers: { Range: range } });
    expect([response.status, response.headers.get('content-range')]).toEqual([status, contentRange]);
    if (body !== null) expect(await response.text()).toBe(body);
  });

  test('that is empty has no ranges', async () => {
    held.set(`ks ${hex('none')}`, { values: [Buffer.alloc(0)], contentTypes: [''], context: 'c' });
    for (const range of ['bytes=0-', 'bytes=-5']) {
      const response = await fetch(`${server.url}kv/ks/none`, { headers: { Range: range } });
      expect([response.status, response.headers.get('content-range')]).toEqual([416, 'bytes */0']);
    }
  });

  test('is whole where it is another than the one that a client has begun with', async () => {
    abc();
    const bodies = ['"c"', '"other"'].map(async (tag) => {
      const headers = { Range: 'bytes=4-', 'If-Range': tag };
      return (await fetch(`${server.url}kv/ks/abc`, { headers })).text();
    });
    expect(await Promise.all(bodies)).toEqual(['ef', 'abcdef']);
  });
});

describe('siblings in parts', () => {
  test('the boundary is another each time and in none of the values', async () => {
    const values = ['one', '--coterie-siblings--\r\n--coterie-siblings\r\n', '\r\n--\r\n'].map((text) =>
      Buffer.from(text),
    );
    held.set(`ks ${hex('sib')}`, { values, contentTypes: ['', 'text/plain', 'image/png'], context: 'c' });
    const boundaries: string[] = [];
    for (let turn = 0; turn < 2; turn++) {
      const response = await fetch(`${server.url}kv/ks/sib`, { headers: { Accept: 'multipart/mixed' } });
      expect(response.status).toBe(300);
      const boundary = /^multipart\/mixed; boundary=([a-z0-9-]{1,70})$/.exec(
        response.headers.get('content-type')!,
      )![1];
      const text = Buffer.from(await response.arrayBuffer()).toString('latin1');
      const parts = text.split(`--${boundary}`);
      expect(parts[0]).toBe('');
      expect(parts.at(-1)).toBe('--\r\n');
      const bodies = parts.slice(1, -1).map((part) => part.slice(part.indexOf('\r\n\r\n') + 4, -2));
      expect(bodies).toEqual(values.map(String));
      const types = parts.slice(1, -1).map((part) => /Content-Type: (.*)\r\n/.exec(part)![1]);
      expect(types).toEqual(['application/octet-stream', 'text/plain', 'image/png']);
      boundaries.push(boundary);
    }
    expect(boundaries[0]).not.toBe(boundaries[1]);
  });
});

describe('what an address takes', () => {
  test('is told, to who asks and to who uses another method', async () => {
    const keyMethods = 'GET, HEAD, PUT, DELETE, OPTIONS';
    expect(await raw('OPTIONS /kv/ks/a/../b')).toMatch(
      new RegExp(`^HTTP/1\\.1 204 [\\s\\S]*allow: ${keyMethods}\r`, 'i'),
    );
    for (const method of ['POST', 'PATCH', 'PROPFIND'])
      expect(await raw(`${method} /kv/ks/a`)).toMatch(
        new RegExp(`^HTTP/1\\.1 405 [\\s\\S]*allow: ${keyMethods}\r`, 'i'),
      );
    for (const path of ['/health', '/health/live', '/metrics', '/openapi.json'])
      expect(await raw(`DELETE ${path}`)).toMatch(/^HTTP\/1\.1 405 [\s\S]*allow: GET, HEAD, OPTIONS\r/i);
  });
});

describe('a failure', () => {
  test('is told as problem details, and as before', async () => {
    const response = await fetch(`${server.url}kv/ks/nothing`);
    expect(response.headers.get('content-type')).toBe('application/problem+json');
    const message = 'The key holds no value.';
    expect(await response.json()).toEqual({
      type: 'urn:coterie:problem:not-found',
      title: 'Not found',
      status: 404,
      detail: message,
      code: 'not-found',
      error: { code: 'not-found', message },
    });
  });
});

describe('pages of other origins', () => {
  const allowOf = (answer: string) => /access-control-allow-origin: ([^\r]*)/i.exec(answer)?.[1];
  const preflight = ['Access-Control-Request-Method: PUT', 'Access-Control-Request-Headers: if-match'];

  test('that a person has named may use keys, and never with what a browser adds by itself', async () => {
    abc();
    const from = [`Origin: ${named}`, 'Sec-Fetch-Site: cross-site'];
    const asked = await raw('OPTIONS /kv/ks/abc', [...from, ...preflight]);
    expect(asked).toMatch(/^HTTP\/1\.1 204 /);
    expect(asked).toMatch(/access-control-allow-methods: GET, HEAD, PUT, DELETE\r/i);
    expect(asked).toMatch(/access-control-allow-headers: [^\r]*If-Match/i);
    for (const answer of [asked, await raw('GET /kv/ks/abc', from), await raw('GET /kv/ks/%zz', from)]) {
      expect(allowOf(answer)).toBe(named);
      expect(answer).toMatch(/vary: [^\r]*origin/i);
      expect(answer).not.toMatch(/allow-credentials/i);
    }
    expect(await raw('PUT /kv/ks/by-page', from, 'x')).toMatch(/^HTTP\/1\.1 204 /);
  });

  test.each([
    'http://shop.example',
    'https://shop.example:3000',
    'http://shop.example:3000.evil',
    'null',
    '*',
  ])('are refused where they are not named: %s', async (origin) => {
    for (const request of ['GET /kv/ks/abc', 'OPTIONS /kv/ks/abc', 'PUT /kv/ks/abc']) {
      const answer = await raw(request, [`Origin: ${origin}`, ...preflight]);
      expect(answer).toMatch(/^HTTP\/1\.1 403 /);
      expect(allowOf(answer)).toBeUndefined();
    }
  });

  test('that are named get nothing but keys, and nothing under another name of this server', async () => {
    const from = [`Origin: ${named}`];
    for (const path of ['/', '/health', '/metrics', '/session', '/login', '/kvx', '/openapi.json'])
      expect(await raw(`GET ${path}`, from)).toMatch(/^HTTP\/1\.1 403 /);
    // A picture, a form: a browser names no origin for them.
    expect(await raw('GET /kv/ks/abc', ['Sec-Fetch-Site: cross-site'])).toMatch(/^HTTP\/1\.1 403 /);
  });

  test('need a login where all may ask, and programs of this computer do not', async () => {
    abc();
    const all = await newServer(['*']);
    try {
      const ask = (headers: Record<string, string>) => fetch(`${all.url}kv/ks/abc`, { headers });
      const stranger = await ask({ Origin: 'http://evil.example' });
      expect([stranger.status, stranger.headers.get('access-control-allow-origin')]).toEqual([401, '*']);
      expect(stranger.headers.get('access-control-allow-credentials')).toBeNull();
      const known = await ask({ Origin: 'http://evil.example', Authorization: 'Bearer right' });
      expect([known.status, await known.text()]).toEqual([200, 'abcdef']);
      expect((await ask({})).status).toBe(200);
    } finally {
      await all.close();
    }
  });
});

describe('a mistake of ours', () => {
  test('is 500 with a plain sentence, and the log has the place', async () => {
    breakdown = new TypeError("Cannot read properties of undefined (reading 'context')");
    const response = await fetch(`${server.url}kv/ks/k`).finally(() => {
      breakdown = null;
    });
    expect(response.status).toBe(500);
    const { error } = (await response.json()) as { error: { code: string; message: string } };
    expect(error.code).toBe('internal');
    expect(error.message).not.toMatch(/undefined/);
    expect(log.errors).toHaveLength(1);
    expect(log.errors[0].facts.stack).toMatch(/^TypeError: [\s\S]*http-keys\.test\.ts/);
  });
});
