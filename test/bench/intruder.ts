/**
 * An intruder with other attacks than those of test/abuse, against three real nodes and their host, one after the other: values that
 * grow and are copied, replies that nobody reads, walks whose clients leave, long commands, guessed passwords, odd HTTP, WebSockets
 * that never get in, random datagrams and forged greetings. For each: the most memory of a node and of the host, how long another
 * client of the node waited (milliseconds, 99 of 100), what it was refused. At the end: who is still there, and what is lost.
 */
import { randomBytes } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { deflateRawSync } from 'node:zlib';
import { Redis } from 'ioredis';
import { clusterTagOf } from '../../core/wire/membership/packet-codec.ts';
import { encodeJson, frameType, protocolVersion } from '../../core/wire/peer/frames.ts';
import { encodeCommand } from '../../core/wire/resp/encoder.ts';
import { hostPid, portOf, rawConnection, residentMiB } from '../support/abuse.ts';
import { RealCluster } from '../support/cluster.ts';
import { Bystander, Intruder, lostAt, mebibyte } from '../support/intruder.ts';

const cluster = new RealCluster();
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const lost: string[] = [];

async function measured(name: string, attack: (intruder: Intruder) => Promise<void>): Promise<void> {
  const [port] = cluster.ports;
  const pids = cluster.ready.nodes.map(({ pid }) => pid);
  const intruder = new Intruder(port);
  const bystander = new Bystander(port);
  let [nodeMiB, hostMiB] = [0, 0];
  const looking = setInterval(() => {
    nodeMiB = Math.max(nodeMiB, ...pids.map(residentMiB));
    hostMiB = Math.max(hostMiB, residentMiB(hostPid(cluster)));
  }, 50);
  await attack(intruder);
  clearInterval(looking);
  intruder.leave();
  const { p99Ms, count } = await bystander.stop();
  lost.push(...(await lostAt(port, bystander.acknowledged)));
  process.stdout.write(
    `${name.padEnd(40)} node ${nodeMiB.toFixed(0)} MiB, host ${hostMiB.toFixed(0)} MiB, others p99 ${p99Ms.toFixed(0)} ms of ${count}, refused ${bystander.failures.length}\n`,
  );
}

/** `count` clients that send `bytes`, and read what comes, or never. */
async function sent(intruder: Intruder, count: number, reads: boolean, bytes: Buffer): Promise<void> {
  for (const socket of await intruder.connect(count)) (reads ? socket.resume() : socket.pause()).write(bytes);
}

const repeated = (times: number, ...words: string[]) =>
  Buffer.concat(Array.from({ length: times }, () => encodeCommand(words)));

async function overRedis(): Promise<void> {
  await measured('values that grow and are copied', async (intruder) => {
    const copies = Array.from({ length: 60 }, (_, index) =>
      encodeCommand(['COPY', 'big', `big-${index % 5}`, 'REPLACE']),
    );
    await sent(intruder, 1, true, Buffer.concat(copies));
    await sent(intruder, 1, true, repeated(40, 'APPEND', 'grown', 'y'.repeat(5 * mebibyte)));
    await sent(intruder, 1, true, repeated(40, 'SETRANGE', 'grown', '52000000', 'z'));
    await sent(intruder, 1, true, repeated(1, 'SETRANGE', 'grown', '536870911', 'z'));
    await pause(9_000);
  });
  await measured('60 clients that never read 20 × 40 MiB', async (intruder) => {
    await sent(intruder, 60, false, repeated(20, 'GET', 'big'));
    await pause(8_000);
  });
  await measured('400 clients that ask for KEYS * and leave', async (intruder) => {
    for (let round = 0; round < 40; round++) {
      await sent(intruder, 10, false, repeated(20, 'KEYS', '*'));
      intruder.leave();
      await pause(50);
    }
    await pause(2_000);
  });
  await measured('CLIENT LIST, INFO, COMMAND, never read', async (intruder) => {
    const asked = [['CLIENT', 'LIST'], ['INFO'], ['COMMAND', 'DOCS'], ['COMMAND']];
    await sent(intruder, 100, false, Buffer.concat(asked.map((words) => repeated(500, ...words))));
    await pause(8_000);
  });
  await measured('MSETNX and DEL of 500,000 words', async (intruder) => {
    const pairs = Array.from({ length: 250_000 }, (_, index) => [`many-${index}`, '']).flat();
    const keys = Array.from({ length: 500_000 }, (_, index) => `many-${index % 1_000}`);
    await sent(
      intruder,
      6,
      true,
      Buffer.concat([encodeCommand(['MSETNX', ...pairs]), encodeCommand(['DEL', ...keys])]),
    );
    await pause(10_000);
  });
  await measured('100,000 guessed passwords', async (intruder) => {
    await sent(intruder, 50, true, repeated(2_000, 'HELLO', '3', 'AUTH', 'somebody', 'b'.repeat(200)));
    await pause(6_000);
  });
}

const oddRequests = [
  'GET /kv/default/a HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n',
  'PUT /kv/default/a HTTP/1.1\r\nHost: HOST\r\nTransfer-Encoding: chunked, identity\r\n\r\n5\r\n',
  'TRACE / HTTP/1.1\r\nHost: HOST\r\n\r\n',
  `GET /${'a'.repeat(60_000)} HTTP/1.1\r\nHost: HOST\r\n\r\n`,
  'PUT /kv/default/a HTTP/1.1\r\nHost: HOST\r\nContent-Length: 99999999999\r\n\r\nx',
  `GET / HTTP/1.1\r\nHost: HOST\r\nX: ${'y'.repeat(20_000)}\r\n\r\n`,
  'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
  'PUT /kv/default/a HTTP/1.1\r\nHost: HOST\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /health HTTP/1.1\r\n\r\n',
  'DELETE /kv/../../etc HTTP/1.1\r\nHost: HOST\r\n\r\n',
  'GET /%00 HTTP/1.1\r\nHost: HOST\r\n\r\n',
  'OPTIONS * HTTP/1.1\r\nHost: HOST\r\n\r\n',
  'GET http://elsewhere/ HTTP/1.1\r\nHost: HOST\r\n\r\n',
];

async function overHttp(): Promise<void> {
  const port = portOf(cluster.uiUrl);
  const own = `127.0.0.1:${port}`;
  const told = async (bytes: Buffer | string, isReset: boolean) => {
    const socket = await rawConnection(port).catch(() => null);
    socket?.resume().write(bytes);
    await pause(20);
    if (isReset) socket?.resetAndDestroy();
    else socket?.destroy();
  };
  await measured('1,440 odd requests, half of them reset', async () => {
    for (let round = 0; round < 120; round++) {
      await Promise.all(oddRequests.map((text) => told(text.replace('HOST', own), round % 2 === 0)));
    }
  });
  await measured('1,050 WebSockets without a login', async () => {
    const bomb = Buffer.concat([
      Buffer.from([0xc2, 0xff, 0, 0, 0, 0, 0x3f, 0xff, 0xff, 0xff, 1, 2, 3, 4]),
      deflateRawSync(Buffer.alloc(16 * mebibyte)),
    ]);
    for (let round = 0; round < 105; round++) {
      const handshake = `GET /api HTTP/1.1\r\nHost: ${own}\r\nOrigin: http://${own}\r\nCookie: coterie-${port}=${randomBytes(32).toString('hex')}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: ${randomBytes(16).toString('base64')}\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n`;
      const bytes = Buffer.concat([Buffer.from(handshake), bomb]);
      await Promise.all(Array.from({ length: 10 }, () => told(bytes, round % 2 === 0)));
    }
  });
}

async function betweenNodes(): Promise<void> {
  const ports = cluster.ready.nodes.map(({ name }) => {
    const file = join(cluster.folder, 'nodes', name, 'endpoint.json');
    return (JSON.parse(readFileSync(file, 'utf8')) as { peerPort: number }).peerPort;
  });
  const tag = clusterTagOf(cluster.ready.cluster.id);
  await measured('120,000 datagrams, 400 greetings, forged', async () => {
    const socket = createSocket('udp4');
    for (let count = 0; count < 120_000; count++) {
      const bytes = randomBytes(20 + (count % 1_380));
      // What stands in the open is right: the rest cannot be.
      Buffer.from([0xc0, 0x7e, 2, 1]).copy(bytes);
      bytes.writeUInt32BE(tag.high, 4);
      bytes.writeUInt32BE(tag.low, 8);
      socket.send(bytes, ports[count % 3], '127.0.0.1');
      if (count % 2_000 === 0) await pause(5);
    }
    for (let count = 0; count < 400; count++) {
      const caller = await rawConnection(ports[count % 3]).catch(() => null);
      const hello = { protocol: protocolVersion, nonce: randomBytes(32).toString('hex') };
      const proof = { node: 1, proof: randomBytes(32).toString('hex') };
      caller?.resume().write(encodeJson(frameType.hello, 0, hello));
      caller?.write(encodeJson(frameType.proof, 0, proof));
      caller?.write(Buffer.from([0xff, 0xff, 0xff, 0xff, 9]));
    }
    await pause(1_500);
    socket.close();
  });
}

try {
  await cluster.start('--nodes', '3');
  const before = (await cluster.nodes()).map(({ pid }) => pid);
  const host = hostPid(cluster);
  const client = new Redis({ host: '127.0.0.1', port: cluster.ports[0] });
  await client.set('big', Buffer.alloc(40 * mebibyte, 0x61));
  for (let first = 0; first < 20_000; first += 500) {
    await Promise.all(Array.from({ length: 500 }, (_, index) => client.set(`key-${first + index}`, 'value')));
  }
  client.disconnect();
  await overRedis();
  await overHttp();
  await betweenNodes();
  for (const seconds of [15, 45]) {
    await pause(seconds * 1_000);
    const now = before.map((pid) => `${residentMiB(pid!).toFixed(0)} MiB`);
    process.stdout.write(`${seconds} s later: nodes ${now.join(', ')}\n`);
  }
  const isSame = (await cluster.nodes()).every(({ pid }, index) => pid === before[index]);
  process.stdout.write(
    `All processes are those of the beginning: ${isSame && hostPid(cluster) === host}. Acknowledged writes of others lost: ${lost.length}.\n`,
  );
} finally {
  await cluster.dispose();
}
