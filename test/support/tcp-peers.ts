/** Nodes' TCP networks in one process, on free ports of this computer; each knows where the others are. */

import type { Socket } from 'node:net';
import { systemClock, systemTimers } from '../../core/platform/system-clock.ts';
import { systemRandom } from '../../core/platform/system-random.ts';
import { TcpPeerNetwork } from '../../core/platform/tcp-peer-network.ts';
import type { Clock, Timers } from '../../core/ports/clock.ts';
import { silentLog } from '../../core/ports/log.ts';
import type { MutualProof } from '../../core/ports/mutual-proof.ts';
import { mutualProofOf } from '../../core/security/mutual-proof.ts';
import { Secrets } from '../../core/security/secrets.ts';

import { FrameReader } from '../../core/wire/peer/frames.ts';
import { PeerGreeting } from '../../core/wire/peer/greeting.ts';

export const loopback = '127.0.0.1';
export const clusterId = 'test cluster';
export const proofOfMembers = mutualProofOf(
  Secrets.of(Buffer.from('secret of the test cluster')),
  'links',
  systemRandom,
);

export interface TcpPeer {
  readonly network: TcpPeerNetwork;
  readonly port: number;
}

/** The network listens, and knows nobody yet. */
export async function startTcpPeer(
  selfId: number,
  {
    clock = systemClock,
    timers = systemTimers,
    port = 0,
    rankOf,
  }: { clock?: Clock; timers?: Timers; port?: number; rankOf?: (socket: Socket) => number } = {},
): Promise<TcpPeer> {
  const network = new TcpPeerNetwork(
    { clock, timers, log: silentLog, proof: proofOfMembers, rankOf },
    { selfId, clusterId, host: loopback, port },
  );
  return { network, port: await network.listen() };
}

/** The machine of a greeting, as a node that calls, or one that is called (`dialled` null). */
export function greetingAs(
  selfId: number,
  { port, dialled, proof = proofOfMembers }: { port: number; dialled: number | null; proof?: MutualProof },
): PeerGreeting {
  return new PeerGreeting(proof, { selfId, clusterId, port, dialled, isPeer: () => true });
}

/**
 * Meets the node that listens, over a connection that the test made. Resolves when it has shown who it is; `behind` goes out
 * in one write with the last frame of the greeting.
 */
export function meet(
  socket: Socket,
  as: { selfId: number; dialled: number; port: number; proof?: MutualProof; behind?: Buffer },
  onFrame: (frame: Buffer) => void = () => {},
): Promise<void> {
  const greeting = greetingAs(as.selfId, as);
  const reader = new FrameReader();
  return new Promise((resolve, reject) => {
    let known = false;
    socket.once('close', () => reject(new Error('It was not let in.')));
    socket.on('data', (chunk: Buffer) => {
      reader.push(chunk, (frame) => {
        if (known) {
          onFrame(frame);
          return;
        }
        const { reply, peer } = greeting.take(frame);
        if (reply !== null) socket.write(Buffer.concat([reply, as.behind ?? Buffer.alloc(0)]));
        known = peer !== null;
        if (known) resolve();
      });
    });
    socket.write(greeting.begin()!);
  });
}

/** Lets sockets work until this holds; the test's own deadline ends the wait. */
export async function untilTrue(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 1));
}

export class TcpPeers {
  readonly #peers = new Map<number, TcpPeer>();

  async join(id: number): Promise<TcpPeerNetwork> {
    const peer = await startTcpPeer(id);
    this.#peers.set(id, peer);
    this.#tellAll();
    return peer.network;
  }

  async leave(id: number): Promise<void> {
    const peer = this.#peers.get(id);
    this.#peers.delete(id);
    await peer?.network.close();
  }

  portOf(id: number): number {
    return this.#peers.get(id)!.port;
  }

  until(condition: () => boolean): Promise<void> {
    return untilTrue(condition);
  }

  async dispose(): Promise<void> {
    await Promise.all([...this.#peers.keys()].map((id) => this.leave(id)));
  }

  #tellAll(): void {
    for (const [selfId, { network }] of this.#peers) {
      const others = [...this.#peers].filter(([id]) => id !== selfId);
      network.setPeers(others.map(([id, { port }]) => ({ id, name: `node ${id}`, host: loopback, port })));
    }
  }
}
