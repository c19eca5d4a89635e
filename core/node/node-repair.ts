/** Joins repair to a storage node: its records, peers and layout as the ports that core/repair knows. */

import type { CoterieError } from '../base/errors.ts';
import { addTo } from '../base/grouping.ts';
import { Latest } from '../base/latest.ts';
import { type KeyAddress, partitionCount, partitionOf } from '../base/token.ts';
import type { Clock, Timers } from '../ports/clock.ts';
import type { LocalReplica } from '../ports/local-replica.ts';
import type { Log } from '../ports/log.ts';
import type { PeerNetwork } from '../ports/peer-network.ts';
import type { StorageEngine } from '../ports/storage-engine.ts';
import type { Worker } from '../ports/worker.ts';
import {
  AntiEntropy,
  type AntiEntropyFigures,
  type AntiEntropyParts,
  type AntiEntropySettings,
} from '../repair/anti-entropy.ts';
import type { BackgroundShare } from '../repair/background-share.ts';
import { Claims } from '../repair/claims.ts';
import { ComparisonTimes, type Pairing } from '../repair/comparison-times.ts';
import { Exchange } from '../repair/exchange.ts';
import type { ExchangeFigures } from '../repair/exchange-figures.ts';
import { serveExchanges } from '../repair/exchange-service.ts';
import { type MovingPartition, MovingPartitions } from '../repair/moving-partitions.ts';
import { Pace } from '../repair/pace.ts';
import {
  type RangeOutcome,
  type RangeRepair,
  type RangeRequest,
  repairRange,
} from '../repair/repair-range.ts';
import { Scrub } from '../repair/scrub.ts';
import { type TreeFigures, TreeStore } from '../repair/tree-store.ts';
import type { ExpiredValues } from '../replication/replica/expired-values.ts';
import type { Leftovers } from '../replication/replica/leftovers.ts';
import type { LocalRecords } from '../replication/replica/local-records.ts';
import type { PeerService } from '../replication/replica/peer-service.ts';
import type { ReadEligibility } from '../replication/replica/read-eligibility.ts';
import type { Requests } from '../replication/requests.ts';
import type { Topology } from '../replication/topology.ts';
import type { HybridClock } from '../versions/hybrid-clock.ts';
import { summarise } from '../versions/record-codec.ts';
import type { PossibleLosses } from './possible-losses.ts';
import { Rebuild } from './rebuild.ts';
import { peersOf, serveLeftoverQuestions } from './repair-peers.ts';

export interface RepairComponents {
  readonly records: LocalRecords;
  readonly engine: StorageEngine;
  readonly service: PeerService;
  readonly requests: Requests;
  readonly network: PeerNetwork;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly hybridClock: HybridClock;
  readonly log: Log;
  readonly eligibility: ReadEligibility;
  readonly leftovers: Pick<Leftovers, 'holdsNothing'>;
  readonly losses: PossibleLosses;
  readonly expired: ExpiredValues;
  readonly topology: () => Topology;
  /** Clients come first. */
  readonly isBusy: () => boolean;
  readonly share: BackgroundShare;
}

export interface RebuildFigures {
  readonly recordsReceived: number;
  readonly valueBytes: number;
  /** Of that, what this node asked for itself. */
  readonly fetched: Readonly<ExchangeFigures>;
}

/** Then what is left of a peer's partitions is begun anew. */
const giveWithinMs = 60_000;

export class NodeRepair {
  readonly trees: TreeStore;
  readonly times = new ComparisonTimes();
  readonly #antiEntropy: AntiEntropy;
  readonly #scrub: Scrub;
  readonly #parts: ConstructorParameters<typeof AntiEntropy>[0];
  readonly #topology: () => Topology;
  readonly #selfId: number;
  readonly #rebuild: Rebuild;
  readonly #received = { recordsReceived: 0, valueBytes: 0 };
  #closed = false;
  readonly #pairings = new Latest<readonly Pairing[]>();
  readonly #running = new Set<RangeRepair>();

  constructor(components: RepairComponents, settings: AntiEntropySettings) {
    const { clock, timers, log } = components;
    const replica = replicaOf(components, (bytes) => {
      this.#received.recordsReceived++;
      this.#received.valueBytes += bytes;
    });
    const peers = peersOf(components);
    const { eligibility, losses } = components;
    const missCount = () => eligibility.missCount;
    const claims = new Claims(clock, missCount);
    const compared: AntiEntropyParts['compared'] = (keyspace, peer, { compared: partitions, missCount }) => {
      this.times.note(keyspace, peer, partitions, clock.nowMs());
      for (const partition of partitions) eligibility.compared(keyspace, partition, peer, missCount);
    };
    const isLost = (keyspace: number, partition: number) =>
      eligibility.causeOf(keyspace, partition) === 'lost';
    // Who has lost data asks for itself: only then does it learn whether the other had lost the same.
    const comparedByPeer: AntiEntropyParts['compared'] = (
      keyspace,
      peer,
      { compared: partitions, missCount },
    ) =>
      compared(keyspace, peer, {
        compared: partitions.filter((partition) => !isLost(keyspace, partition)),
        missCount,
      });
    const onPeerLost = (keyspace: number, partition: number, peer: number): void => {
      if (isLost(keyspace, partition)) losses.lostTogether(keyspace, partition, peer);
    };
    this.#topology = components.topology;
    this.#selfId = components.topology().self.id;
    const { isBusy, share } = components;
    // Replicas that were lost, or are replaced because their node is dead, are fewer to survive the next loss: nothing is slowed down then.
    const isUrgent = () => eligibility.hasLost || replacesDead(components.topology());
    const newPace = () => new Pace(timers, isBusy, isUrgent() ? null : share);
    this.trees = new TreeStore({ replica, timers, log, newPace });
    components.records.observe(this.trees);
    this.#parts = {
      moving: new MovingPartitions(clock),
      replica,
      peers,
      claims,
      clock,
      timers,
      log,
      trees: this.trees,
      times: this.times,
      compared,
      missCount,
      onPeerLost,
      pairings: () => this.#allPairings(),
      isLacking: (keyspace, partition, peer) => eligibility.lacksFrom(keyspace, partition, peer),
      isBusy,
      share,
    };
    const { requests, topology } = components;
    this.#rebuild = new Rebuild({ repair: this.#parts, newPace, eligibility, requests, topology });
    serveExchanges({ replica, peers, claims, trees: this.trees, isLost, compared: comparedByPeer });
    serveLeftoverQuestions(components);
    this.#antiEntropy = new AntiEntropy(this.#parts, settings);
    const keyspaces = () => [...components.topology().keyspaces.keys()];
    this.#scrub = new Scrub({ replica, keyspaces }, settings.tickMs);
  }

  /** What goes on in the background, for ever. */
  get workers(): readonly Worker[] {
    return [this.#antiEntropy, this.#scrub];
  }

  /** For a repair job: brings this replica and some peers together, or counts what differs. */
  repairRange(
    request: RangeRequest,
    onProgress: (figures: ExchangeFigures) => void,
    done: (error: CoterieError | null, outcome: RangeOutcome) => void,
  ): RangeRepair {
    const repair = repairRange(this.#parts, request, onProgress, (error, outcome) => {
      this.#running.delete(repair);
      done(error, outcome);
    });
    this.#running.add(repair);
    return repair;
  }

  /** Brings what this node lacks, at once and until all is there. */
  rebuild(): Promise<void> {
    return this.#rebuild.run();
  }

  /** Brings all that is held here of some partitions to a peer, and takes nothing from it. Resolves with those that it has now. */
  async give(keyspace: number, partitions: readonly number[], peer: number): Promise<readonly number[]> {
    const { peers, timers, isBusy, share } = this.#parts;
    if (this.#closed || !peers.isUp(peer)) return [];
    const request = { keyspace, partitions, peer, dryRun: false, isGivenOnly: true, limitMs: giveWithinMs };
    const { compared } = await new Exchange(this.#parts, request, new Pace(timers, isBusy, share)).run();
    return compared;
  }

  /** What came since the start of partitions that were missing here, whoever began to bring it. */
  rebuildFigures(): RebuildFigures {
    return { ...this.#received, fetched: this.#rebuild.figures };
  }

  /** Partitions that are being brought, or given, just now. */
  moving(): MovingPartition[] {
    return this.#parts.moving.list();
  }

  /** `handler` runs whenever one is begun. */
  onMoving(handler: () => void): void {
    this.#parts.moving.onBegin(handler);
  }

  figures(): AntiEntropyFigures & { readonly trees: TreeFigures } {
    return { ...this.#antiEntropy.figures(), trees: this.trees.figures() };
  }

  /** Nothing is compared or built any more; the trees go on following changes until they are saved. */
  close(): void {
    this.#closed = true;
    this.#rebuild.close();
    this.#antiEntropy.close();
    this.#scrub.close();
    for (const repair of this.#running) repair.cancel();
    this.trees.close();
  }

  #allPairings(): readonly Pairing[] {
    const topology = this.#topology();
    return this.#pairings.of([topology], () => pairingsOf(topology, this.#selfId));
  }
}

/** While a change goes on that does without a node that is dead. */
function replacesDead({ isChanging, layout, nodes }: Topology): boolean {
  return isChanging && (layout.gone ?? []).some((id) => nodes.has(id));
}

/** Only between those by which clients are read: what a new replica lacks it fetches itself, and others that gave it, too, would send it twice. */
function pairingsOf(topology: Topology, selfId: number): Pairing[] {
  const pairings: Pairing[] = [];
  for (const { settings, readers, readerIndex } of topology.keyspaces.values()) {
    const byPeer = new Map<number, number[]>();
    for (let partition = 0; partition < partitionCount; partition++) {
      if (readerIndex[partition] < 0) continue;
      for (const { nodeId } of readers[partition]) {
        if (nodeId !== selfId) addTo(byPeer, nodeId, partition);
      }
    }
    for (const [peer, partitions] of byPeer) pairings.push({ keyspace: settings.id, peer, partitions });
  }
  return pairings;
}

/** `onMissing`: a record of so many bytes came for a partition that is missing here. */
function replicaOf(components: RepairComponents, onMissing: (bytes: number) => void): LocalReplica {
  const { records, engine, topology, hybridClock, clock, expired, eligibility } = components;
  const isForgotten = ({ tokenHigh }: KeyAddress, forgettableAtMs: number) =>
    forgettableAtMs > 0 && forgettableAtMs <= expired.forgottenUntilMs(partitionOf(tokenHigh));
  return {
    owns: (keyspace, partition) => (topology().keyspaces.get(keyspace)?.selfIndex[partition] ?? -1) >= 0,
    forgottenUntilMs: (partition) => expired.forgottenUntilMs(partition),
    recordCount: (keyspace, partition) => engine.countLive(keyspace, partition),
    scan: (request, done) => engine.scan(request, done),
    read: (address, done) => records.read(address, done),
    merge: (address, record, done) => {
      const { newestTimestamp, forgettableAtMs } = summarise(record);
      const state = topology().keyspaces.get(address.keyspace);
      if (state === undefined || isForgotten(address, forgettableAtMs)) {
        // Dropped meanwhile, or expired so long ago that it is forgotten here: there is nothing to keep it for.
        done(null);
        return;
      }
      hybridClock.observe(newestTimestamp, clock.nowMs());
      const isMissing =
        !eligibility.isWhole &&
        eligibility.causeOf(address.keyspace, partitionOf(address.tokenHigh)) !== null;
      if (isMissing) onMissing(address.key.length + record.length);
      const { conflicts, durability } = state.settings;
      records.merge(address, record, { durability, newestOnly: conflicts === 'last-write-wins' }, done);
    },
  };
}
