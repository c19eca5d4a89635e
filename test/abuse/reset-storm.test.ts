/** Thousands of connections that are reset in the middle of whatever they began: the host goes on, and answers. */
import type { Socket } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readControlAddress } from '../../core/host/servers/control-server.ts';
import { allowedMs, hostPid, portOf, rawConnection } from '../support/abuse.ts';
import { isAlive, RealCluster, waitUntil } from '../support/cluster.ts';
import { type LoggedIn, logIn } from '../support/log-in.ts';

const cluster = new RealCluster();
let pid: number;
let loggedIn: LoggedIn;

beforeAll(async () => {
  await cluster.start('--nodes', '1');
  pid = hostPid(cluster);
  loggedIn = await logIn(cluster.ready.ui);
});
afterAll(() => cluster.dispose());

const rounds = 120;

/** Beginnings of all kinds; `host` is the authority of the port. */
function beginnings(host: string): (string | Buffer)[] {
  const { cookie, token } = loggedIn;
  const upgrade = (to: string, path: string) =>
    `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: ${to}\r\n`;
  const handshake = 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n';
  const proof = `Cookie: ${cookie}\r\nSec-WebSocket-Protocol: coterie.1, coterie.token.${token}\r\n`;
  // One masked frame of a hundred bytes, of which ten come.
  const halfFrame = Buffer.from([0x81, 0xe4, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  return [
    `${upgrade('websocket', '/api')}\r\n`,
    `${upgrade('websocket', '/api')}${handshake}\r\n`,
    `${upgrade('websocket', '/api')}${handshake}Cookie: ${cookie}\r\n\r\n`,
    `${upgrade('websocket', '/api')}${handshake}${proof}\r\n`,
    Buffer.concat([Buffer.from(`${upgrade('websocket', '/api')}${handshake}${proof}\r\n`), halfFrame]),
    `${upgrade('websocket', '/elsewhere')}${handshake}\r\n`,
    `${upgrade('h2c', '/')}HTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA\r\n\r\n`,
    'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
    `CONNECT 127.0.0.1:22 HTTP/1.1\r\nHost: ${host}\r\n\r\n`,
    `PUT /kv/default/k HTTP/1.1\r\nHost: ${host}\r\nExpect: 100-continue\r\nContent-Length: 1000\r\n\r\n`,
    `PUT /kv/default/k HTTP/1.1\r\nHost: ${host}\r\nExpect: a-miracle\r\nContent-Length: 1000\r\n\r\n`,
    `PUT /kv/default/k HTTP/1.1\r\nHost: ${host}\r\nTransfer-Encoding: chunked\r\n\r\nff\r\nhalf`,
    `POST /session HTTP/1.1\r\nHost: ${host}\r\nContent-Length: 100\r\n\r\n{"co`,
    `GET /metrics HTTP/1.1\r\nHost: ${host}\r\n\r\n`,
    `GET /kv/default/k HTTP/1.1\r\nHost: ${host}\r\n\r\n`.repeat(20),
    `GET / HTTP/1.1\r\nHos`,
    `POST / HTTP/1.1\r\nHost: ${host}\r\nAuthorization: Bearer x\r\nContent-Length: 5\r\n\r\n{"m`,
    'nonsense\r\n\r\n',
    Buffer.from('16030100a5010000a10303', 'hex'),
    '',
  ];
}

async function storm(url: string): Promise<void> {
  const port = portOf(url);
  const texts = beginnings(new URL(url).host);
  for (let round = 0; round < rounds; round++) {
    await Promise.all(
      texts.map(async (text) => {
        const socket = await rawConnection(port).catch(() => null);
        if (socket === null) return;
        // Some are reset with the request, some while the answer is on its way.
        if (round % 3 === 0) socket.write(text, () => socket.resetAndDestroy());
        else if (round % 3 === 1) {
          socket.write(text);
          socket.resetAndDestroy();
        } else {
          socket.write(text);
          setImmediate(() => socket.resetAndDestroy());
        }
      }),
    );
    if (!isAlive(pid)) throw new Error(`The host ended in round ${round}.\n${cluster.log}`);
  }
}

test.each([
  ['the app', () => cluster.uiUrl],
  ['the command line', () => readControlAddress(cluster.folder)!.url],
])('the port of %s outlives 2,400 connections that are reset', async (_, url) => {
  await storm(url());
  expect(hostPid(cluster)).toBe(pid);
  expect((await fetch(`${cluster.uiUrl}health`)).status).toBeLessThan(600);
  expect((await cluster.nodes()).map(({ state }) => state)).toEqual(['up']);
  expect(cluster.log).not.toMatch(/mistake of Coterie|uncaught/i);
});

test('silent connections, far more than may be, keep nobody out, and are closed', async () => {
  const port = portOf(cluster.uiUrl);
  const sockets: Socket[] = [];
  let longestMs = 0;
  for (let batch = 0; batch < 26; batch++) {
    // Fewer than the system keeps for the host until it takes them: of those beyond it, the host would never know.
    const opened = await Promise.all(
      Array.from({ length: 100 }, () => rawConnection(port).catch(() => null)),
    );
    for (const socket of opened) {
      if (socket === null) continue;
      if (batch >= 20) socket.write('GET /health HTTP/1.1\r\nHost: ');
      sockets.push(socket.resume());
    }
    const startedMs = performance.now();
    // A newcomer each time: a connection that waits for its next request may be closed at any moment, as HTTP says.
    const answer = await fetch(`${cluster.uiUrl}health`, { headers: { connection: 'close' } });
    expect(answer.status).toBe(200);
    longestMs = Math.max(longestMs, performance.now() - startedMs);
  }
  expect(longestMs).toBeLessThan(allowedMs(2_000));
  await waitUntil('all of them are closed', () => sockets.every(({ closed }) => closed));
  expect(hostPid(cluster)).toBe(pid);
});
