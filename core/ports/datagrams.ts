/**
 * Single packets between nodes as a port. One arrives whole or not at all, never while `send` runs; nothing else is promised:
 * they may be lost, repeated, reordered or forged. Once a node has ended, it sends nothing and calls no handler. The
 * production one is UDP (platform/udp-datagrams.ts).
 */
export interface Datagrams {
  /**
   * Dropped in silence when the node's address is not known, the socket has no room or the packet is too large for the
   * network. The bytes must not be changed afterwards.
   */
  send(to: number, bytes: Buffer): void;
  /** Every handler gets every packet. `source`: the address and port that it names as its sender's; nobody has checked that. */
  onDatagram(handler: (bytes: Buffer, source: string) => void): void;
}
