/** Whoever sends much, slowly or without end, or asks for much and does not read it, takes the host no more than its budget. */
import type { Socket } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  allowedMs,
  answerOf,
  faredDuring,
  hostPid,
  peakDuring,
  percentile,
  portOf,
  rawConnection,
  residentMiB,
} from '../support/abuse.ts';
import { RealCluster, waitUntil } from '../support/cluster.ts';
import { apiSocket, logIn, opened } from '../support/log-in.ts';

const mib = 1024 * 1024;
/** What the host has without anybody, the budget, and room for the collector and for copies of a moment. */
const residentMaxMiB = 1_100;
/** 99 of 100 requests of another client. */
const othersMaxMs = 2_500;
const cluster = new RealCluster();
let pid: number;
let host: string;
let port: number;

beforeAll(async () => {
  await cluster.start('--nodes', '1');
  pid = hostPid(cluster);
  ({ host } = new URL(cluster.uiUrl));
  port = portOf(cluster.uiUrl);
});
afterAll(() => cluster.dispose());

const kv = (key: string, init?: RequestInit) => fetch(`${cluster.uiUrl}kv/default/${key}`, init);
const head = (key: string, length: string) =>
  `PUT /kv/default/${key} HTTP/1.1\r\nHost: ${host}\r\n${length}\r\n\r\n`;
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Sends `bytes`, as far as the other side takes them. */
async function pour(socket: Socket, bytes: number, chunked: boolean): Promise<void> {
  const piece = Buffer.alloc(mib, 0x61);
  for (let sent = 0; sent < bytes && !socket.destroyed; sent += mib) {
    const whole = chunked ? Buffer.concat([Buffer.from('100000\r\n'), piece, Buffer.from('\r\n')]) : piece;
    if (socket.write(whole)) continue;
    await Promise.race([new Promise((resolve) => socket.once('drain', resolve)), pause(500)]);
    if (socket.writableLength > 8 * mib) return;
  }
}

/** While `attack` runs the host stays within its memory, and another client that asks at `path` is served, soon. */
async function expectBounds(attack: Promise<void>, path: string, method: 'GET' | 'PUT'): Promise<void> {
  const fared = faredDuring(attack, cluster.uiUrl + path, method);
  const peak = await peakDuring(attack, () => residentMiB(pid));
  expect(peak).toBeLessThan(residentMaxMiB);
  const { times, failed } = await fared;
  expect(failed).toBe(0);
  expect(percentile(times, 0.99)).toBeLessThan(allowedMs(othersMaxMs));
}

test.each([
  ['with a length', `Content-Length: ${50 * mib}`, false],
  ['in chunks', 'Transfer-Encoding: chunked', true],
])('60 uploads of 50 MiB that are never finished, %s', async (_, length, chunked) => {
  const sockets = await Promise.all(Array.from({ length: 60 }, () => rawConnection(port)));
  const answers = sockets.map((socket) => answerOf(socket, 25_000));
  const attack = (async () => {
    for (const [index, socket] of sockets.entries()) socket.write(head(`big-${index}`, length));
    await Promise.all(sockets.map((socket) => pour(socket, 49 * mib, chunked)));
    await pause(1_000);
  })();
  await expectBounds(attack, `kv/default/${chunked ? 'chunks' : 'length'}-`, 'PUT');
  for (const socket of sockets) socket.end();
  for (const socket of sockets) socket.destroy();
  const texts = await Promise.all(answers);
  const refused = texts.filter((text) => text.startsWith('HTTP/1.1 503'));
  expect(refused.length).toBeGreaterThan(0);
  expect(refused.every((text) => /retry-after: 1/i.test(text) && text.includes('Try again'))).toBe(true);
  // Room again as soon as they are gone.
  const value = Buffer.alloc(50 * mib, 7);
  expect((await kv(`whole-${chunked}`, { method: 'PUT', body: value })).status).toBe(204);
  expect((await (await kv(`whole-${chunked}`)).arrayBuffer()).byteLength).toBe(value.length);
});

test('uploads that trickle make room for others, and are given up', async () => {
  const sockets = await Promise.all(Array.from({ length: 8 }, () => rawConnection(port)));
  for (const [index, socket] of sockets.entries())
    socket.write(head(`slow-${index}`, `Content-Length: ${50 * mib}`));
  const trickle = setInterval(() => {
    for (const socket of sockets) if (!socket.destroyed) socket.write('x');
  }, 500);
  try {
    await pause(3_000);
    const value = Buffer.alloc(50 * mib, 1);
    await waitUntil(
      'a whole upload finds room',
      async () => (await kv('fair', { method: 'PUT', body: value })).status === 204,
      5_000,
    );
  } finally {
    clearInterval(trickle);
    for (const socket of sockets) socket.destroy();
  }
});

test('100 clients that ask for 50 MiB, again and again on one connection, and never read', async () => {
  await kv('large', { method: 'PUT', body: Buffer.alloc(50 * mib, 3) });
  const asking = `GET /kv/default/large HTTP/1.1\r\nHost: ${host}\r\n\r\n`;
  const sockets = await Promise.all(Array.from({ length: 100 }, () => rawConnection(port)));
  const attack = (async () => {
    for (const socket of sockets) socket.pause().write(asking.repeat(20));
    await pause(4_000);
  })();
  await expectBounds(attack, 'health', 'GET');
  for (const socket of sockets) socket.destroy();
  await waitUntil('others can read', async () => (await kv('large')).status === 200, 10_000);
});

test('frames of whoever is not logged in are not kept, those of who is are within the budget', async () => {
  const stranger = await rawConnection(port);
  const handshake = `GET /api HTTP/1.1\r\nHost: ${host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`;
  stranger.write(handshake);
  expect(await answerOf(stranger)).toMatch(/^HTTP\/1\.1 401 /);

  const { url } = (await cluster.command('login')) as { url: string };
  const loggedIn = await logIn(url);
  const sockets = Array.from({ length: 12 }, () => apiSocket(cluster.uiUrl, loggedIn));
  await Promise.all(sockets.map(opened));
  let closed = 0;
  for (const socket of sockets) {
    socket.on('close', () => closed++);
    socket.on('error', () => {});
  }
  const attack = (async () => {
    // The first piece of a message that never ends.
    for (const socket of sockets) socket.send(Buffer.alloc(90 * mib, 0x20), { fin: false });
    await pause(4_000);
  })();
  expect(await peakDuring(attack, () => residentMiB(pid))).toBeLessThan(residentMaxMiB);
  expect(closed).toBeGreaterThan(0);
  for (const socket of sockets) socket.terminate();
  expect((await kv('another', { method: 'PUT', body: 'y' })).status).toBe(204);
  expect(hostPid(cluster)).toBe(pid);
});
