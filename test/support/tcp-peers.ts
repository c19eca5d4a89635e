/** Nodes' TCP networks in one process, on free ports of this computer; each knows where the others are. */

import { systemClock, systemTimers } from '../../core/platform/system-clock.ts';
import { TcpPeerNetwork } from '../../core/platform/tcp-peer-network.ts';
import type { Clock, Timers } from '../../core/ports/clock.ts';
import { silentLog } from '../../core/ports/log.ts';

export const loopback = '127.0.0.1';
export const clusterId = 'test cluster';

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
  }: { clock?: Clock; timers?: Timers; port?: number } = {},
): Promise<TcpPeer> {
  const network = new TcpPeerNetwork(
    { clock, timers, log: silentLog },
    { selfId, clusterId, host: loopback, port },
  );
  return { network, port: await network.listen() };
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
