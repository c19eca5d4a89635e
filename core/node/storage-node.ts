/**
 * One storage node, put together from its parts over ports: the same code runs in a production process and in the
 * simulation. It owns the order of starting and stopping; what the parts do is theirs.
 */
import { CoterieError } from '../base/errors.ts';
import type { Layout, LayoutKeyspace } from '../layout/layout.ts';
import type { Clock, Timers } from '../ports/clock.ts';
import type { ContextSeal } from '../ports/context-seal.ts';
import type { Disk } from '../ports/disk.ts';
import type { Log } from '../ports/log.ts';
import type { PeerNetwork } from '../ports/peer-network.ts';
import type { Random } from '../ports/random.ts';
import type { StorageEngine } from '../ports/storage-engine.ts';
import { defaultAntiEntropySettings } from '../repair/anti-entropy.ts';
import { saveTrees, takeSavedTrees } from '../repair/saved-trees.ts';
import { call } from '../replication/calls.ts';
import { Refusing } from '../replication/coordinator/refusing.ts';
import { CoordinatorStore, type EndpointBook } from '../replication/coordinator/store.ts';
import { serveFallbacks } from '../replication/handoff/fallbacks.ts';
import { HintStore } from '../replication/handoff/hint-store.ts';
import { HintedHandoff } from '../replication/handoff/hinted-handoff.ts';
import { type CoordinatorParts, newCounters, type Writer } from '../replication/parts.ts';
import { ExpiredValues } from '../replication/replica/expired-values.ts';
import type { ExpirySettings } from '../replication/replica/expiry-turns.ts';
import { Leftovers } from '../replication/replica/leftovers.ts';
import { LocalRecords } from '../replication/replica/local-records.ts';
import { PeerService } from '../replication/replica/peer-service.ts';
import { ReadEligibility, type Wanted } from '../replication/replica/read-eligibility.ts';
import { type CollectorSettings, TombstoneCollector } from '../replication/replica/tombstone-collector.ts';
import { Requests } from '../replication/requests.ts';
import { HybridClock } from '../versions/hybrid-clock.ts';
import { calls } from '../wire/peer/calls.ts';
import { Identity } from './identity.ts';
import { LostRecords } from './lost-records.ts';
import type { MembershipLink } from './membership-driver.ts';
import { NodeLayouts } from './node-layouts.ts';
import { NodeRepair } from './node-repair.ts';
import { type PossibleLoss, PossibleLosses } from './possible-losses.ts';
import { Vouching } from './vouching.ts';

export interface StorageNodeComponents {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly disk: Disk;
  readonly random: Random;
  readonly log: Log;
  readonly network: PeerNetwork;
  readonly openEngine: () => Promise<StorageEngine>;
  readonly endpointOf: EndpointBook;
  readonly seal: ContextSeal;
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
  /** Between two marks by which records and identity vouch for each other, while something is written. */
  readonly vouchEveryMs?: number;
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
  readonly delivery: HintedHandoff;
  readonly collector: TombstoneCollector;
  readonly expired: ExpiredValues;
  readonly repair: NodeRepair;
  readonly leftovers: Leftovers;
  readonly identity: Identity;
  readonly vouching: Vouching;
  readonly layouts: NodeLayouts;
  readonly losses: PossibleLosses;
  readonly disk: Disk;
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
    const { clock, timers, log, network, disk } = components;
    const { nodeId } = settings;
    if (!layout.nodes.some((node) => node.id === nodeId)) {
      throw new CoterieError('bad-input', 'The layout does not name this node.');
    }
    const engine = await components.openEngine();
    const identity = await Identity.open(
      { ...components, engine },
      { nodeId, hasRun: settings.hasRun ?? false },
    );
    if (identity.loss !== null) {
      log.warn('This node lacks data. It gets it from the other replicas before it answers reads alone.', {
        cause: identity.loss,
      });
    }
    const layouts = await NodeLayouts.open(components, { nodeId, isKnown: identity.isKnown }, layout);
    const topology = () => layouts.topology;
    const records = new LocalRecords(engine);
    const hints = new HintStore({ records, engine, clock });
    await hints.load();
    // Before the first frame can change a record.
    const savedTrees = await takeSavedTrees(components, identity.stamp);
    const writer: Writer = { actor: identity.actor, counterMax: 0, refusal: null };
    const vouching = new Vouching({ identity, records, timers, log, writer }, settings.vouchEveryMs);
    // The epoch is durable before it is used; a disk that is full leaves a node that only reads.
    await vouching.begin();
    const losses = await PossibleLosses.open({ ...components, topology }, nodeId);
    const eligibility = new ReadEligibility({
      onWhole: () => {
        log.info('This node is whole again: it has been compared with every other replica.');
        void vouching.noteWhole();
        void layouts.noteSettled();
      },
      onLost: (keyspace, partition) => losses.lostHere(keyspace, partition),
      onBack: (keyspace, partition) => losses.isBack(keyspace, partition),
    });
    if (identity.isRebuilding) eligibility.begin(topology());
    if (identity.isRebuilding && eligibility.isWhole) void vouching.noteWhole();
    layouts.follow(eligibility);
    const counters = newCounters();
    const requests = new Requests({ network, clock, timers, log }, settings);
    let turn = 0;
    const parts: CoordinatorParts = {
      selfId: nodeId,
      records,
      hints,
      eligibility,
      network,
      requests,
      refusing: new Refusing(clock),
      clock,
      timers,
      hybridClock: new HybridClock(),
      writer,
      seal: components.seal,
      counters,
      log,
      topology,
      turn: () => {
        turn = (turn + 1) & 0xffff;
        return turn;
      },
    };
    const service = new PeerService({ ...parts, counters }, topology());
    const { endpointOf } = components;
    const store = new CoordinatorStore({ parts, engine, service, endpointOf }, topology());
    serveFallbacks(service, hints, topology);
    const delivery = new HintedHandoff(parts);
    const collector = new TombstoneCollector(
      { ...parts, engine },
      service,
      settings.collector,
      settings.expiry,
    );
    const expired = new ExpiredValues({ ...parts, engine }, settings.expiry);
    const leftovers = new Leftovers({ ...parts, engine });
    const repair = new NodeRepair(
      { ...parts, engine, service, expired, leftovers, losses },
      { ...defaultAntiEntropySettings, tickMs: settings.antiEntropyTickMs ?? 0 },
    );
    repair.trees.adopt(savedTrees);
    const lostRecords = new LostRecords(
      {
        ...parts,
        engine,
        rebuild: () => repair.rebuild(),
        doubt: (keyspace, partition) => repair.trees.doubt(keyspace, partition),
      },
      () => identity.renewEpoch(true),
    );
    lostRecords.watch();
    if (!eligibility.isWhole) void repair.rebuild();
    leftovers.look();
    return new StorageNode({
      parts,
      engine,
      service,
      store,
      delivery,
      collector,
      expired,
      repair,
      leftovers,
      identity,
      vouching,
      layouts,
      losses,
      disk,
    });
  }

  /** What acknowledged writes may be gone for good, until a person accepts it. */
  possibleLosses(): PossibleLoss[] {
    return this.#built.losses.all();
  }

  /** Nodes that this one has to hear before it speaks for all its partitions again. */
  waitsFor(): number[] {
    return [...new Set(this.parts.eligibility.wanted().map(({ peer }) => peer))];
  }

  /**
   * A person accepts what may be gone: nobody is told of it any more, and this node no longer waits for nodes that may hold
   * something it lacks. Returns what was accepted.
   */
  async acceptLoss(): Promise<{ losses: PossibleLoss[]; notHeard: Wanted[] }> {
    const { losses } = this.#built;
    const accepted = { losses: losses.all(), notHeard: this.parts.eligibility.wanted() };
    this.parts.eligibility.accept();
    await losses.accept();
    return accepted;
  }

  /** Tombstones and expired values forgotten for good since the start. */
  get collectedCount(): number {
    return this.#built.collector.collectedCount + this.#built.expired.forgottenCount;
  }

  /** Carries membership over the peer link, for when datagrams do not arrive, and for whole states. */
  carryMembership(answer: (from: number, payload: Buffer) => Buffer): MembershipLink {
    this.#built.service.onCall(calls.membership, (from, payload, reply) =>
      reply(null, answer(from, payload)),
    );
    return {
      call: (peer, payload, done) => call(this.parts.requests, peer, calls.membership, payload, done),
    };
  }

  get layout(): Layout {
    return this.#built.layouts.topology.layout;
  }

  /**
   * Takes a newer layout, at once; an older one is left aside. Data of dropped keyspaces is forgotten, data that this node has to
   * get is fetched, data that is not its own any more handed over. Resolves once the layout is kept on disk.
   */
  setLayout(layout: Layout): Promise<void> {
    const { layouts, service, store, repair, leftovers } = this.#built;
    const before = this.layout;
    if (layout.version <= before.version) return Promise.resolve();
    const kept = layouts.change(layout);
    service.setTopology(layouts.topology);
    store.setTopology(layouts.topology);
    for (const keyspace of before.keyspaces) {
      if (!layout.keyspaces.some(({ id }) => id === keyspace.id)) this.#forgetKeyspace(keyspace);
    }
    if (!this.parts.eligibility.isWhole) void repair.rebuild();
    leftovers.look();
    return kept;
  }

  #forgetKeyspace({ id, name }: LayoutKeyspace): void {
    this.repair.trees.dropKeyspace(id);
    const done = (error: CoterieError | null) => {
      if (error === null) return;
      this.parts.log.error('A dropped keyspace could not be removed from disk.', {
        keyspace: name,
        cause: error.message,
      });
    };
    const refusal = this.engine.dropKeyspace(id, done);
    if (refusal !== null) done(refusal);
  }

  /** Ends what is in flight, then closes the storage in order, so that the next start is clean. */
  async stop(): Promise<void> {
    const {
      delivery,
      collector,
      expired,
      repair,
      leftovers,
      parts,
      disk,
      identity,
      vouching,
      layouts,
      losses,
    } = this.#built;
    delivery.close();
    collector.close();
    expired.close();
    repair.close();
    leftovers.close();
    vouching.close();
    parts.requests.close();
    // Events forgotten with their tombstones must not be numbered again: the next run writes under a new actor.
    if (parts.writer.counterMax > 0) await identity.renewEpoch(false);
    layouts.close();
    losses.close();
    await identity.close();
    // What was forgotten without a trace may be there again at the next start: those trees would not tell.
    for (const { keyspace, partition } of expired.forgottenIn()) repair.trees.doubt(keyspace, partition);
    const { stamp } = identity;
    if (stamp !== null) await saveTrees({ disk, log: parts.log }, repair.trees.all(), stamp);
  }
}
