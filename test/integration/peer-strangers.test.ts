/**
 * Who is let in at the port for nodes: only a process that shows that it holds the cluster's secret, as the peer it says
 * it is. Sockets are real.
 */
import { connect, createServer, type Server, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { systemRandom } from '../../core/platform/system-random.ts';
import { mutualProofOf } from '../../core/security/mutual-proof.ts';
import { Secrets } from '../../core/security/secrets.ts';
import {
  bodyOf,
  encodeCall,
  encodeJson,
  FrameReader,
  frameType,
  protocolVersion,
} from '../../core/wire/peer/frames.ts';
import { rawConnection } from '../support/abuse.ts';
import {
  clusterId,
  greetingAs,
  loopback,
  meet,
  startTcpPeer,
  type TcpPeer,
  TcpPeers,
  untilTrue,
} from '../support/tcp-peers.ts';

const closers: (() => unknown)[] = [];
const proofOfStrangers = mutualProofOf(Secrets.of(Buffer.from('another secret')), 'links', systemRandom);

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

/** Node 2, which knows of node 1 at a port where nobody listens, so that a test can play it. */
async function listening(peers = [1]): Promise<TcpPeer> {
  const peer = await startTcpPeer(2);
  closers.push(() => peer.network.close());
  peer.network.setPeers(peers.map((id) => ({ id, name: `node ${id}`, host: loopback, port: 9 })));
  return peer;
}

async function call(port: number): Promise<Socket> {
  const socket = await rawConnection(port);
  closers.push(() => socket.destroy());
  return socket;
}

/** All that comes before the other side closes. */
async function heardUntilClosed(socket: Socket): Promise<Buffer> {
  const parts: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => parts.push(chunk));
  await new Promise((resolve) => socket.once('close', resolve));
  return Buffer.concat(parts);
}

describe('the port for nodes', () => {
  it('says nothing to whoever says nothing, and only a nonce to whoever greets', async () => {
    const { port, network } = await listening();
    const heard: Buffer[] = [];
    const silent = await call(port);
    silent.on('data', (chunk: Buffer) => heard.push(chunk));
    const greeting = await call(port);
    greeting.write(encodeJson(frameType.hello, 0, { protocol: protocolVersion, nonce: '00'.repeat(32) }));
    const answer = await new Promise<Buffer>((resolve) => greeting.once('data', resolve));
    expect(heard).toEqual([]);
    const body = JSON.parse(bodyOf(answer).toString());
    expect(Object.keys(body).sort()).toEqual(['nonce', 'oldest', 'protocol']);
    expect(answer.toString()).not.toContain(clusterId);
    expect(network.isUp(1)).toBe(false);
  });

  it('lets nobody in who repeats the names of a node without its secret', async () => {
    const { port, network } = await listening();
    const seen: Buffer[] = [];
    network.onFrame((_, frame) => seen.push(frame));
    const behind = encodeCall(1, 1, Buffer.alloc(0));
    const attempts = [
      { selfId: 1, dialled: 2, port, proof: proofOfStrangers, behind },
      // The right secret, for another node, as a node that is none, or through another port.
      { selfId: 1, dialled: 3, port, behind },
      { selfId: 7, dialled: 2, port, behind },
      { selfId: 1, dialled: 2, port: port === 9 ? 10 : 9, behind },
    ];
    for (const attempt of attempts) {
      await expect(meet(await call(port), attempt)).rejects.toThrow('not let in');
    }
    expect(network.isUp(1)).toBe(false);
    expect(seen).toEqual([]);
  });

  it('takes no greeting twice, no proof sent back, and no frame in its place', async () => {
    const { port, network } = await listening();
    const hello = encodeJson(frameType.hello, 0, { protocol: protocolVersion, nonce: 'ab'.repeat(32) });
    const proofSentBack = encodeJson(frameType.proof, 0, { node: 1, proof: 'cd'.repeat(32) });
    const frames: Buffer[][] = [
      [hello, hello],
      [hello, proofSentBack],
      [proofSentBack],
      [encodeCall(1, 1, Buffer.alloc(0))],
      [hello, encodeCall(1, 1, Buffer.alloc(0))],
      [encodeJson(frameType.hello, 0, null)],
      [encodeJson(frameType.hello, 0, { protocol: protocolVersion, nonce: 'ab' })],
      [encodeJson(frameType.hello, 0, { protocol: protocolVersion, nonce: 5 })],
      [encodeJson(frameType.hello, 0, { protocol: 2, clusterId, nodeId: 1 })],
      [hello, encodeJson(frameType.proof, 0, { node: -1, proof: 'cd'.repeat(32) })],
      [hello, encodeJson(frameType.proof, 0, { node: 1, proof: 'cd'.repeat(31) })],
    ];
    for (const sent of frames) {
      const socket = await call(port);
      const heard = heardUntilClosed(socket);
      socket.write(Buffer.concat(sent));
      // At most the hello of the other side.
      expect((await heard).length).toBeLessThan(200);
    }
    expect(network.isUp(1)).toBe(false);
  });

  it('cannot be reached through somebody who stands at another port and passes everything on', async () => {
    const { port } = await listening();
    const between: Server = createServer((socket) => {
      const onward = connect({ host: loopback, port });
      socket
        .on('error', () => {})
        .pipe(onward.on('error', () => {}))
        .pipe(socket);
      closers.push(
        () => socket.destroy(),
        () => onward.destroy(),
      );
    });
    closers.push(() => new Promise((resolve) => between.close(resolve)));
    await new Promise<void>((resolve) => between.listen(0, loopback, resolve));
    const { port: portBetween } = between.address() as { port: number };
    const socket = await call(portBetween);
    await expect(meet(socket, { selfId: 1, dialled: 2, port: portBetween })).rejects.toThrow('not let in');
  });

  it('is not believed by the caller when it does not hold the secret', async () => {
    let proofs = 0;
    let after = 0;
    const imposter = createServer((socket) => {
      const { port } = imposter.address() as { port: number };
      const greeting = greetingAs(2, { port, dialled: null, proof: proofOfStrangers });
      const reader = new FrameReader();
      socket.on('error', () => {});
      socket.on('data', (chunk: Buffer) =>
        reader.push(chunk, (frame) => {
          if (frame[4] === frameType.hello) socket.write(greeting.take(frame).reply!);
          else if (frame[4] === frameType.proof) {
            proofs++;
            socket.write(encodeJson(frameType.proof, 0, { proof: 'ab'.repeat(32) }));
          } else after++;
        }),
      );
    });
    closers.push(() => new Promise((resolve) => imposter.close(resolve)));
    await new Promise<void>((resolve) => imposter.listen(0, loopback, resolve));
    const { network } = await startTcpPeer(1);
    closers.push(() => network.close());
    const ups: boolean[] = [];
    network.onChange((_, up) => ups.push(up));
    const { port } = imposter.address() as { port: number };
    network.setPeers([{ id: 2, name: 'node 2', host: loopback, port }]);
    await untilTrue(() => proofs >= 2);
    expect({ ups, after }).toEqual({ ups: [], after: 0 });
  });

  it('keeps a link that answers, though somebody else with the secret calls as the same node', async () => {
    const peers = new TcpPeers();
    closers.push(() => peers.dispose());
    const first = await peers.join(1);
    const second = await peers.join(2);
    await untilTrue(() => first.isUp(2) && second.isUp(1));
    const changes: boolean[] = [];
    second.onChange((_, up) => changes.push(up));
    const port = peers.portOf(2);
    await expect(meet(await call(port), { selfId: 1, dialled: 2, port })).rejects.toThrow('not let in');
    expect(changes).toEqual([]);
    expect(second.isUp(1)).toBe(true);
  });

  it('gives the place of a link that does not answer to one that does', async () => {
    const { port, network } = await listening();
    const stuck = await call(port);
    await meet(stuck, { selfId: 1, dialled: 2, port });
    stuck.pause();
    const ended = new Promise((resolve) => stuck.once('close', resolve));
    await meet(await call(port), { selfId: 1, dialled: 2, port });
    stuck.resume();
    await ended;
    expect(network.isUp(1)).toBe(true);
  });

  it('lets a node in while a thousand strangers hold connections', async () => {
    const { port, network } = await listening();
    for (let count = 0; count < 1_000; count++) await call(port);
    await meet(await call(port), { selfId: 1, dialled: 2, port });
    expect(network.isUp(1)).toBe(true);
  });
});
