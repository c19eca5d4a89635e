/** Randomness as a port. The simulation's is seeded; production's comes from the operating system. */
export interface Random {
  /** A number in [0, 1), evenly spread. */
  next(): number;
  /** Bytes fit for secrets and identities in production; they are the caller's own. */
  bytes(length: number): Uint8Array;
}
