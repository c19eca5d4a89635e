/**
 * Writes that may be gone for good: partitions in which so many replicas lost their data at the same time that an acknowledged
 * write may have been on those alone. Nothing can bring such a write back, and no comparison can find it; but somebody is
 * told, until a person accepts it. Kept on disk: a restart must not make it forgotten.
 */
import { partitionCount } from '../base/token.ts';
import type { Timers } from '../ports/clock.ts';
import type { Disk } from '../ports/disk.ts';
import type { Log } from '../ports/log.ts';
import { PutCore } from '../quorum/put-core.ts';
import { requirementOf } from '../quorum/requirement.ts';
import type { KeyspaceState, Topology } from '../replication/topology.ts';
import { KeptFile } from './kept-file.ts';

const lossFile = 'possible-losses.json';

/** Partitions of one keyspace, ascending. */
export interface PossibleLoss {
  readonly keyspace: number;
  readonly partitions: readonly number[];
}

interface Components {
  readonly disk: Disk;
  readonly timers: Timers;
  readonly log: Log;
  readonly topology: () => Topology;
}

export class PossibleLosses {
  readonly #topology: () => Topology;
  readonly #log: Log;
  readonly #file: KeptFile;
  readonly #selfId: number;
  readonly #losses: Map<number, Set<number>>;
  /** Other replicas that were seen to have lost a partition while this one had, by `keyspace:partition`. */
  readonly #together = new Map<string, Set<number>>();

  private constructor(components: Components, selfId: number, losses: Map<number, Set<number>>) {
    this.#topology = components.topology;
    this.#log = components.log;
    this.#file = new KeptFile(components, lossFile);
    this.#selfId = selfId;
    this.#losses = losses;
  }

  static async open(components: Components, selfId: number): Promise<PossibleLosses> {
    return new PossibleLosses(components, selfId, await read(components.disk));
  }

  /** This replica has lost what it held of a partition. */
  lostHere(keyspace: number, partition: number): void {
    this.#judge(keyspace, partition, new Set());
  }

  /** Another replica has lost a partition that this one has lost and not got back yet. */
  lostTogether(keyspace: number, partition: number, peer: number): void {
    const name = `${keyspace}:${partition}`;
    const peers = this.#together.get(name) ?? new Set();
    peers.add(peer);
    this.#together.set(name, peers);
    this.#judge(keyspace, partition, peers);
  }

  /** This replica has got back what there is. */
  isBack(keyspace: number, partition: number): void {
    this.#together.delete(`${keyspace}:${partition}`);
  }

  #judge(keyspace: number, partition: number, others: ReadonlySet<number>): void {
    const state = this.#topology().keyspaces.get(keyspace);
    if (state === undefined || this.#losses.get(keyspace)?.has(partition)) return;
    if (!this.#couldAcknowledge(state, partition, others)) return;
    const partitions = this.#losses.get(keyspace) ?? new Set();
    if (partitions.size === 0) {
      this.#log.error(
        'Acknowledged writes may be lost: all replicas that took them may have lost their data.',
        {
          keyspace: state.settings.name,
        },
      );
    }
    this.#losses.set(keyspace, partitions.add(partition));
    void this.#save();
  }

  /** Whether a write could have been acknowledged by those replicas alone that have lost their data. */
  #couldAcknowledge(
    { settings, replicas }: KeyspaceState,
    partition: number,
    others: ReadonlySet<number>,
  ): boolean {
    const places = replicas[partition];
    const centers = new Set(places.map((place) => place.dataCenter));
    return [...centers].some((local) => {
      const core = new PutCore(places, requirementOf(settings.writeLevel, places, local));
      places.forEach(({ nodeId }, index) => {
        if (nodeId === this.#selfId || others.has(nodeId)) core.addAcknowledgement(index);
        else core.addFailure(index);
      });
      return core.verdict() === 'met';
    });
  }

  /** Keyspaces that are still there, with what they may have lost. */
  all(): PossibleLoss[] {
    const { keyspaces } = this.#topology();
    return [...this.#losses]
      .filter(([keyspace, partitions]) => partitions.size > 0 && keyspaces.has(keyspace))
      .map(([keyspace, partitions]) => ({ keyspace, partitions: [...partitions].sort((a, b) => a - b) }));
  }

  /** A person has been told. */
  accept(): Promise<void> {
    this.#losses.clear();
    return this.#save();
  }

  close(): void {
    this.#file.close();
  }

  #save(): Promise<void> {
    const losses = [...this.#losses].map(([keyspace, partitions]) => ({
      keyspace,
      partitions: [...partitions],
    }));
    return this.#file.keep({ format: 1, losses });
  }
}

/** A file that cannot be read tells nothing: what it told once was in the log and in the activity. */
async function read(disk: Disk): Promise<Map<number, Set<number>>> {
  const losses = new Map<number, Set<number>>();
  try {
    const found = JSON.parse((await disk.readFile(lossFile)).toString());
    for (const { keyspace, partitions } of found.losses as PossibleLoss[]) {
      const sound = partitions.filter((one) => Number.isInteger(one) && one >= 0 && one < partitionCount);
      losses.set(keyspace, new Set(sound));
    }
  } catch {
    losses.clear();
  }
  return losses;
}
