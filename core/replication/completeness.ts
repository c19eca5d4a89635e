/**
 * Whether this replica may speak for a partition. One that lost data (a wiped disk, a segment set aside) holds only what it
 * was told since, and its "I hold nothing" would let a read quorum miss an acknowledged write. Until it has been compared with
 * every other replica of a partition it does not vote on reads there: with R + W > N a lost disk then costs one replica,
 * never an answer.
 */
import { partitionCount } from '../base/token.ts';
import type { KeyspaceState, Topology } from './topology.ts';

export class Completeness {
  /** Peers still to be compared with, by `keyspace:partition`. Null: nothing is missing. */
  #missing: Map<string, Set<number>> | null = null;
  readonly #onWhole: () => void;

  constructor(onWhole: () => void) {
    this.#onWhole = onWhole;
  }

  /** This node lost data: nothing it replicates is known to be whole. */
  begin(topology: Topology): void {
    this.#missing = new Map();
    for (const keyspace of topology.keyspaces.values()) {
      for (let partition = 0; partition < partitionCount; partition++) this.#miss(keyspace, partition);
    }
    this.#endIfWhole();
  }

  /** One record of this partition was lost. */
  lost(topology: Topology, keyspace: number, partition: number): void {
    const state = topology.keyspaces.get(keyspace);
    if (state !== undefined) this.#miss(state, partition);
  }

  /** Nothing where this node is no replica, or the only one. */
  #miss({ settings, replicas, selfIndex }: KeyspaceState, partition: number): void {
    const self = selfIndex[partition];
    const peers = replicas[partition].map((replica) => replica.nodeId).filter((_, index) => index !== self);
    if (self < 0 || peers.length === 0) return;
    this.#missing ??= new Map();
    this.#missing.set(`${settings.id}:${partition}`, new Set(peers));
  }

  get isWhole(): boolean {
    return this.#missing === null;
  }

  /** Partitions (over all keyspaces) that are not whole yet. */
  get missingCount(): number {
    return this.#missing === null ? 0 : this.#missing.size;
  }

  speaksFor(keyspace: number, partition: number): boolean {
    return this.#missing === null || !this.#missing.has(`${keyspace}:${partition}`);
  }

  /** This node has got everything that `peer` holds of the partition. */
  compared(keyspace: number, partition: number, peer: number): void {
    const name = `${keyspace}:${partition}`;
    const peers = this.#missing?.get(name);
    if (peers === undefined) return;
    peers.delete(peer);
    if (peers.size > 0) return;
    this.#missing!.delete(name);
    this.#endIfWhole();
  }

  /** A keyspace that is gone is not waited for; a new one has nothing to miss. */
  setTopology(topology: Topology): void {
    if (this.#missing === null) return;
    for (const name of [...this.#missing.keys()]) {
      if (!topology.keyspaces.has(Number(name.split(':')[0]))) this.#missing.delete(name);
    }
    this.#endIfWhole();
  }

  #endIfWhole(): void {
    if (this.#missing === null || this.#missing.size > 0) return;
    this.#missing = null;
    this.#onWhole();
  }
}
