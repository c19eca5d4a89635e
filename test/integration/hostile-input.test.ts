/** Whatever comes in from outside, over any way in, is answered or refused: the host lives on, and serves the next request. */
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ServerFrame } from '../../core/contract/api.ts';
import { readControlAddress } from '../../core/host/servers/control-server.ts';
import { RealCluster, waitUntil } from '../support/cluster.ts';
import { apiSocket, type LoggedIn, logIn, opened } from '../support/log-in.ts';

const cluster = new RealCluster();
let loggedIn: LoggedIn;

beforeAll(async () => {
  await cluster.start('--nodes', '1');
  loggedIn = await logIn(cluster.ready.ui);
});
afterAll(() => cluster.dispose());

/** JSON of every kind that is no call, and what is no JSON. */
const noCalls = [
  ...['null', '[]', '[null]', '7', '"call"', 'true', '{}', '{"kind":null}', '{"kind":"other"}'],
  ...['{"kind":"call"}', '{"kind":"call","id":"1","method":"cluster.snapshot"}'],
  ...['{"kind":"call","id":1,"method":{"toString":1}}', '{"kind":["call"]}', '{"__proto__":null}', '', '{'],
];

/** Calls of methods with input that no schema knows. */
const wrongInputs = [null, [], 7, 'x', { name: null }, { name: { toString: 1 } }, { name: ['a'] }];
const wrongMethods = ['__proto__', 'constructor', 'toString', '', 'cluster.none'];

describe('the page’s WebSocket', () => {
  test('answers each frame that is none with an error frame, and goes on', async () => {
    const socket = apiSocket(cluster.uiUrl, loggedIn);
    const frames: ServerFrame[] = [];
    socket.on('message', (data) => frames.push(JSON.parse(data.toString()) as ServerFrame));
    await opened(socket);
    const codes = () => frames.map((frame) => (frame.kind === 'failure' ? frame.error.code : frame.kind));
    for (const text of noCalls) socket.send(text);
    socket.send(Buffer.from([0xff, 0xfe, 0x00]));
    await waitUntil('all are refused', () => frames.length === noCalls.length + 1);
    expect(new Set(codes())).toEqual(new Set(['bad-input']));

    frames.length = 0;
    const calls = [
      ...wrongInputs.map((input) => ({ method: 'nodes.stop', input })),
      ...wrongMethods.map((method) => ({ method, input: {} })),
    ];
    for (const [id, call] of calls.entries()) socket.send(JSON.stringify({ kind: 'call', id, ...call }));
    socket.send(JSON.stringify({ kind: 'call', id: 99, method: 'cluster.snapshot', input: {} }));
    await waitUntil('all are answered', () => frames.length === calls.length + 1);
    expect(new Set(codes())).toEqual(new Set(['bad-input', 'unsupported', 'result']));
    socket.close();
  });
});

describe('the control port', () => {
  const ask = async (body: string) => {
    const { url, token } = readControlAddress(cluster.folder)!;
    const answer = await fetch(url, { method: 'POST', body, headers: { Authorization: `Bearer ${token}` } });
    return {
      status: answer.status,
      body: (await answer.json()) as { error: { code: string; message: string } },
    };
  };

  test('refuses what is no call in its own words', async () => {
    for (const text of noCalls) {
      const { status, body } = await ask(text);
      expect({ text, status, code: body.error.code }).toEqual({ text, status: 400, code: 'bad-input' });
      expect(body.error.message).toMatch(/^(The request is not JSON|This is no call)/);
    }
    for (const input of wrongInputs) {
      expect((await ask(JSON.stringify({ method: 'nodes.stop', input }))).body.error.code).toBe('bad-input');
    }
  });
});

describe('the port of the app', () => {
  const speak = (text: string, hangUp: boolean) =>
    new Promise<void>((resolve) => {
      const socket = connect({ host: '127.0.0.1', port: Number(new URL(cluster.uiUrl).port) }, () => {
        socket.write(text);
        if (hangUp) socket.resetAndDestroy();
        else socket.end();
      });
      socket.on('error', () => {});
      socket.resume();
      socket.once('close', () => resolve());
    });

  test('outlives broken HTTP, refused upgrades and callers that hang up', async () => {
    const { host } = new URL(cluster.uiUrl);
    const { cookie, token } = loggedIn;
    const upgrade = `GET /api HTTP/1.1\r\nHost: ${host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n`;
    const requests = [
      'nonsense\r\n\r\n',
      `${upgrade}\r\n`,
      `${upgrade}Cookie: ${cookie}\r\n\r\n`,
      `${upgrade}Cookie: ${cookie}\r\nSec-WebSocket-Protocol: coterie.1, coterie.token.${token}\r\nSec-WebSocket-Key: x\r\nSec-WebSocket-Version: 13\r\n\r\n`,
      `PUT /kv/default/k HTTP/1.1\r\nHost: ${host}\r\nContent-Length: 1000\r\n\r\nhalf`,
      `GET /%zz HTTP/1.1\r\nHost: ${host}\r\nCookie: ${cookie}\r\n\r\n`,
      `GET /kv/%/% HTTP/1.1\r\nHost: ${host}\r\n\r\n`,
    ];
    for (const hangUp of [true, false]) {
      for (const request of requests) await speak(request, hangUp);
    }
    expect((await fetch(`${cluster.uiUrl}health`)).status).toBeLessThan(600);
    expect(cluster.log).not.toMatch(/mistake of Coterie/);
  });
});
