/** What the page needs beyond ClusterApi: whether the host can be reached, and a fresh start of the event stream. */
import type { ClusterApi } from '../../../core/contract/api.ts';

export type Connection =
  | { readonly state: 'connecting' }
  | { readonly state: 'open' }
  /** `retryAtMs`: when the next attempt begins. `attempt` counts from 1. */
  | { readonly state: 'lost'; readonly retryAtMs: number; readonly attempt: number }
  /** The host is there, and this browser is not, or no longer, logged in: trying again by itself would not help. */
  | { readonly state: 'logged-out' };

export interface ConnectedApi extends ClusterApi {
  /** Called at once with the present state, then at each change. Returns the function that ends it. */
  watchConnection(listener: (connection: Connection) => void): () => void;
  /** After a gap in the sequence: every subscriber gets a snapshot again. */
  restartEvents(): void;
  /** Does not wait for the next attempt; after a log-out it is the only one. */
  retryNow(): void;
}

/** A failed call, with the host's stable code. */
export class CallError extends Error {
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.name = 'CallError';
    this.code = code;
  }
}

/** The sentence to show for anything thrown. */
export function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
