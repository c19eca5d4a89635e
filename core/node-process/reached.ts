/** A node that takes clients before it reaches the others could only refuse them. */
import type { Layout } from '../layout/layout.ts';
import type { TcpPeerNetwork } from '../platform/tcp-peer-network.ts';

const peersWaitMaxMs = 1_500;

/** Resolves when every peer is linked, or after a while: the others may be down for good. */
export function reached(peers: TcpPeerNetwork, layout: Layout, selfId: number): Promise<void> {
  const others = layout.nodes.filter((other) => other.id !== selfId);
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, peersWaitMaxMs);
    const look = () => {
      if (!others.every((other) => peers.isUp(other.id))) return;
      clearTimeout(timer);
      resolve();
    };
    peers.onChange(look);
    look();
  });
}
