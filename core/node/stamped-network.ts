/** The network of a node whose every frame says by which layout the node goes (wire/peer/frames.ts). */
import type { PeerNetwork } from '../ports/peer-network.ts';
import { stampLayout } from '../wire/peer/frames.ts';

export function stampedNetwork(network: PeerNetwork, layoutVersion: () => number): PeerNetwork {
  return {
    send(to, frame) {
      stampLayout(frame, layoutVersion());
      return network.send(to, frame);
    },
    isUp: (peer) => network.isUp(peer),
    onFrame: (handler) => network.onFrame(handler),
    onChange: (handler) => network.onChange(handler),
  };
}
