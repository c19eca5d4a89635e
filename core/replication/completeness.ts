/**
 * Whether this replica may speak for a partition. One that lost data (a wiped disk, a segment set aside) holds only what it
 * was told since, and its "I hold nothing" would let a read quorum miss an acknowledged write. Until it has been compared with
 * every other replica of a partition it does not vote on reads there: with R + W > N a lost disk then costs one replica,
 * never an answer.
 */
import type { Topology } from './topology.ts';

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
    for (const { settings, replicas, selfIndex } of topology.keyspaces.values()) {
      for (const [partition, list] of replicas.entries()) {
        if (selfIndex[partition] < 0 || list.length < 2) continue;
        const peers = list
          .map((replica) => replica.nodeId)
          .filter((_, index) => index !== selfIndex[partition]);
        this.#missing.set(`${settings.id}:${partition}`, new Set(peers));
      }
    }
    this.#endIfWhole();
  }

  /** One record of this partition was lost. */
  lost(topology: Topology, keyspace: number, partition: number): void {
    const state = topology.keyspaces.get(keyspace);
    if (state === undefined || state.selfIndex[partition] < 0) return;
    const peers = state.replicas[partition].map((replica) => replica.nodeId);
    peers.splice(state.selfIndex[partition], 1);
    if (peers.length === 0) return;
    this.#missing ??= new Map();
    this.#missing.set(`${keyspace}:${partition}`, new Set(peers));
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
