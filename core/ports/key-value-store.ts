/**
 * What a gateway sees of the cluster: keys, values and levels, never replicas' internals. core/replication implements
 * it inside a node; test/support/memory-store.ts is a single-process stand-in for tests of commands.
 *
 * Callbacks instead of promises: this is the hot path, and a hot read is answered within the call. Every `done` runs
 * exactly once, possibly before the call returns.
 *
 * A node that holds no replica of a key does not coordinate it. The gateway asks `coordinatorOf` and, when it names
 * another node, sends the whole command there with `forward`; the other node's gateway runs it and its answer comes back.
 */
import type { CoterieError } from '../base/errors.ts';
import type { ConflictPolicy, ConsistencyLevel } from '../base/levels.ts';
import type { KeyAddress } from '../base/token.ts';

/** A node's number: an unsigned 32-bit integer, shown to people as eight hexadecimal digits. */
export type NodeId = number;

export interface KeyspaceView {
  readonly id: number;
  readonly name: string;
  /** RESP database number, or null when the keyspace has none. */
  readonly database: number | null;
  readonly readLevel: ConsistencyLevel;
  readonly writeLevel: ConsistencyLevel;
  readonly conflicts: ConflictPolicy;
  /** Milliseconds a new value lives when the writer names no expiry; 0 = for ever. */
  readonly defaultTimeToLiveMs: number;
  /** Which changes are told to who listens (base/notifications.ts); absent: none. */
  readonly notifications?: string;
}

/** One surviving value of a key. Tombstones and expired values are never handed to a gateway. */
export interface LiveValue {
  readonly value: Buffer;
  /** Milliseconds since 1970; 0 = never expires. */
  readonly expiresAtMs: number;
  /** Hybrid logical clock of the write (versions/hybrid-clock.ts): orders siblings, newest is greatest. */
  readonly timestamp: number;
  /** As it was written over HTTP; absent: it says nothing beyond bytes. */
  readonly contentType?: string;
}

export interface ReadResult {
  /** Newest first; empty when the key is absent. */
  readonly siblings: readonly LiveValue[];
  /** Opaque text to hand back with a later write; '' when nothing is known of the key. */
  readonly context: () => string;
  /** The latest time at which a value expired that was there, where none is left; 0: there was none, or it was deleted. */
  readonly expiredAtMs: () => number;
}

export interface ReadOptions {
  /** Absent: the keyspace's read level. */
  readonly level?: ConsistencyLevel;
}

export type Mutation =
  | { readonly kind: 'none' }
  | {
      readonly kind: 'put';
      readonly value: Buffer;
      readonly expiresAtMs: number;
      readonly contentType?: string;
    }
  | { readonly kind: 'delete' };

export interface WriteOptions {
  /** Absent: the keyspace's write level. */
  readonly level?: ConsistencyLevel;
  /** Level of the read that comes first when `basis` is 'quorum'; absent: the keyspace's read level. */
  readonly readLevel?: ConsistencyLevel;
  /**
   * What the mutation supersedes, and what `decide` is shown:
   * - 'held': everything that this coordinator holds (a plain SET);
   * - 'quorum': the same after first reading at the read level (read-modify-write: INCR, NX, GETSET …);
   * - { context }: exactly what the writer read, '' for a blind write (CT.PUT). Under `siblings` the rest stays beside it.
   */
  readonly basis: 'held' | 'quorum' | { readonly context: string };
  /**
   * With basis 'quorum': nothing is written unless this context covers all that was found, deletions among it. `decide` is shown
   * what is there all the same. One that is damaged, or another key's, covers nothing.
   */
  readonly onlyIf?: string;
  /** With basis 'quorum': the `meetingOrder` by which another node chose this one. */
  readonly order?: number;
}

export interface WriteResult {
  /** False when `decide` answered 'none', or `onlyIf` did not hold: nothing was written. */
  readonly written: boolean;
  /** Replicas that have acknowledged so far, the coordinator included; grows after `done` as late ones answer. */
  acknowledgedCount: number;
  /** Context that covers the write: a next write with it supersedes this one. Where nothing was written, of what is there. */
  readonly context: () => string;
}

export interface ReplicaView {
  readonly nodeId: NodeId;
  readonly nodeName: string;
  readonly dataCenter: string;
  /** 'unreachable' when it did not answer in time. */
  readonly state: 'holds' | 'absent' | 'unreachable';
  readonly siblings: readonly LiveValue[];
  readonly tombstone: boolean;
  readonly context: string;
  /** How this replica's copy compares with everything known together. */
  readonly relation: 'equal' | 'ancestor' | 'descendant' | 'sibling';
}

/** One of the keys of a write of several. */
export interface TogetherKey {
  readonly address: KeyAddress;
  /** As in WriteOptions. Absent: whatever is there. */
  readonly onlyIf?: string;
}

export interface TogetherOptions {
  /** Absent: the keyspace's write level. */
  readonly level?: ConsistencyLevel;
  /** Absent: the keyspace's read level. */
  readonly readLevel?: ConsistencyLevel;
  /** As in WriteOptions. */
  readonly order?: number;
}

/** What `decide` is shown of one of the keys. */
export interface TogetherValue {
  /** Newest first. */
  readonly siblings: readonly LiveValue[];
  /** False when its `onlyIf` does not hold. */
  readonly isAsExpected: boolean;
}

/** What a command wants with its key: `read-modify-write` decides by what it finds there. */
export type Purpose = 'read' | 'write' | 'read-modify-write';

/** One node as a Redis Cluster client must see it. */
export interface ClientEndpoint {
  readonly nodeId: NodeId;
  readonly name: string;
  readonly host: string;
  readonly port: number;
  readonly dataCenter: string;
  readonly up: boolean;
  /** Where clients on other computers reach it; null: nowhere. Without a host: at the address at which they reach this node. */
  readonly network: { readonly host: string | null; readonly port: number } | null;
}

/** Slots whose replicas are the same, in slot order; the first node is the one to ask. */
export interface SlotRange {
  readonly firstSlot: number;
  readonly lastSlot: number;
  readonly nodes: readonly ClientEndpoint[];
}

export interface ScanPage {
  readonly keys: readonly Buffer[];
  /** Ring position to go on from; null when the ring has been walked. */
  readonly nextPosition: number | null;
}

export interface KeyValueStore {
  readonly self: ClientEndpoint;
  keyspaces(): readonly KeyspaceView[];

  /**
   * Null when this node should run the command itself. A read-modify-write goes to the first healthy replica in the layout's
   * order, which is the same for every node, so that such commands meet in one place. A write is not coordinated by a
   * replica that refuses writes, as with a full disk, while another can take it. Throws `unavailable` when no replica can
   * be reached.
   */
  coordinatorOf(address: KeyAddress, purpose: Purpose): NodeId | null;

  /**
   * The number of the layout by whose order `coordinatorOf` chooses for a read-modify-write of this key. It goes along with what is sent
   * there: a node that goes by another order may be neither the right one any more nor yet, and refuses with `moved`. Then nothing
   * was done, and in a moment `coordinatorOf` names the right one.
   */
  meetingOrder(address: KeyAddress): number;

  /** Why this node refuses writes of its own now; null when it takes them. */
  readonly writeRefusal: CoterieError | null;

  /**
   * About how many bytes are held here under the key, known without reading them; 0 when nothing is, or when only another
   * node would know. For deciding what may run at once.
   */
  sizeOf(address: KeyAddress): number;

  /**
   * Runs a gateway's command on another node. Request and reply are the gateway's own bytes. With the error of a refused
   * write (`disk-full`, `disk-failed`, `busy`, and `quorum-not-met` of a node that reaches too few) nothing was done there, and
   * `coordinatorOf` names another node, if any.
   */
  forward(
    nodeId: NodeId,
    request: Buffer,
    done: (error: CoterieError | null, reply: Buffer | null) => void,
  ): void;
  /** The node's gateway registers what `forward` from other nodes runs here. An error means that nothing was done. */
  onForwarded(
    handler: (request: Buffer, reply: (error: CoterieError | null, bytes: Buffer | null) => void) => void,
  ): void;

  read(
    address: KeyAddress,
    options: ReadOptions,
    done: (error: CoterieError | null, result: ReadResult | null) => void,
  ): void;

  /**
   * Serialised per key on this node. `decide` sees the siblings (newest first) and must answer at once and without side
   * effects; a thrown CoterieError becomes the error of `done`.
   */
  write(
    address: KeyAddress,
    options: WriteOptions,
    decide: (siblings: readonly LiveValue[]) => Mutation,
    done: (error: CoterieError | null, result: WriteResult | null) => void,
  ): void;

  /**
   * Writes several different keys of one partition as one, after reading all of them: between what `decide` is shown and what it
   * answers, one mutation for each key in their order, no other write of this node comes. Each replica takes all of it or none of
   * it, also over a crash. May run `decide` again, and then goes by its last answer. `acknowledgedCount` of the result: of the key
   * that has fewest.
   */
  writeTogether(
    keys: readonly TogetherKey[],
    options: TogetherOptions,
    decide: (values: readonly TogetherValue[]) => readonly Mutation[],
    done: (
      error: CoterieError | null,
      result: Pick<WriteResult, 'written' | 'acknowledgedCount'> | null,
    ) => void,
  ): void;

  replicas(
    address: KeyAddress,
    done: (error: CoterieError | null, replicas: readonly ReplicaView[] | null) => void,
  ): void;

  /** Live keys of the whole cluster in ring order, each partition as its coordinator for this node knows it. */
  scan(
    keyspace: number,
    fromPosition: number,
    countMax: number,
    done: (error: CoterieError | null, page: ScanPage | null) => void,
  ): void;

  /** Live keys of the whole keyspace, or of one Redis Cluster slot. */
  count(
    keyspace: number,
    slot: number | null,
    done: (error: CoterieError | null, count: number | null) => void,
  ): void;

  /** Deletes every live key. */
  flush(keyspace: number, done: (error: CoterieError | null) => void): void;

  slots(keyspace: number): readonly SlotRange[];
  endpoints(): readonly ClientEndpoint[];

  /** Facts for INFO: each section's name with its lines. */
  information(): Readonly<Record<string, Readonly<Record<string, string | number>>>>;
}
