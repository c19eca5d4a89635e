/**
 * Proof that a context was issued by this cluster. Without it a client could hand back events that never were: counters near the
 * end of their range, or thousands of actors, which every replica of the key would then keep for ever.
 */
export interface ContextSeal {
  /** `sealBytes` bytes that only this cluster can make for these. */
  of(bytes: Buffer): Buffer;
  /** Whether this cluster made `given` for these; how long it takes says nothing about how much of it was right. */
  holds(bytes: Buffer, given: Buffer): boolean;
}

export const sealBytes = 16;
