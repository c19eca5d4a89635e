/** Abuses of the ports of the host: the app's, its WebSocket, and that of the command line. */

import { mebibyte } from '../intruder.ts';
import { apiSocket, opened } from '../log-in.ts';
import { type Abuse, type AbuseTarget, closed } from './abuse.ts';

const head = (method: string, path: string, { host }: URL) =>
  `${method} ${path} HTTP/1.1\r\nHost: ${host}\r\n`;

/** `count` connections that send `bytes`, and go on with a byte now and then. */
async function slowly(target: AbuseTarget, url: URL, count: number, bytes: string): Promise<void> {
  const sockets = await target.connectAll(count, Number(url.port));
  for (const socket of sockets) socket.resume().write(bytes);
  target.drip(sockets, 'x');
}

const slowHeaders: Abuse = {
  name: '700 HTTP headers that never end',
  holds: true,
  async run(target) {
    await slowly(target, target.ui, 500, `${head('GET', '/health', target.ui)}X-Slow: `);
    await slowly(target, target.control, 200, `${head('POST', '/', target.control)}X-Slow: `);
  },
};

const slowBodies: Abuse = {
  name: '200 bodies of 50 MiB that trickle',
  holds: true,
  async run(target) {
    const { ui } = target;
    const length = `Content-Length: ${50 * mebibyte}\r\n\r\n`;
    await slowly(target, ui, 100, `${head('PUT', '/kv/default/slow', ui)}${length}`);
    await slowly(
      target,
      ui,
      100,
      `${head('PUT', '/kv/default/slow', ui)}Transfer-Encoding: chunked\r\n\r\n3200000\r\n`,
    );
  },
};

const strangersOnSocket: Abuse = {
  name: 'the page’s socket: 300 handshakes without a login',
  holds: false,
  async run(target) {
    const { ui } = target;
    const handshake = `${head('GET', '/api', ui)}Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`;
    const bytes = Buffer.concat([Buffer.from(handshake), Buffer.alloc(mebibyte, 0x81)]);
    for (let round = 0; round < 6 && !target.isOver; round++) {
      const sockets = await target.connectAll(50, Number(ui.port));
      for (const socket of sockets) socket.write(bytes);
      await Promise.all(sockets.map(closed));
    }
  },
};

async function pages(target: AbuseTarget, count: number) {
  const sockets = Array.from({ length: count }, () => apiSocket(target.cluster.uiUrl, target.loggedIn));
  for (const socket of sockets) {
    socket.on('error', () => {});
    target.keep({ destroy: () => socket.terminate() });
  }
  await Promise.all(sockets.map(opened));
  return sockets;
}

const callsOnSocket: Abuse = {
  name: 'the page’s socket: 12 × 5,000 calls, unread',
  holds: true,
  async run(target) {
    for (const socket of await pages(target, 12)) {
      socket.pause();
      for (let id = 0; id < 5_000; id++) {
        socket.send(JSON.stringify({ kind: 'call', id, method: 'cluster.snapshot', input: {} }));
      }
    }
  },
};

/** Frames that are small to send and large to read: lists in lists, and millions of empty things. */
const costlyFrames = (): Buffer[] => {
  const within = (input: string) =>
    Buffer.from(`{"kind":"call","id":1,"method":"cluster.snapshot","input":${input}}`);
  return [
    within('['.repeat(15 * mebibyte)),
    within(`[${'{},'.repeat(5 * mebibyte)}{}]`),
    within(`[${'0,'.repeat(7 * mebibyte)}0]`),
  ];
};

const deepFrames: Abuse = {
  name: 'the page’s socket: JSON of 15 MiB, deep and wide',
  holds: false,
  async run(target) {
    for (const frame of costlyFrames()) {
      const [socket] = await pages(target, 1);
      const over = new Promise<void>((resolve) => {
        socket.once('message', () => resolve());
        socket.once('close', () => resolve());
      });
      socket.send(frame);
      await over;
      socket.terminate();
    }
  },
};

const unfinishedFrames: Abuse = {
  name: 'the page’s socket: 12 frames of 15 MiB, unfinished',
  holds: true,
  async run(target) {
    for (const socket of await pages(target, 12))
      socket.send(Buffer.alloc(15 * mebibyte, 0x20), { fin: false });
  },
};

const controlFlood: Abuse = {
  name: 'the control port: 500 requests without its secret',
  holds: false,
  async run(target) {
    const { control } = target;
    const part = Buffer.alloc(mebibyte, 0x5b);
    for (let round = 0; round < 10 && !target.isOver; round++) {
      const sockets = await target.connectAll(50, Number(control.port));
      await Promise.all(
        sockets.map(async (socket, index) => {
          const asked = index % 2 === 0 ? 'Authorization: Bearer guessed\r\n' : '';
          socket.write(`${head('POST', '/', control)}${asked}Content-Length: ${100 * mebibyte}\r\n\r\n`);
          socket.resume();
          await target.pour(socket, part, 4);
          socket.destroy();
        }),
      );
    }
  },
};

export const abusesOverHttp: readonly Abuse[] = [
  slowHeaders,
  slowBodies,
  strangersOnSocket,
  callsOnSocket,
  deepFrames,
  unfinishedFrames,
  controlFlood,
];
