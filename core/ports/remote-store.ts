/**
 * Keys and values for those who are not a node: the HTTP gateway and the host's own API. Promises, because nothing here
 * is a hot path.
 */
import type { ConsistencyLevel } from '../base/levels.ts';

export interface RemoteRead {
  /** '' when nothing is known of the key. */
  readonly context: string;
  /** Newest first. */
  readonly values: readonly Buffer[];
}

export interface RemoteWrite {
  readonly value: Buffer;
  /** Of the read that this write answers; undefined: a blind write. */
  readonly context?: string;
  /** As a plain SET: replaces whatever its coordinator holds. */
  readonly plain?: boolean;
  readonly level?: ConsistencyLevel;
  readonly expiresInSeconds?: number;
}

export interface RemoteReplica {
  readonly node: string;
  readonly dataCenter: string;
  readonly state: 'holds' | 'absent' | 'unreachable';
  readonly relation: 'equal' | 'ancestor' | 'descendant' | 'sibling';
  readonly siblingCount: number;
  readonly tombstone: boolean;
  readonly context: string;
}

/** Every method rejects with a CoterieError; `not-found` for a keyspace that is not there. */
export interface RemoteStore {
  get(keyspace: string, key: Buffer, level?: ConsistencyLevel): Promise<RemoteRead>;
  /** Returns the context that covers the write. */
  put(keyspace: string, key: Buffer, write: RemoteWrite): Promise<string>;
  delete(
    keyspace: string,
    key: Buffer,
    options: { context?: string; level?: ConsistencyLevel },
  ): Promise<string>;
}
