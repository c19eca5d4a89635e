/**
 * The layout as one node follows it: the topology of now, what a change of it means for the data here, and the copies on disk
 * (kept-layout.ts). Versions only go up.
 */
import type { Layout } from '../layout/layout.ts';
import { movesOf } from '../layout/moves.ts';
import type { Timers } from '../ports/clock.ts';
import type { Disk } from '../ports/disk.ts';
import type { Log } from '../ports/log.ts';
import type { ReadEligibility } from '../replication/replica/read-eligibility.ts';
import { type Topology, topologyOf } from '../replication/topology.ts';
import { KeptFile } from './kept-file.ts';
import { keptLayoutsAsJson, layoutFile, readKeptLayouts } from './kept-layout.ts';

interface Components {
  readonly disk: Disk;
  readonly timers: Timers;
  readonly log: Log;
}

export class NodeLayouts {
  readonly #nodeId: number;
  readonly #file: KeptFile;
  #topology: Topology;
  /** What this node holds is complete by this one; null: by none that is known. */
  #settled: Layout | null;
  #eligibility: ReadEligibility | null = null;

  private constructor(components: Components, nodeId: number, newest: Layout, settled: Layout | null) {
    this.#nodeId = nodeId;
    this.#file = new KeptFile(components, layoutFile);
    this.#topology = topologyOf(newest, nodeId);
    this.#settled = settled;
  }

  /** `isKnown`: this node was here before, so a file that is missing is a loss. */
  static async open(
    components: Components,
    settings: { nodeId: number; isKnown: boolean },
    given: Layout,
  ): Promise<NodeLayouts> {
    const { nodeId, isKnown } = settings;
    const kept = await readKeptLayouts(components.disk, components.log);
    const isNewer = kept !== null && kept.newest.version > given.version;
    const isOurs = isNewer && kept.newest.nodes.some(({ id }) => id === nodeId);
    const newest = isOurs && kept.newest.clusterId === given.clusterId ? kept.newest : given;
    const settled = kept === null ? (isKnown ? null : given) : kept.settled;
    return new NodeLayouts(components, nodeId, newest, settled);
  }

  get topology(): Topology {
    return this.#topology;
  }

  /** Tells what is missing since the layout that the data is complete for, and from now on. */
  follow(eligibility: ReadEligibility): void {
    this.#eligibility = eligibility;
    this.#miss(this.#settled ?? unknownOf(this.#topology.layout));
    void this.#keep();
  }

  /** Takes a newer layout at once. Resolves when it is on disk. */
  change(layout: Layout): Promise<void> {
    const before = this.#topology.layout;
    this.#topology = topologyOf(layout, this.#nodeId);
    this.#eligibility?.setTopology(this.#topology);
    this.#miss(before);
    return this.#keep();
  }

  /** All that was missing has come. */
  noteSettled(): Promise<void> {
    return this.#keep();
  }

  close(): void {
    this.#file.close();
  }

  #miss(before: Layout): void {
    for (const { keyspace, partition, from } of movesOf(before, this.#topology.layout, this.#nodeId)) {
      this.#eligibility?.moved(keyspace, partition, from);
    }
  }

  #keep(): Promise<void> {
    const newest = this.#topology.layout;
    if (this.#eligibility?.isWhole ?? true) this.#settled = newest;
    return this.#file.keep(keptLayoutsAsJson({ newest, settled: this.#settled }));
  }
}

/** A layout in whose place every keyspace has been changed since more often than anybody here can follow. */
function unknownOf(layout: Layout): Layout {
  const keyspaces = layout.keyspaces.map((keyspace) => ({ ...keyspace, placement: -1_000 }));
  return { ...layout, keyspaces };
}
