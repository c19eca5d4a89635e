/**
 * The coordinator: the cluster as one key-value store, seen from one node. It routes, starts read and write operations
 * and walks, and keeps the figures; the rules themselves are in the operations and in the pure layer.
 */

import { CoterieError } from '../../base/errors.ts';
import { Histogram } from '../../base/histogram.ts';
import {
  addressOf,
  type KeyAddress,
  partitionCount,
  partitionOf,
  slotsPerPartition,
} from '../../base/token.ts';
import { hexId } from '../../base/words.ts';
import type { Layout } from '../../layout/layout.ts';
import type { Clock } from '../../ports/clock.ts';
import type { ContextSeal } from '../../ports/context-seal.ts';
import type {
  ClientEndpoint,
  KeyspaceView,
  KeyValueStore,
  LiveValue,
  Mutation,
  NodeId,
  Purpose,
  ReadOptions,
  ReadResult,
  ReplicaView,
  ScanPage,
  SlotRange,
  TogetherKey,
  TogetherOptions,
  TogetherValue,
  WriteOptions,
  WriteResult,
} from '../../ports/key-value-store.ts';
import type { PeerNetwork } from '../../ports/peer-network.ts';
import type { StorageEngine } from '../../ports/storage-engine.ts';
import { encodeBasis } from '../../versions/context-codec.ts';
import { decodeContext } from '../../versions/record-codec.ts';
import { calls } from '../../wire/peer/calls.ts';
import { call } from '../calls.ts';
import type { CoordinatorParts } from '../parts.ts';
import type { PeerService } from '../replica/peer-service.ts';
import type { KeyspaceState, MeetingOrder, Topology } from '../topology.ts';
import { KeyspaceWalk } from './keyspace-walk.ts';
import { latestExpiry, liveValuesOfRecord } from './live-values.ts';
import { meetsHere, movedOn, orderOf, type ReadsBy } from './meeting.ts';
import { OperationCounts } from './operation-counts.ts';
import { ReadOperation } from './read-operation.ts';
import { readReplicas, type SurveyParts } from './replica-survey.ts';
import { TogetherOperation, type TogetherResult } from './together-operation.ts';
import { layoutMoved, WriteOperation, type WriteParts } from './write-operation.ts';
import { WritesUnderWay } from './writes-under-way.ts';

/** Where clients reach each node; learned from the host, changes with every start. */
export type EndpointBook = (nodeId: NodeId) => Pick<ClientEndpoint, 'host' | 'port' | 'network'>;

type StoreParts = WriteParts & SurveyParts & Pick<CoordinatorParts, 'timers'>;

type Ended<R> = (error: CoterieError | null, result: R | null) => void;

/** How often one write begins again because the layouts changed before it was applied. */
const layoutMovesMax = 8;

export class CoordinatorStore implements KeyValueStore {
  readonly #parts: StoreParts;
  readonly #network: PeerNetwork;
  readonly #clock: Clock;
  readonly #service: PeerService;
  readonly #walk: KeyspaceWalk;
  readonly #endpointOf: EndpointBook;
  readonly #underWay: WritesUnderWay;
  readonly #readsBy: ReadsBy;
  readonly #knowsItself: () => boolean;
  readonly readLatency = new Histogram();
  readonly writeLatency = new Histogram();
  readonly operations = new OperationCounts();
  #topology: Topology;
  #views: readonly KeyspaceView[];

  constructor(
    components: {
      parts: StoreParts;
      engine: StorageEngine;
      service: PeerService;
      endpointOf: EndpointBook;
      readsBy: ReadsBy;
      /** Not yet, where this node has just started: it may have handed over what it thinks is its own to decide. */
      knowsItself: () => boolean;
      /** The last write that went by an older view of the layouts has ended. */
      onDrained: () => void;
    },
    topology: Topology,
  ) {
    this.#underWay = new WritesUnderWay(components.onDrained);
    this.#parts = components.parts;
    this.#network = components.parts.network;
    this.#clock = components.parts.clock;
    this.#service = components.service;
    this.#endpointOf = components.endpointOf;
    this.#readsBy = components.readsBy;
    this.#knowsItself = components.knowsItself;
    this.#topology = topology;
    this.#views = viewsOf(topology.layout);
    this.operations.follow(this.#views);
    this.#walk = new KeyspaceWalk(
      {
        engine: components.engine,
        requests: components.parts.requests,
        refusing: components.parts.refusing,
        clock: components.parts.clock,
        timers: components.parts.timers,
        keyspace: (id) => this.#keyspace(id),
        holderOf: (state, partition) => this.#holderOf(state, partition, 'read'),
        deleteKey: (keyspace, key, done) => this.#deleteKey(keyspace, key, done),
      },
      components.service,
    );
  }

  setTopology(topology: Topology): void {
    this.#topology = topology;
    this.#views = viewsOf(topology.layout);
    this.operations.follow(this.#views);
  }

  get self(): ClientEndpoint {
    return this.#endpoint(this.#topology.self.id);
  }

  keyspaces(): readonly KeyspaceView[] {
    return this.#views;
  }

  #keyspace(id: number): KeyspaceState {
    const state = this.#topology.keyspaces.get(id);
    if (state === undefined) throw keyspaceGone();
    return state;
  }

  coordinatorOf(address: KeyAddress, purpose: Purpose): NodeId | null {
    return this.#holderOf(this.#keyspace(address.keyspace), partitionOf(address.tokenHigh), purpose);
  }

  #holderOf(state: KeyspaceState, partition: number, purpose: Purpose): NodeId | null {
    const { selfId, eligibility } = this.#parts;
    const isReplica = state.readerIndex[partition] >= 0;
    const speaks = eligibility.speaksFor(state.settings.id, partition);
    const meets = purpose === 'read-modify-write';
    if (isReplica && speaks && this.#takes(selfId, purpose) && !meets) return null;
    const inOrder = meets ? this.#orderOf(state, partition).places[partition] : state.readers[partition];
    const there = inOrder.filter(({ nodeId }) => nodeId === selfId || this.#network.isUp(nodeId));
    const willing = there.filter(({ nodeId }) => this.#takes(nodeId, purpose));
    // One that lacks data comes last, unless all have to meet in one place; one that refuses is better than nobody: its reason
    // reaches the client.
    const found =
      willing.find(({ nodeId }) => meets || speaks || nodeId !== selfId) ?? willing[0] ?? there[0];
    if (found !== undefined) return found.nodeId === selfId ? null : found.nodeId;
    // A write at ANY may still be kept here, and a read be answered by fallbacks; whatever else will say why it cannot.
    if (state.settings.sloppy) return null;
    throw new CoterieError('unavailable', 'No replica of this key can be reached from this node.');
  }

  #orderOf(state: KeyspaceState, partition: number): MeetingOrder {
    return orderOf(state.orders, partition, this.#readsBy);
  }

  meetingOrder(address: KeyAddress): number {
    return this.#orderOf(this.#keyspace(address.keyspace), partitionOf(address.tokenHigh)).placed;
  }

  /** False for a write where the disk is known to be full or broken, and where the node is known to be starting. */
  #takes(nodeId: NodeId, purpose: Purpose): boolean {
    if (nodeId === this.#parts.selfId) return purpose === 'read' || this.writeRefusal === null;
    if (purpose === 'read') return !this.#parts.refusing.isStarting(nodeId);
    return !this.#parts.refusing.has(nodeId);
  }

  sizeOf(address: KeyAddress): number {
    return this.#parts.records.sizeOf(address);
  }

  forward(
    nodeId: NodeId,
    request: Buffer,
    done: (error: CoterieError | null, reply: Buffer | null) => void,
  ): void {
    this.#parts.counters.forwarded++;
    call(this.#parts.requests, nodeId, calls.forward, request, (error, reply) => {
      if (error !== null) this.#parts.refusing.note(nodeId, error);
      done(error, reply);
    });
  }

  onForwarded(
    handler: (request: Buffer, reply: (error: CoterieError | null, bytes: Buffer | null) => void) => void,
  ): void {
    this.#service.onCall(calls.forward, (_, payload, reply) => handler(payload, reply));
  }

  get writeRefusal(): CoterieError | null {
    return this.#parts.writer.refusal ?? this.#parts.records.refusal;
  }

  read(
    address: KeyAddress,
    options: ReadOptions,
    done: (error: CoterieError | null, result: ReadResult | null) => void,
  ): void {
    const startedMs = this.#clock.monotonicMs();
    const state = this.#topology.keyspaces.get(address.keyspace);
    if (state === undefined) {
      done(keyspaceGone(), null);
      return;
    }
    this.#parts.counters.reads++;
    const level = options.level ?? state.readLevel;
    const counts = this.operations.of(address.keyspace);
    new ReadOperation(this.#parts, state, address, level, (error, record) => {
      counts?.add('read', level, error);
      this.readLatency.recordMs(this.#clock.monotonicMs() - startedMs);
      if (error !== null) done(error, null);
      else {
        const result = new RecordResult(this.#parts, address, record);
        if (result.siblings.length > 1) this.#parts.counters.siblingReads++;
        done(null, result);
      }
    }).start();
  }

  write(
    address: KeyAddress,
    options: WriteOptions,
    decide: (siblings: readonly LiveValue[]) => Mutation,
    done: (error: CoterieError | null, result: WriteResult | null) => void,
  ): void {
    this.#write<WriteResult>(
      { address, options, meets: options.basis === 'quorum' },
      (state, end) => new WriteOperation(this.#parts, state, address, options, decide, end),
      done,
    );
  }

  writeTogether(
    keys: readonly TogetherKey[],
    options: TogetherOptions,
    decide: (values: readonly TogetherValue[]) => readonly Mutation[],
    done: (error: CoterieError | null, result: TogetherResult | null) => void,
  ): void {
    this.#write<TogetherResult>(
      { address: keys[0].address, options, meets: true },
      (state, end) => new TogetherOperation(this.#parts, state, keys, options, decide, end),
      done,
    );
  }

  #write<R>(
    { address, options, meets }: { address: KeyAddress; options: TogetherOptions; meets: boolean },
    operation: (state: KeyspaceState, end: Ended<R>) => { start(): void },
    done: Ended<R>,
  ): void {
    const startedMs = this.#clock.monotonicMs();
    const { keyspace } = address;
    const counts = this.operations.of(keyspace);
    let { order = 0 } = options;
    const attempt = (left: number): void => {
      const topology = this.#topology;
      const state = topology.keyspaces.get(keyspace);
      if (state === undefined) {
        done(keyspaceGone(), null);
        return;
      }
      if (meets) {
        const partition = partitionOf(address.tokenHigh);
        const own = this.#orderOf(state, partition);
        if (order === 0) order = own.placed;
        if (!this.#knowsItself() || !meetsHere(own, partition, this.#parts.selfId, order)) {
          done(movedOn, null);
          return;
        }
      }
      // One that is asked of another node is counted there.
      if (left === layoutMovesMax) this.#parts.counters.writes++;
      this.#underWay.begin(topology);
      operation(state, (error, result) => {
        this.#underWay.end(topology);
        if (error === layoutMoved && left > 0) {
          attempt(left - 1);
          return;
        }
        counts?.add('write', options.level ?? state.settings.writeLevel, error);
        this.writeLatency.recordMs(this.#clock.monotonicMs() - startedMs);
        done(error, result);
      }).start();
    };
    attempt(layoutMovesMax);
  }

  /** Whether no write goes by an older view of the layouts than this any more. `onDrained` of the constructor tells when that may be. */
  isDrained(topology: Topology): boolean {
    return this.#underWay.isOnly(topology);
  }

  #deleteKey(keyspace: number, key: Buffer, done: (error: CoterieError | null) => void): void {
    const address = addressOf(keyspace, key);
    const decide = (siblings: readonly LiveValue[]): Mutation =>
      siblings.length === 0 ? { kind: 'none' } : { kind: 'delete' };
    this.write(address, { basis: 'held' }, decide, (error) => done(error));
  }

  replicas(
    address: KeyAddress,
    done: (error: CoterieError | null, replicas: readonly ReplicaView[] | null) => void,
  ): void {
    try {
      readReplicas(this.#parts, this.#topology, this.#keyspace(address.keyspace), address, done);
    } catch (error) {
      done(error as CoterieError, null);
    }
  }

  scan(
    keyspace: number,
    fromPosition: number,
    countMax: number,
    done: (error: CoterieError | null, page: ScanPage | null) => void,
  ): void {
    this.#walk.scan(keyspace, fromPosition, countMax, done);
  }

  count(
    keyspace: number,
    slot: number | null,
    done: (error: CoterieError | null, count: number | null) => void,
  ): void {
    this.#walk.count(keyspace, slot, done);
  }

  flush(keyspace: number, done: (error: CoterieError | null) => void): void {
    this.#walk.flush(keyspace, done);
  }

  slots(keyspace: number): readonly SlotRange[] {
    const state = this.#keyspace(keyspace);
    const ranges: { firstSlot: number; lastSlot: number; nodes: ClientEndpoint[] }[] = [];
    const endpoints = new Map(this.endpoints().map((endpoint) => [endpoint.nodeId, endpoint]));
    let previous = '';
    for (let partition = 0; partition < partitionCount; partition++) {
      // A client keeps to the first node: it should be one that answers.
      const nodes = state.readers[partition]
        .map((replica) => endpoints.get(replica.nodeId)!)
        .sort((a, b) => Number(b.up) - Number(a.up));
      const name = nodes.map((node) => node.nodeId).join();
      const lastSlot = (partition + 1) * slotsPerPartition - 1;
      if (name === previous) ranges[ranges.length - 1].lastSlot = lastSlot;
      else ranges.push({ firstSlot: partition * slotsPerPartition, lastSlot, nodes });
      previous = name;
    }
    return ranges;
  }

  endpoints(): readonly ClientEndpoint[] {
    return [...this.#topology.nodes.keys()].map((id) => this.#endpoint(id));
  }

  #endpoint(nodeId: NodeId): ClientEndpoint {
    const node = this.#topology.nodes.get(nodeId)!;
    const up = nodeId === this.#parts.selfId || this.#network.isUp(nodeId);
    return { nodeId, name: node.name, dataCenter: node.dataCenter, up, ...this.#endpointOf(nodeId) };
  }

  information(): Readonly<Record<string, Readonly<Record<string, string | number>>>> {
    const { layout, self, peers } = this.#topology;
    return {
      coterie: {
        cluster_name: layout.clusterName,
        cluster_id: layout.clusterId,
        node_name: self.name,
        node_id: hexId(self.id),
        data_center: self.dataCenter,
        layout_version: layout.version,
        peers_up: peers.filter((peer) => this.#network.isUp(peer.id)).length,
        peers_total: peers.length,
        requests_in_flight: this.#parts.requests.pendingCount,
        ...this.#parts.counters,
      },
    };
  }
}

/** A read's answer; the context is worked out only when somebody asks for it. */
class RecordResult implements ReadResult {
  readonly siblings: readonly LiveValue[];
  readonly #address: KeyAddress;
  readonly #record: Buffer | null;
  readonly #seal: ContextSeal;

  constructor(
    { clock, seal }: Pick<StoreParts, 'clock' | 'seal'>,
    address: KeyAddress,
    record: Buffer | null,
  ) {
    this.#address = address;
    this.#record = record;
    this.#seal = seal;
    this.siblings = liveValuesOfRecord(record, clock.nowMs());
  }

  expiredAtMs(): number {
    return this.#record === null || this.siblings.length > 0 ? 0 : latestExpiry(this.#record);
  }

  context(): string {
    if (this.#record === null) return '';
    return encodeBasis({ context: decodeContext(this.#record), dots: [] }, this.#address, this.#seal);
  }
}

function keyspaceGone(): CoterieError {
  return new CoterieError('not-found', 'The keyspace is not there any more.');
}

function viewsOf(layout: Layout): readonly KeyspaceView[] {
  return layout.keyspaces;
}
