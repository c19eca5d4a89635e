/**
 * Single packets between nodes as a port. Nothing is promised: they may be lost, repeated, reordered or forged. The
 * production one is UDP (platform/udp-datagrams.ts).
 */
export interface Datagrams {
  /** Dropped in silence when the node's address is not known or the socket has no room. */
  send(to: number, bytes: Buffer): void;
  onDatagram(handler: (bytes: Buffer) => void): void;
}
