/** A link that this side has ended, because another one stands in its place. */
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { expect, it } from 'vitest';
import { PeerLink } from '../../../core/platform/peer-link.ts';
import { systemTimers } from '../../../core/platform/system-clock.ts';
import { encodeEmpty, frameType } from '../../../core/wire/peer/frames.ts';

it('still takes what the other side had sent, also where it would answer something of that', async () => {
  const server = createServer({ allowHalfOpen: true }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const socket = connect((server.address() as { port: number }).port, '127.0.0.1');
  const [[other]] = await Promise.all([
    once(server, 'connection') as Promise<[Socket]>,
    once(socket, 'connect'),
  ]);
  const errors: string[] = [];
  socket.on('error', ({ message }) => errors.push(message));
  const received: Buffer[] = [];
  socket.on('data', (bytes) => received.push(bytes));
  other.on('error', () => {});
  const link = new PeerLink({ socket, timers: systemTimers }, 2, 0);
  socket.end();
  other.write('a ping');
  await once(socket, 'data');
  link.send(encodeEmpty(frameType.pong, 0), 0);
  await new Promise((resolve) => setTimeout(resolve, 20));
  other.end('what came behind it');
  await once(socket, 'close');
  server.close();
  expect([String(Buffer.concat(received)), errors]).toEqual(['a pingwhat came behind it', []]);
});
