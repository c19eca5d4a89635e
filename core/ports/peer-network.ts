/**
 * Messages between nodes as a port. The production one is a TCP link per pair (platform/tcp-peer-network.ts); the
 * simulation's loses, delays, repeats and reorders. A frame arrives whole or not at all; nothing else is promised, so
 * everything above has deadlines and tolerates repeats.
 */
export interface PeerNetwork {
  /** False when the frame was not taken: the peer is down or its queue is full. Buffers may be kept until sent. */
  send(to: number, frame: Buffer): boolean;
  /** Whether the peer can be asked with a fair chance of an answer. */
  isUp(peer: number): boolean;
  onFrame(handler: (from: number, frame: Buffer) => void): void;
  onChange(handler: (peer: number, up: boolean) => void): void;
}
