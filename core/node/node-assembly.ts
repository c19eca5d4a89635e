/**
 * Puts a storage node together from its parts, over ports, in two stages: what has to be read from the disk before anything can be
 * said of this node, and then what runs on it. Each reads from top to bottom, in the order in which things are needed.
 */
import { knownToReadBy, type LiveLayout } from '../layout/history.ts';
import { placedOf } from '../layout/layout.ts';
import type { Clock, Timers } from '../ports/clock.ts';
import type { ContextSeal } from '../ports/context-seal.ts';
import type { Disk } from '../ports/disk.ts';
import type { Log } from '../ports/log.ts';
import type { PeerNetwork } from '../ports/peer-network.ts';
import type { Random } from '../ports/random.ts';
import type { StorageEngine } from '../ports/storage-engine.ts';
import { defaultAntiEntropySettings } from '../repair/anti-entropy.ts';
import { BackgroundShare, sharesOfTime } from '../repair/background-share.ts';
import { takeSavedTrees } from '../repair/saved-trees.ts';
import { Refusing } from '../replication/coordinator/refusing.ts';
import { CoordinatorStore, type EndpointBook } from '../replication/coordinator/store.ts';
import { serveFallbacks } from '../replication/handoff/fallbacks.ts';
import { HintStore } from '../replication/handoff/hint-store.ts';
import { HintedHandoff } from '../replication/handoff/hinted-handoff.ts';
import { MessageRelay } from '../replication/message-relay.ts';
import { type CoordinatorParts, newCounters, type Writer } from '../replication/parts.ts';
import { ExpiredValues } from '../replication/replica/expired-values.ts';
import type { ExpirySettings } from '../replication/replica/expiry-turns.ts';
import { Leftovers } from '../replication/replica/leftovers.ts';
import { LocalRecords } from '../replication/replica/local-records.ts';
import { PeerService } from '../replication/replica/peer-service.ts';
import { ReadEligibility } from '../replication/replica/read-eligibility.ts';
import { serveTogether } from '../replication/replica/serve-together.ts';
import {
  type CollectorSettings,
  defaultCollectorSettings,
  TombstoneCollector,
} from '../replication/replica/tombstone-collector.ts';
import { Requests } from '../replication/requests.ts';
import { HybridClock } from '../versions/hybrid-clock.ts';
import { Identity } from './identity.ts';
import { LayoutGossip } from './layout-gossip.ts';
import { LostRecords } from './lost-records.ts';
import { NodeLayouts } from './node-layouts.ts';
import { NodeRepair } from './node-repair.ts';
import { PossibleLosses } from './possible-losses.ts';
import { stampedNetwork } from './stamped-network.ts';
import { Vouching } from './vouching.ts';
import { Workers } from './workers.ts';

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

/** What a started node is made of. */
export interface NodeParts {
  readonly parts: CoordinatorParts;
  readonly engine: StorageEngine;
  readonly service: PeerService;
  readonly store: CoordinatorStore;
  readonly messages: MessageRelay;
  readonly delivery: HintedHandoff;
  readonly collector: TombstoneCollector;
  readonly expired: ExpiredValues;
  readonly repair: NodeRepair;
  readonly leftovers: Leftovers;
  readonly gossip: LayoutGossip;
  readonly identity: Identity;
  readonly vouching: Vouching;
  readonly workers: Workers;
  readonly layouts: NodeLayouts;
  readonly losses: PossibleLosses;
  readonly disk: Disk;
}

/** Requests to other nodes in flight; a node at rest has next to none. */
const pendingWhenBusy = 256;

/** What the disk says, and who this node is by it. */
export async function openDurable(
  components: StorageNodeComponents,
  settings: StorageNodeSettings,
  given: readonly LiveLayout[],
) {
  const { clock, timers, log } = components;
  const { nodeId } = settings;
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
  const layouts = await NodeLayouts.open(components, { nodeId, isKnown: identity.isKnown }, given);
  const records = new LocalRecords(engine);
  const hints = new HintStore({ records, engine, clock });
  await hints.load();
  // Before the first frame can change a record.
  const savedTrees = await takeSavedTrees(components, identity.stamp);
  const writer: Writer = { actor: identity.actor, counterMax: 0, refusal: null };
  const vouching = new Vouching({ identity, records, timers, log, writer }, settings.vouchEveryMs);
  // The epoch is durable before it is used; a disk that is full leaves a node that only reads.
  await vouching.begin();
  const topology = () => layouts.topology;
  const losses = await PossibleLosses.open({ ...components, topology }, nodeId);
  const eligibility = eligibilityOf({ log, identity, layouts, vouching, losses });
  return { engine, identity, layouts, records, hints, savedTrees, writer, vouching, losses, eligibility };
}

type Durable = Awaited<ReturnType<typeof openDurable>>;

/** For which partitions this node answers reads: all, unless it lost data or gained partitions. */
function eligibilityOf({
  log,
  identity,
  layouts,
  vouching,
  losses,
}: { log: Log } & Pick<Durable, 'identity' | 'layouts' | 'vouching' | 'losses'>): ReadEligibility {
  const eligibility = new ReadEligibility({
    onWhole: () => {
      log.info('This node is whole again: it has been compared with every other replica.');
      void vouching.noteWhole();
      layouts.look();
    },
    onLost: (keyspace, partition) => losses.lostHere(keyspace, partition),
    onBack: (keyspace, partition) => losses.isBack(keyspace, partition),
  });
  if (identity.isRebuilding) eligibility.begin(layouts.topology);
  if (identity.isRebuilding && eligibility.isWhole) void vouching.noteWhole();
  layouts.follow(eligibility);
  return eligibility;
}

/** Everything that runs; from here on the node takes frames. */
export function assemble(
  components: StorageNodeComponents,
  settings: StorageNodeSettings,
  durable: Durable,
): NodeParts {
  const { clock, timers, log, disk, seal, endpointOf } = components;
  const { engine, identity, layouts, records, hints, writer, losses, eligibility } = durable;
  const topology = () => layouts.topology;
  const network = stampedNetwork(components.network, () => layouts.topology.layout.version);
  const counters = newCounters();
  const requests = new Requests({ network, clock, timers, log }, settings);
  let turn = 0;
  const parts: CoordinatorParts = {
    selfId: settings.nodeId,
    ...{
      records,
      hints,
      eligibility,
      network,
      requests,
      clock,
      timers,
      writer,
      seal,
      counters,
      log,
      topology,
    },
    refusing: new Refusing(clock),
    hybridClock: new HybridClock(),
    turn: () => {
      turn = (turn + 1) & 0xffff;
      return turn;
    },
  };

  // What others ask of this node, and what clients do.
  const service = new PeerService(parts, topology());
  const onDrained = () => layouts.look();
  const readsBy = (nodeId: number) =>
    nodeId === settings.nodeId ? placedOf(topology().reading) : knownToReadBy(layouts.history, nodeId);
  const knowsItself = () => layouts.knowsItself;
  const store = new CoordinatorStore(
    { parts, engine, service, endpointOf, readsBy, knowsItself, onDrained },
    topology(),
  );
  const gossip = new LayoutGossip({ layouts, network, requests, service, log });
  serveFallbacks(service, hints, topology);
  serveTogether(service, parts);
  const messages = new MessageRelay(parts, service);

  // What goes on in the background.
  const isBusy = () => requests.pendingCount > pendingWhenBusy;
  const share = new BackgroundShare({
    clock,
    timers,
    served: () => counters.reads + counters.writes + counters.replicaGets + counters.replicaPuts,
    limit: () => sharesOfTime[topology().layout.transfer ?? 'normal'],
  });
  const workers = new Workers({ clock, timers, log, isBusy });
  const delivery = new HintedHandoff(parts);
  const collecting = settings.collector ?? defaultCollectorSettings;
  const collector = new TombstoneCollector({ ...parts, engine }, service, collecting, settings.expiry);
  const expired = new ExpiredValues({ ...parts, engine }, settings.expiry);
  const leftovers: Leftovers = new Leftovers({
    ...parts,
    engine,
    give: (keyspace, partitions, peer) => repair.give(keyspace, partitions, peer),
    wake: () => workers.wake('leftovers'),
  });
  const comparing = { ...defaultAntiEntropySettings, tickMs: settings.antiEntropyTickMs ?? 0 };
  const repair: NodeRepair = new NodeRepair(
    { ...parts, engine, service, expired, leftovers, losses, isBusy, share },
    comparing,
  );
  repair.trees.adopt(durable.savedTrees);
  workers.add(delivery);
  if (collecting.tickMs > 0) workers.add(collector);
  workers.add(expired);
  if (comparing.tickMs > 0) for (const worker of repair.workers) workers.add(worker);
  workers.add(leftovers);
  workers.add(gossip);

  // Records that turn out to be lost, or are known to be.
  new LostRecords(
    {
      ...parts,
      engine,
      rebuild: () => repair.rebuild(),
      doubt: (keyspace, partition) => repair.trees.onDoubt(keyspace, partition),
    },
    () => identity.renewEpoch(true),
  ).watch();
  if (!eligibility.isWhole) void repair.rebuild();

  return {
    ...{
      parts,
      engine,
      service,
      store,
      messages,
      delivery,
      collector,
      expired,
      repair,
      leftovers,
      gossip,
      workers,
      disk,
    },
    ...{ identity, vouching: durable.vouching, layouts, losses },
  };
}
