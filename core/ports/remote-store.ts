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
  /** Of each value, in their order; '': it says nothing beyond bytes. */
  readonly contentTypes: readonly string[];
}

/** Decided where the write is coordinated: no value is there; one is; one is, and this context covers all there is. */
export type WriteCondition = 'absent' | 'present' | { readonly context: string };

/** At most one of `context`, `plain` and `condition`. */
export interface RemoteWrite {
  readonly value: Buffer;
  /** Of the read that this write answers; undefined: a blind write. */
  readonly context?: string;
  /** As a plain SET: replaces whatever its coordinator holds. */
  readonly plain?: boolean;
  readonly condition?: WriteCondition;
  readonly level?: ConsistencyLevel;
  readonly expiresInSeconds?: number;
  readonly contentType?: string;
}

export interface RemoteDelete {
  /** Undefined: of all that is there. */
  readonly context?: string;
  readonly condition?: WriteCondition;
  readonly level?: ConsistencyLevel;
}

export interface RemoteChange {
  /** False: the condition did not hold, and nothing was written. */
  readonly written: boolean;
  /** Covers the write; where nothing was written, what is there. '' when nothing is known of the key. */
  readonly context: string;
  /** Values that were found, for a change with a condition. */
  readonly found: number;
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
  put(keyspace: string, key: Buffer, write: RemoteWrite): Promise<RemoteChange>;
  delete(keyspace: string, key: Buffer, options: RemoteDelete): Promise<RemoteChange>;
}
