/**
 * Sealing of datagrams between nodes: nobody without the cluster's secret can read one, make one or change one. The head
 * stays readable, and is covered.
 */
export interface PacketSeal {
  /** Returns `sealOverheadBytes` more than the body has. */
  close(head: Buffer, body: Buffer): Buffer;
  /** Null when it was not closed with this secret and this head. */
  open(head: Buffer, sealed: Buffer): Buffer | null;
}

/** AES-GCM: 12 bytes of nonce, 16 of tag. */
export const sealOverheadBytes = 28;
