/**
 * Messages between nodes as a port. The production one is a TCP link per pair (platform/tcp-peer-network.ts); the
 * simulation's loses, delays, repeats and reorders. A frame arrives whole or not at all, never while `send` runs; nothing
 * else is promised, so everything above has deadlines and tolerates repeats. Once a node's network has ended, its peers
 * are down for it, it takes nothing and calls no handler.
 */
export interface PeerNetwork {
  /**
   * False when the frame was not taken: the peer is down, its queue is full or the frame is larger than any may be. Buffers
   * may be kept until sent, and must not be changed.
   */
  send(to: number, frame: Buffer): boolean;
  /** Whether the peer can be asked with a fair chance of an answer. Never the node itself. */
  isUp(peer: number): boolean;
  /** There is one handler: the last. */
  onFrame(handler: (from: number, frame: Buffer) => void): void;
  /**
   * Each handler is told of each change once, when `isUp` says the same: first that a peer is up, then down and up by turns.
   * A frame that is sent from here to a peer that has come up is taken.
   */
  onChange(handler: (peer: number, up: boolean) => void): void;
}
