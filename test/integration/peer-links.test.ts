/**
 * What a TCP link between nodes does beyond the port (test/conformance/peer-network-suite.ts): order, limits, greetings,
 * slow lines and the end. Sockets are real; where time matters it is the test's own.
 */
import { createServer, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { CoterieError } from '../../core/base/errors.ts';
import { systemTimers } from '../../core/platform/system-clock.ts';
import type { Clock } from '../../core/ports/clock.ts';
import {
  encodeCall,
  encodeJson,
  frameBytesMax,
  frameType,
  requestIdOf,
  typeOf,
} from '../../core/wire/peer/frames.ts';
import { rawConnection } from '../support/abuse.ts';
import { waitUntil } from '../support/cluster.ts';
import { loopback, meet, startTcpPeer, type TcpPeer, TcpPeers, untilTrue } from '../support/tcp-peers.ts';
import { VirtualTime } from '../support/virtual-time.ts';

const mebibyte = 1024 * 1024;
const closers: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function pair() {
  const peers = new TcpPeers();
  closers.push(() => peers.dispose());
  const [left, right] = [await peers.join(1), await peers.join(2)];
  await untilTrue(() => left.isUp(2) && right.isUp(1));
  return { left, right };
}

/** A node of which only the network is there, with a peer that is played by the test. */
async function alone(selfId: number, time?: VirtualTime, clock: Clock | undefined = time): Promise<TcpPeer> {
  const timers = time && { ...systemTimers, after: time.after.bind(time) };
  const peer = await startTcpPeer(selfId, { clock, timers });
  closers.push(() => peer.network.close());
  peer.network.setPeers([{ id: 1, name: 'played', host: loopback, port: 9 }]);
  return peer;
}

async function call(port: number): Promise<Socket> {
  const socket = await rawConnection(port);
  closers.push(() => socket.destroy());
  return socket;
}

const turns = () => new Promise((resolve) => setTimeout(resolve, 2));

describe('a TCP link between nodes', () => {
  it('keeps the order of frames, whatever their sizes', async () => {
    const { left, right } = await pair();
    const seen: number[] = [];
    right.onFrame((_, frame) => seen.push(requestIdOf(frame)));
    const numbers = Array.from({ length: 300 }, (_, index) => index);
    for (const number of numbers) {
      left.send(2, encodeCall(number, 1, Buffer.alloc(number % 7 === 0 ? 50_000 : number)));
      if (number % 40 === 0) await turns();
    }
    await untilTrue(() => seen.length === numbers.length);
    expect(seen).toEqual(numbers);
  });

  it('is made anew under another key without a frame lost or out of order, and without being down', async () => {
    // What a socket was shown to belong to: those of before count less.
    const born = new WeakMap<Socket, number>();
    let turn = 1;
    const sockets: Socket[] = [];
    const rankOf = (socket: Socket) => {
      if (!born.has(socket)) {
        born.set(socket, turn);
        sockets.push(socket);
      }
      return born.get(socket)!;
    };
    const [left, right] = [await startTcpPeer(1), await startTcpPeer(2, { rankOf })];
    closers.push(
      () => left.network.close(),
      () => right.network.close(),
    );
    const changes: string[] = [];
    left.network.onChange((_, up) => changes.push(`left ${up}`));
    right.network.onChange((_, up) => changes.push(`right ${up}`));
    left.network.setPeers([{ id: 2, name: 'right', host: loopback, port: right.port }]);
    right.network.setPeers([{ id: 1, name: 'left', host: loopback, port: left.port }]);
    await untilTrue(() => left.network.isUp(2) && right.network.isUp(1));
    const seen: Record<'left' | 'right', number[]> = { left: [], right: [] };
    left.network.onFrame((_, frame) => seen.left.push(requestIdOf(frame)));
    right.network.onFrame((_, frame) => seen.right.push(requestIdOf(frame)));
    const count = 600;
    for (let number = 0; number < count; number++) {
      const size = number % 7 === 0 ? 200_000 : number;
      expect(left.network.send(2, encodeCall(number, 1, Buffer.alloc(size)))).toBe(true);
      expect(right.network.send(1, encodeCall(number, 1, Buffer.alloc(size)))).toBe(true);
      if (number % 150 === 100) {
        turn++;
        left.network.moveLinks();
      }
      if (number % 10 === 0) await turns();
    }
    await untilTrue(() => seen.left.length === count && seen.right.length === count);
    const numbers = Array.from({ length: count }, (_, index) => index);
    expect([seen.left, seen.right]).toEqual([numbers, numbers]);
    expect(changes.sort()).toEqual(['left true', 'right true']);
    expect(sockets).toHaveLength(5);
    await untilTrue(() => sockets.slice(0, -1).every(({ destroyed }) => destroyed));
    expect(sockets[4].destroyed).toBe(false);
  });

  it('that took the place of another one is closed for what no peer sends, also where that came first', async () => {
    let rank = 0;
    const ranks = new WeakMap<Socket, number>();
    const rankOf = (socket: Socket) => {
      if (!ranks.has(socket)) ranks.set(socket, ++rank);
      return ranks.get(socket)!;
    };
    const { network, port } = await startTcpPeer(2, { rankOf });
    closers.push(() => network.close());
    network.setPeers([{ id: 1, name: 'played', host: loopback, port: 9 }]);
    network.onFrame(() => {
      throw new CoterieError('bad-input', 'no frame');
    });
    const old = await call(port);
    await meet(old, { selfId: 1, dialled: 2, port });
    const next = await call(port);
    const closed = new Promise((resolve) => next.once('close', resolve));
    await meet(next, { selfId: 1, dialled: 2, port, behind: encodeCall(1, 1, Buffer.alloc(0)) });
    await untilTrue(() => network.isUp(1));
    await closed;
    expect(old.destroyed).toBe(true);
  });

  it('stays where another one under the same key comes, and ends once its key is let in no more', async () => {
    const out = { isOut: false };
    const first = new WeakSet<Socket>();
    const rankOf = (socket: Socket) => {
      if (!out.isOut) first.add(socket);
      return out.isOut && first.has(socket) ? 0 : 1;
    };
    const [left, right] = [await startTcpPeer(1), await startTcpPeer(2, { rankOf })];
    closers.push(
      () => left.network.close(),
      () => right.network.close(),
    );
    let downs = 0;
    right.network.onChange((_, up) => {
      if (!up) downs++;
    });
    left.network.setPeers([{ id: 2, name: 'right', host: loopback, port: right.port }]);
    right.network.setPeers([{ id: 1, name: 'left', host: loopback, port: left.port }]);
    await untilTrue(() => left.network.isUp(2) && right.network.isUp(1));
    const copy = await call(right.port);
    await expect(meet(copy, { selfId: 1, dialled: 2, port: right.port })).rejects.toThrow('not let in');
    expect(downs).toBe(0);
    out.isOut = true;
    right.network.lookAtLinks();
    await untilTrue(() => downs === 1);
    // The one with the smaller number calls again, as after any loss.
    await untilTrue(() => right.network.isUp(1) && left.network.isUp(2));
  });

  it('brings a frame of 200 MiB whole, and refuses what has no room beside it or no frame may be', async () => {
    const { left, right } = await pair();
    const payload = Buffer.alloc(200 * mebibyte, 'pattern of eleven');
    const frame = encodeCall(1, 1, payload);
    const seen: Buffer[] = [];
    right.onFrame((_, found) => seen.push(found));
    expect(left.send(2, Buffer.alloc(frameBytesMax + 1))).toBe(false);
    expect(left.send(2, frame)).toBe(true);
    expect(left.send(2, frame)).toBe(false);
    expect(left.send(2, encodeCall(2, 1, Buffer.alloc(0)))).toBe(true);
    await untilTrue(() => seen.length === 2);
    expect(seen[0].equals(frame)).toBe(true);
    expect(requestIdOf(seen[1])).toBe(2);
    // There is room again.
    expect(left.send(2, Buffer.from(encodeCall(3, 1, Buffer.alloc(0))))).toBe(true);
  });

  it('is closed at a greeting that claims more than 4 KiB, before it has come', async () => {
    const { port, network } = await alone(2, new VirtualTime());
    const socket = await call(port);
    const ended = new Promise((resolve) => socket.once('close', resolve));
    const long = encodeJson(frameType.hello, 0, { padding: 'x'.repeat(4 * 1024) });
    socket.write(long.subarray(0, 100));
    socket.resume();
    await ended;
    expect(network.isUp(1)).toBe(false);
  });

  it('takes large frames as soon as the greeting is through, even in the same packet', async () => {
    const { port, network } = await alone(2);
    const seen: number[] = [];
    network.onFrame((_, frame) => seen.push(frame.length));
    const large = encodeCall(1, 1, Buffer.alloc(mebibyte));
    await meet(await call(port), { selfId: 1, dialled: 2, port, behind: large });
    await untilTrue(() => seen.length > 0);
    expect(seen).toEqual([large.length]);
  });

  it('stays up while a large frame comes slowly, and answers the sender meanwhile', async () => {
    const time = new VirtualTime();
    const { port, network } = await alone(2, time);
    const changes: boolean[] = [];
    network.onChange((_, up) => changes.push(up));
    const seen: number[] = [];
    network.onFrame((_, frame) => seen.push(frame.length));
    const socket = await call(port);
    let pings = 0;
    await meet(socket, { selfId: 1, dialled: 2, port }, (frame) => {
      if (typeOf(frame) === frameType.ping) pings++;
    });
    const large = encodeCall(1, 1, Buffer.alloc(60_000));
    // A piece in each virtual second, for longer than a silent link is kept.
    for (let offset = 0; offset < large.length; offset += 2_000) {
      const before = pings;
      socket.write(large.subarray(offset, offset + 2_000));
      for (let turn = 0; turn < 4; turn++) {
        await turns();
        await time.advance(250);
      }
      if (offset > 0 && offset + 2_000 < large.length)
        await untilTrue(() => pings > before || socket.destroyed);
    }
    await untilTrue(() => seen.length > 0 || socket.destroyed);
    expect(seen).toEqual([large.length]);
    expect(changes).toEqual([true]);
  });

  it.each([
    ['its timers are first', true],
    ['its sockets are first', false],
  ])(
    'is closed with what came over it while the process stood still for long; %s',
    async (_, isTimerFirst) => {
      const time = new VirtualTime();
      let stoodMs = 0;
      const monotonicMs = () => time.monotonicMs() + stoodMs;
      const { port, network } = await alone(2, time, { nowMs: () => time.nowMs(), monotonicMs });
      const seen: number[] = [];
      network.onFrame((from, frame) => {
        seen.push(requestIdOf(frame));
        // It was taken, and everything before it.
        network.send(from, encodeCall(1, 1, Buffer.alloc(0)));
      });
      const socket = await call(port);
      let answers = 0;
      await meet(socket, { selfId: 1, dialled: 2, port }, (frame) => {
        if (typeOf(frame) === frameType.call) answers++;
      });
      // For a moment: the others still count on it.
      stoodMs += 2_000;
      socket.write(encodeCall(7, 1, Buffer.alloc(0)));
      await untilTrue(() => answers === 1 || socket.destroyed);
      await time.advance(250);
      expect(network.isUp(1)).toBe(true);
      stoodMs += 2_500;
      socket.write(encodeCall(8, 1, Buffer.alloc(0)));
      if (isTimerFirst) await time.advance(250);
      await untilTrue(() => answers === 2 || socket.destroyed);
      expect(seen).toEqual([7]);
      await untilTrue(() => !network.isUp(1));
    },
  );

  it('stays when the peer is said to be where it has called from, and is closed when it is said to be elsewhere', async () => {
    const { port, network } = await alone(2, new VirtualTime());
    const peer = { id: 1, name: 'played', host: '192.0.2.1', port: 9 };
    network.setPeers([peer]);
    const socket = await call(port);
    await meet(socket, { selfId: 1, dialled: 2, port });
    const seen: Buffer[] = [];
    network.onFrame((_, frame) => seen.push(frame));
    network.setPeers([{ ...peer, host: loopback }]);
    socket.write(encodeCall(1, 1, Buffer.alloc(0)));
    await untilTrue(() => seen.length === 1 || socket.destroyed);
    expect(seen).toHaveLength(1);
    network.setPeers([{ ...peer, host: '192.0.2.2' }]);
    await untilTrue(() => socket.destroyed);
    expect(network.isUp(1)).toBe(false);
  });

  it('counts as down when nothing comes over it, is up again with the first byte, and is given up in the end', async () => {
    const time = new VirtualTime();
    const { port, network } = await alone(2, time);
    const changes: boolean[] = [];
    network.onChange((_, up) => changes.push(up));
    const socket = await call(port);
    const ended = new Promise((resolve) => socket.once('close', resolve));
    await meet(socket, { selfId: 1, dialled: 2, port });
    for (let tick = 0; tick < 8; tick++) await time.advance(250);
    expect(changes).toEqual([true, false]);
    expect(network.send(1, encodeCall(1, 1, Buffer.alloc(0)))).toBe(false);
    socket.write(encodeCall(1, 1, Buffer.alloc(10)).subarray(0, 3));
    await untilTrue(() => network.isUp(1));
    for (let tick = 0; tick < 80; tick++) await time.advance(250);
    await ended;
    await untilTrue(() => !network.isUp(1));
    expect(changes).toEqual([true, false, true, false]);
  });

  it('ends with its network, though the peer reads nothing', async () => {
    const { port, network } = await alone(2);
    const socket = await call(port);
    await meet(socket, { selfId: 1, dialled: 2, port });
    socket.pause();
    const changes: boolean[] = [];
    network.onChange((_, up) => changes.push(up));
    for (let count = 0; count < 4; count++) network.send(1, encodeCall(1, 1, Buffer.alloc(16 * mebibyte)));
    await turns();
    const closing = network.close();
    expect(network.isUp(1)).toBe(false);
    expect(network.send(1, encodeCall(1, 1, Buffer.alloc(0)))).toBe(false);
    await closing;
    expect(changes).toEqual([false]);
  });

  it('is not made by a network that was closed while it dialled', async () => {
    let accepted = 0;
    const server = createServer((socket) => {
      accepted++;
      socket.on('error', () => {});
      // On a busy machine the connection may stand before the network closes: read, or its end is never seen.
      socket.resume();
    });
    closers.push(() => new Promise((resolve) => server.close(resolve)));
    await new Promise<void>((resolve) => server.listen(0, loopback, resolve));
    const { network } = await startTcpPeer(1);
    const changes: boolean[] = [];
    network.onChange((_, up) => changes.push(up));
    const { port } = server.address() as { port: number };
    network.setPeers([{ id: 2, name: 'played', host: loopback, port }]);
    // One turn after the dial has begun: the connection is on its way.
    await new Promise((resolve) => setTimeout(resolve, 1));
    await network.close();
    await turns();
    const openCount = () =>
      new Promise<number>((resolve) => server.getConnections((_, count) => resolve(count)));
    await waitUntil('nothing is open', async () => (await openCount()) === 0);
    expect({ changes, accepted: accepted <= 1 }).toEqual({ changes: [], accepted: true });
  });

  it('cannot be offered on a port that another program has, and says so', async () => {
    const { port } = await alone(2);
    await expect(startTcpPeer(3, { port })).rejects.toMatchObject({ code: 'busy' });
  });
});
