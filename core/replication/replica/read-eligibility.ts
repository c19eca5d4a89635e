/**
 * Whether this replica may speak for a partition. One that lost data (a wiped disk, a segment set aside) holds only what it
 * was told since, and its "I hold nothing" would let a read quorum miss an acknowledged write; one that has just become a
 * replica by a change of the layout holds nothing at all. Until it has been compared with everybody who may hold something of a
 * partition it does not vote on reads there: with R + W > N a lost disk then costs one replica, never an answer.
 */
import { partitionCount } from '../../base/token.ts';
import type { KeyspaceState, Topology } from '../topology.ts';

/**
 * lost: it was a replica, and what it held is gone. moved: the layout changed who holds what. unknown: it may have changed while
 * this node was away.
 */
export type MissingCause = 'lost' | 'moved' | 'unknown';

interface Missing {
  cause: MissingCause;
  /** Nodes still to be heard: other replicas, and nodes that were replicas before. With the count of misses by then. */
  readonly peers: Map<number, number>;
}

/** Partitions of one keyspace for which one peer is to be heard. */
export interface Wanted {
  readonly keyspace: number;
  readonly peer: number;
  readonly partitions: readonly number[];
}

export interface CompletenessHandlers {
  onWhole(): void;
  /** This replica has lost a partition; also where nobody else holds it. */
  onLost(keyspace: number, partition: number): void;
  /** Everybody has been heard about a partition. */
  onBack(keyspace: number, partition: number): void;
}

export class ReadEligibility {
  /** By `keyspace:partition`. */
  readonly #missing = new Map<string, Missing>();
  readonly #handlers: CompletenessHandlers;
  #topology: Topology | null = null;
  #missCount = 0;
  /** Counted, because each walk for a tree asks whether there are any. */
  #lostCount = 0;

  constructor(handlers: CompletenessHandlers) {
    this.#handlers = handlers;
  }

  /** This node lost data: nothing it replicates is known to be whole. */
  begin(topology: Topology): void {
    for (const keyspace of topology.keyspaces.values()) {
      for (let partition = 0; partition < partitionCount; partition++) this.#lost(keyspace, partition);
    }
  }

  /** One record of this partition was lost. */
  lost(topology: Topology, keyspace: number, partition: number): void {
    const state = topology.keyspaces.get(keyspace);
    if (state !== undefined) this.#lost(state, partition);
  }

  #lost({ settings, replicas, selfIndex }: KeyspaceState, partition: number): void {
    const self = selfIndex[partition];
    if (self < 0) return;
    this.#handlers.onLost(settings.id, partition);
    const peers = replicas[partition].map((replica) => replica.nodeId).filter((_, index) => index !== self);
    this.#miss(settings.id, partition, 'lost', peers);
  }

  /** The layout changed: what `peers` may hold of this partition has to come here. */
  moved(keyspace: number, partition: number, peers: readonly number[]): void {
    this.#miss(keyspace, partition, 'moved', peers);
  }

  /** Nobody knows by which layout this node is complete: it may lack whatever `peers` hold. */
  unknown(keyspace: number, partition: number, peers: readonly number[]): void {
    this.#miss(keyspace, partition, 'unknown', peers);
  }

  /** Nothing where there is nobody to be heard. */
  #miss(keyspace: number, partition: number, cause: MissingCause, peers: readonly number[]): void {
    if (peers.length === 0) return;
    const name = nameOf(keyspace, partition);
    const known = this.#missing.get(name);
    const missing = known ?? { cause, peers: new Map<number, number>() };
    const wasLost = known?.cause === 'lost';
    this.#missing.set(name, missing);
    if (missing.cause === 'moved' || cause === 'lost') missing.cause = cause;
    if (missing.cause === 'lost' && !wasLost) this.#lostCount++;
    this.#missCount++;
    for (const peer of peers) missing.peers.set(peer, this.#missCount);
  }

  /**
   * How often something went missing here. A comparison, or any other answer, speaks for what was missing when it began: what was
   * seen of a peer before may lack a write by somebody who did not know of the newest layout yet, or what was lost since.
   */
  get missCount(): number {
    return this.#missCount;
  }

  get isWhole(): boolean {
    return this.#missing.size === 0;
  }

  /** Partitions (over all keyspaces) that are not whole yet. */
  get missingCount(): number {
    return this.#missing.size;
  }

  /** Over all keyspaces, in ascending order. */
  missingPartitions(): number[] {
    const all = new Set([...this.#missing.keys()].map((name) => Number(name.slice(name.indexOf(':') + 1))));
    return [...all].sort((a, b) => a - b);
  }

  speaksFor(keyspace: number, partition: number): boolean {
    if (this.#missing.size === 0) return true;
    const missing = this.#missing.get(nameOf(keyspace, partition));
    if (missing === undefined) return true;
    // Reads still go by the layout before, for which nothing is missing here.
    if (missing.cause !== 'moved' || !(this.#topology?.isChanging ?? false)) return false;
    return (this.#topology?.keyspaces.get(keyspace)?.readerIndex[partition] ?? -1) >= 0;
  }

  /** Some of what is missing had been here. */
  get hasLost(): boolean {
    return this.#lostCount > 0;
  }

  /** Whether this node has yet to hear that peer about the partition. */
  lacksFrom(keyspace: number, partition: number, peer: number): boolean {
    return this.#missing.get(nameOf(keyspace, partition))?.peers.has(peer) ?? false;
  }

  /** Null: nothing is missing there. */
  causeOf(keyspace: number, partition: number): MissingCause | null {
    return this.#missing.get(nameOf(keyspace, partition))?.cause ?? null;
  }

  /** Who is still to be heard. */
  waitsFor(): ReadonlySet<number> {
    const all = new Set<number>();
    for (const { peers } of this.#missing.values()) for (const peer of peers.keys()) all.add(peer);
    return all;
  }

  /** Who is still to be heard, and about what. */
  wanted(): Wanted[] {
    const byPeer = new Map<string, { keyspace: number; peer: number; partitions: number[] }>();
    for (const [name, { peers }] of this.#missing) {
      const [keyspace, partition] = name.split(':').map(Number);
      for (const peer of peers.keys()) {
        const entry = byPeer.get(`${keyspace}:${peer}`);
        if (entry === undefined)
          byPeer.set(`${keyspace}:${peer}`, { keyspace, peer, partitions: [partition] });
        else entry.partitions.push(partition);
      }
    }
    return [...byPeer.values()];
  }

  /** This node has got everything that `peer` holds of the partition, by what began when `missCount` was this. */
  compared(keyspace: number, partition: number, peer: number, missCount: number): void {
    const name = nameOf(keyspace, partition);
    const missing = this.#missing.get(name);
    if (missing === undefined || (missing.peers.get(peer) ?? 0) > missCount) return;
    missing.peers.delete(peer);
    if (missing.peers.size > 0) return;
    this.#drop(name, missing);
    this.#handlers.onBack(keyspace, partition);
    this.#endIfWhole();
  }

  /** Of what is missing, what reads by the layout of now would ask this replica for; what moves here is still read elsewhere. */
  get lostOrUnknownCount(): number {
    return [...this.#missing.values()].filter(({ cause }) => cause !== 'moved').length;
  }

  /** A person accepts what may be gone: nobody is waited for any more. */
  accept(): void {
    if (this.#missing.size === 0) return;
    this.#missing.clear();
    this.#lostCount = 0;
    this.#handlers.onWhole();
  }

  /** What this node replicates no more is not waited for, nor is anybody who left the cluster. */
  setTopology(topology: Topology): void {
    this.#topology = topology;
    if (this.#missing.size === 0) return;
    const gone = new Set(topology.layout.gone ?? []);
    for (const [name, missing] of this.#missing) {
      const { peers } = missing;
      const [keyspace, partition] = name.split(':').map(Number);
      const isReplica = (topology.keyspaces.get(keyspace)?.selfIndex[partition] ?? -1) >= 0;
      for (const peer of peers.keys()) if (!topology.nodes.has(peer) || gone.has(peer)) peers.delete(peer);
      if (!isReplica || peers.size === 0) this.#drop(name, missing);
    }
    this.#endIfWhole();
  }

  #drop(name: string, { cause }: Missing): void {
    this.#missing.delete(name);
    if (cause === 'lost') this.#lostCount--;
  }

  #endIfWhole(): void {
    if (this.#missing.size === 0) this.#handlers.onWhole();
  }
}

function nameOf(keyspace: number, partition: number): string {
  return `${keyspace}:${partition}`;
}
