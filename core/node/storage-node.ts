/**
 * One storage node, put together from its parts over ports: the same code runs in a production process and in the
 * simulation. It owns the order of starting and stopping; what the parts do is theirs.
 */
import { CoterieError } from '../base/errors.ts';
import type { Layout } from '../layout/layout.ts';
import type { Clock, Timers } from '../ports/clock.ts';
import type { Disk } from '../ports/disk.ts';
import type { Log } from '../ports/log.ts';
import type { PeerNetwork } from '../ports/peer-network.ts';
import type { Random } from '../ports/random.ts';
import type { StorageEngine } from '../ports/storage-engine.ts';
import { defaultAntiEntropySettings } from '../repair/anti-entropy.ts';
import { saveTrees, takeSavedTrees } from '../repair/saved-trees.ts';
import { call, callMethod } from '../replication/calls.ts';
import { Completeness } from '../replication/completeness.ts';
import { ExpiredValues } from '../replication/expired-values.ts';
import type { ExpirySettings } from '../replication/expiry-turns.ts';
import { HintBook } from '../replication/hint-book.ts';
import { HintDelivery } from '../replication/hint-delivery.ts';
import { LocalRecords } from '../replication/local-records.ts';
import { type CoordinatorParts, newCounters, type Writer } from '../replication/parts.ts';
import { PeerService } from '../replication/peer-service.ts';
import { Requests } from '../replication/requests.ts';
import { serveStandIns } from '../replication/stand-ins.ts';
import { CoordinatorStore, type EndpointBook } from '../replication/store.ts';
import { type CollectorSettings, TombstoneCollector } from '../replication/tombstone-collector.ts';
import { type Topology, topologyOf } from '../replication/topology.ts';
import { HybridClock } from '../versions/hybrid-clock.ts';
import { type Actor, actorOf, epochOf } from '../versions/version-set.ts';
import { nextEpoch, noteWhole } from './identity.ts';
import { LostRecords } from './lost-records.ts';
import type { MembershipLink } from './membership-driver.ts';
import { NodeRepair } from './node-repair.ts';

export interface StorageNodeComponents {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly disk: Disk;
  readonly random: Random;
  readonly log: Log;
  readonly network: PeerNetwork;
  readonly openEngine: () => Promise<StorageEngine>;
  readonly endpointOf: EndpointBook;
}

export interface StorageNodeSettings {
  readonly nodeId: number;
  readonly deadlineMs: number;
  readonly slowMs: number;
  readonly pendingCountMax: number;
  readonly collector?: CollectorSettings;
  readonly expiry?: ExpirySettings;
  /** Between two looks of the background comparison of replicas; 0 or absent: never. */
  readonly antiEntropyTickMs?: number;
  /** The node has run before: if its disk is empty now, its data was lost. */
  readonly hasRun?: boolean;
}

export const defaultNodeSettings = {
  /** A client waits at most this long for a quorum; well under the time-outs of common Redis clients. */
  deadlineMs: 3_000,
  /** About the 99th percentile of a healthy replica: beyond it, asking another costs less than waiting. */
  slowMs: 60,
  pendingCountMax: 100_000,
  antiEntropyTickMs: defaultAntiEntropySettings.tickMs,
} as const;

/** What a started node is made of. */
interface Built {
  readonly parts: CoordinatorParts;
  readonly engine: StorageEngine;
  readonly service: PeerService;
  readonly store: CoordinatorStore;
  readonly delivery: HintDelivery;
  readonly collector: TombstoneCollector;
  readonly expired: ExpiredValues;
  readonly repair: NodeRepair;
  readonly disk: Disk;
  /** The present one; whoever needs it asks for it each time. */
  readonly view: { topology: Topology };
  /** Takes a new epoch durably. */
  readonly renewEpoch: (lostData: boolean) => Promise<Actor>;
}

export class StorageNode {
  readonly #built: Built;

  private constructor(built: Built) {
    this.#built = built;
  }

  get store(): CoordinatorStore {
    return this.#built.store;
  }

  get engine(): StorageEngine {
    return this.#built.engine;
  }

  get parts(): CoordinatorParts {
    return this.#built.parts;
  }

  get repair(): NodeRepair {
    return this.#built.repair;
  }

  /** Opens the storage, takes a fresh epoch if anything may be missing, and is then ready for frames and clients. */
  static async start(
    components: StorageNodeComponents,
    settings: StorageNodeSettings,
    layout: Layout,
  ): Promise<StorageNode> {
    const { clock, timers, log, network } = components;
    if (!layout.nodes.some((node) => node.id === settings.nodeId)) {
      throw new CoterieError('bad-input', 'The layout does not name this node.');
    }
    const engine = await components.openEngine();
    const { clean, recordCount, quarantinedSegments } = engine.recovery;
    const { epoch, rebuilding } = await nextEpoch(components, settings.nodeId, {
      clean,
      hasRun: settings.hasRun ?? false,
      lostData: quarantinedSegments.length > 0 || (settings.hasRun === true && recordCount === 0 && !clean),
    });
    const topology = topologyOf(layout, settings.nodeId);
    const view = { topology };
    const records = new LocalRecords(engine);
    const hints = new HintBook({ records, engine, clock });
    await hints.load();
    // Before the first frame can change a record.
    const savedTrees = await takeSavedTrees(components, clean);
    const writer: Writer = { actor: actorOf(settings.nodeId, epoch), counterMax: 0 };
    const completeness = new Completeness(() => {
      log.info('This node is whole again: it has been compared with every other replica.');
      noteWhole(components.disk, settings.nodeId, epochOf(writer.actor)).catch((error: Error) => {
        log.warn('That this node is whole again could not be noted.', { cause: error.message });
      });
    });
    if (rebuilding) completeness.begin(topology);
    const counters = newCounters();
    const requests = new Requests({ network, clock, timers }, settings);
    let turn = 0;
    const parts: CoordinatorParts = {
      selfId: settings.nodeId,
      records,
      hints,
      completeness,
      network,
      requests,
      clock,
      timers,
      hybridClock: new HybridClock(),
      writer,
      counters,
      log,
      turn: () => {
        turn = (turn + 1) & 0xffff;
        return turn;
      },
    };
    const service = new PeerService({ ...parts, counters }, topology);
    const store = new CoordinatorStore(
      { parts, engine, service, endpointOf: components.endpointOf },
      topology,
    );
    const current = () => view.topology;
    const renewEpoch = async (lostData: boolean): Promise<Actor> => {
      const next = await nextEpoch(components, settings.nodeId, { clean: false, lostData, hasRun: true });
      return actorOf(settings.nodeId, next.epoch);
    };
    serveStandIns(service, hints, current);
    const delivery = new HintDelivery({ ...parts, topology: current });
    const collector = new TombstoneCollector(
      { ...parts, engine, topology: current },
      service,
      settings.collector,
      settings.expiry,
    );
    const expired = new ExpiredValues({ ...parts, engine, topology: current }, settings.expiry);
    const repair = new NodeRepair(
      { ...parts, engine, service, expired, topology: current },
      { ...defaultAntiEntropySettings, tickMs: settings.antiEntropyTickMs ?? 0 },
    );
    repair.trees.adopt(savedTrees);
    const lostRecords = new LostRecords(
      {
        ...parts,
        engine,
        topology: current,
        rebuild: () => repair.rebuild(),
        doubt: (keyspace, partition) => repair.trees.doubt(keyspace, partition),
      },
      () => renewEpoch(true),
    );
    lostRecords.watch();
    if (rebuilding) void repair.rebuild();
    const { disk } = components;
    return new StorageNode({
      parts,
      engine,
      service,
      store,
      delivery,
      collector,
      expired,
      repair,
      disk,
      view,
      renewEpoch,
    });
  }

  /** Tombstones and expired values forgotten for good since the start. */
  get collectedCount(): number {
    return this.#built.collector.collectedCount + this.#built.expired.forgottenCount;
  }

  /** Carries membership over the peer link, for when datagrams do not arrive, and for whole states. */
  carryMembership(answer: (from: number, payload: Buffer) => Buffer): MembershipLink {
    this.#built.service.onCall(callMethod.membership, (from, payload, reply) =>
      reply(null, answer(from, payload)),
    );
    return {
      call: (peer, payload, done) => call(this.parts.requests, peer, callMethod.membership, payload, done),
    };
  }

  get layout(): Layout {
    return this.#built.view.topology.layout;
  }

  /** Takes a newer layout; data of dropped keyspaces is forgotten. */
  setLayout(layout: Layout): void {
    const { view, service } = this.#built;
    const dropped = this.layout.keyspaces.filter(
      (old) => !layout.keyspaces.some((keyspace) => keyspace.id === old.id),
    );
    const topology = topologyOf(layout, this.parts.selfId);
    view.topology = topology;
    this.parts.completeness.setTopology(topology);
    service.setTopology(topology);
    this.store.setTopology(topology);
    for (const keyspace of dropped) {
      this.repair.trees.dropKeyspace(keyspace.id);
      const done = (error: CoterieError | null) => {
        if (error === null) return;
        this.parts.log.error('A dropped keyspace could not be removed from disk.', {
          keyspace: keyspace.name,
          cause: error.message,
        });
      };
      done(this.engine.dropKeyspace(keyspace.id, done));
    }
  }

  /** Ends what is in flight, then closes the storage in order, so that the next start is clean. */
  async stop(): Promise<void> {
    const { delivery, collector, expired, repair, parts, engine, disk, renewEpoch } = this.#built;
    delivery.close();
    collector.close();
    expired.close();
    repair.close();
    parts.requests.close();
    // Events forgotten with their tombstones must not be numbered again: the next run writes under a new actor.
    if (parts.writer.counterMax > 0) await renewEpoch(false);
    await engine.close();
    // What was forgotten without a trace may be there again at the next start: those trees would not tell.
    for (const { keyspace, partition } of expired.forgottenIn()) repair.trees.doubt(keyspace, partition);
    await saveTrees({ disk, log: parts.log }, repair.trees.all());
  }
}
