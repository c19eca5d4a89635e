/**
 * Words from one node's gateway to those of all others: for publish and subscribe. At most once, as Redis does it: who cannot be
 * reached, or does not keep up, misses some, and nobody is told.
 */
export interface Messages {
  /** To every other node that can be reached now. Those of one turn arrive in order, and together. */
  tellOthers(message: Buffer): void;
  /** There is one handler: the last. */
  onTold(handler: (message: Buffer) => void): void;
  /** Messages that some node did not get because too much was under way to it, each counted once for each such node. */
  readonly droppedCount: number;
}

/** A node alone. */
export const noMessages: Messages = { tellOthers() {}, onTold() {}, droppedCount: 0 };
