/**
 * One storage node: the same code runs in a production process and in the simulation. What it is made of, and in which order,
 * is in node-assembly.ts; this is what can be asked of it while it runs, and its end in order.
 */
import { CoterieError } from '../base/errors.ts';
import type { LayoutHistory, LiveLayout } from '../layout/history.ts';
import type { Layout, LayoutKeyspace } from '../layout/layout.ts';
import type { Messages } from '../ports/messages.ts';
import type { EngineStatistics, StorageEngine } from '../ports/storage-engine.ts';
import { defaultAntiEntropySettings } from '../repair/anti-entropy.ts';
import { saveTrees } from '../repair/saved-trees.ts';
import { call } from '../replication/calls.ts';
import type { CoordinatorStore } from '../replication/coordinator/store.ts';
import { hintKeyspace } from '../replication/handoff/hint-store.ts';
import type { CoordinatorParts } from '../replication/parts.ts';
import type { Wanted } from '../replication/replica/read-eligibility.ts';
import { refuseWhileStarting } from '../replication/replica/starting.ts';
import type { Topology } from '../replication/topology.ts';
import { calls } from '../wire/peer/calls.ts';
import { vouchKeyspace } from './identity.ts';
import type { LayoutWord } from './layout-gossip.ts';
import type { MembershipLink } from './membership-driver.ts';
import {
  assemble,
  type NodeParts,
  openDurable,
  type StorageNodeComponents,
  type StorageNodeSettings,
} from './node-assembly.ts';
import type { NodeRepair } from './node-repair.ts';
import type { PossibleLoss } from './possible-losses.ts';
import type { WorkerStatus } from './workers.ts';

export const defaultNodeSettings = {
  /** A client waits at most this long for a quorum, longer for large values (requests.ts); well under the time-outs of common Redis clients. */
  deadlineMs: 3_000,
  /** About the 99th percentile of a healthy replica: beyond it, asking another costs less than waiting. */
  slowMs: 60,
  pendingCountMax: 100_000,
  antiEntropyTickMs: defaultAntiEntropySettings.tickMs,
} as const;

export class StorageNode {
  readonly #built: NodeParts;
  readonly #topologyHandlers: ((topology: Topology) => void)[] = [];

  private constructor(built: NodeParts) {
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
    given: Layout | readonly LiveLayout[],
  ): Promise<StorageNode> {
    const live = 'version' in given ? [{ layout: given, digest: String(given.version) }] : given;
    if (!live.some(({ layout }) => layout.nodes.some((node) => node.id === settings.nodeId))) {
      throw new CoterieError('bad-input', 'The layout does not name this node.');
    }
    refuseWhileStarting(components.network);
    const node = new StorageNode(
      assemble(components, settings, await openDurable(components, settings, live)),
    );
    node.#follow();
    return node;
  }

  #follow(): void {
    const { gossip, layouts, parts, repair, service, store, workers } = this.#built;
    layouts.serve({
      isDrained: (topology) => store.isDrained(topology),
      reaches: (nodeId) => parts.network.isUp(nodeId),
      // Nobody delivers anything to one that was given up for dead, and a node that leaves would wait for it for ever.
      owesNothing: ({ layout }) => parts.hints.targets().every((id) => layout.gone?.includes(id) ?? false),
      onTopology: (before, after) => {
        service.setTopology(after);
        store.setTopology(after);
        for (const keyspace of before.layout.keyspaces) {
          if (!after.keyspaces.has(keyspace.id)) this.#forgetKeyspace(keyspace);
        }
        workers.wake('leftovers');
        for (const handler of this.#topologyHandlers) handler(after);
      },
      onMissing: () => void repair.rebuild(),
      onNews: () => gossip.tell(),
    });
    gossip.begin();
  }

  /** What membership tells others of this node's layouts, and hears of theirs. */
  get layoutWord(): LayoutWord {
    return this.#built.gossip;
  }

  /** Between the gateways of the cluster. */
  get messages(): Messages {
    return this.#built.messages;
  }

  /** Told of each change of the layouts that count. */
  onTopology(handler: (topology: Topology) => void): void {
    this.#topologyHandlers.push(handler);
  }

  /** Which layouts are live, and how far every node is with them, as this one knows it. */
  get layouts(): LayoutHistory {
    return this.#built.layouts.history;
  }

  /** What this node does in the background, and how far it is. */
  work(): WorkerStatus[] {
    return this.#built.workers.list();
  }

  /** What acknowledged writes may be gone for good, until a person accepts it. */
  possibleLosses(): PossibleLoss[] {
    return this.#built.losses.all();
  }

  /** Nodes that this one has to hear before it speaks for all its partitions again. */
  waitsFor(): number[] {
    return [...this.parts.eligibility.waitsFor()];
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

  /** Deleted and expired values that are kept for now; the node's own records, which no client sees, are none of them. */
  deadRecordsOf({ recordCount, liveKeyCount }: EngineStatistics): number {
    const { engine } = this;
    const own = engine.countRecords(hintKeyspace) + engine.countRecords(vouchKeyspace);
    return recordCount - liveKeyCount - own;
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
   * Takes what is newer of these, at once. Data of dropped keyspaces is forgotten, data that this node has to get is fetched, data that
   * is not its own any more handed over. Resolves once the layouts are kept on disk.
   */
  offerLayouts(live: readonly LiveLayout[]): Promise<void> {
    return this.#built.layouts.learn(live, new Map());
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
      workers,
    } = this.#built;
    workers.close();
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
    for (const { keyspace, partition } of expired.forgottenIn()) repair.trees.onDoubt(keyspace, partition);
    const { stamp } = identity;
    if (stamp !== null) await saveTrees({ disk, log: parts.log }, repair.trees.all(), stamp);
  }
}
