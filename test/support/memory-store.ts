/**
 * A KeyValueStore over a Map in one process, so that commands can be tested without a cluster. It keeps siblings with a
 * one-actor version: each write of a key gets the next number, a context `v<number>` covers all up to it. Several stores
 * that share `MemoryData` and name each other as `peers` stand for the nodes of a cluster.
 */
import { setImmediate } from 'node:timers';
import { CoterieError, toCoterieError } from '../../core/base/errors.ts';
import { type KeyAddress, positionOf, slotOfToken } from '../../core/base/token.ts';
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
} from '../../core/ports/key-value-store.ts';

interface Version extends LiveValue {
  readonly number: number;
}

interface KeyRecord {
  readonly address: KeyAddress;
  readonly position: number;
  /** Highest number given so far; deletes count. */
  lastNumber: number;
  /** Newest first. */
  versions: Version[];
}

export class MemoryData {
  readonly records = new Map<string, KeyRecord>();
  /** All records in ring order; null while out of date. */
  sorted: KeyRecord[] | null = null;
}

export interface MemoryStoreSettings {
  readonly keyspaces?: readonly KeyspaceView[];
  readonly self?: ClientEndpoint;
  readonly data?: MemoryData;
  readonly nowMs?: () => number;
  /** Answers come in a later turn instead of within the call. */
  readonly late?: boolean;
  readonly acknowledgedCount?: number;
}

export function keyspaceView(database: number, more: Partial<KeyspaceView> = {}): KeyspaceView {
  return {
    id: database + 1,
    name: `keyspace-${database}`,
    database,
    readLevel: 'QUORUM',
    writeLevel: 'QUORUM',
    conflicts: 'last-write-wins',
    defaultTimeToLiveMs: 0,
    ...more,
  };
}

export class MemoryStore implements KeyValueStore {
  self: ClientEndpoint;
  readonly data: MemoryData;
  /** Other nodes of the pretended cluster, by id. */
  readonly peers = new Map<NodeId, MemoryStore>();
  /** Tests set this to send commands elsewhere or to fail. */
  coordinator: (address: KeyAddress, purpose: Purpose) => NodeId | null = () => null;
  writeRefusal: CoterieError | null = null;
  /** Set: every read and write fails with it. */
  failure: CoterieError | null = null;
  keyspaceList: readonly KeyspaceView[];
  readonly forwardedKeys: string[] = [];
  readonly lastReadOptions: ReadOptions[] = [];
  acknowledgedCount: number;
  private readonly nowMs: () => number;
  private readonly late: boolean;
  private handler: Parameters<KeyValueStore['onForwarded']>[0] | null = null;

  constructor(settings: MemoryStoreSettings = {}) {
    this.keyspaceList =
      settings.keyspaces ?? Array.from({ length: 16 }, (_, database) => keyspaceView(database));
    this.self = settings.self ?? {
      nodeId: 0x0a0b0c0d,
      name: 'node-1',
      host: '127.0.0.1',
      port: 0,
      dataCenter: 'here',
      up: true,
      network: null,
    };
    this.data = settings.data ?? new MemoryData();
    this.nowMs = settings.nowMs ?? (() => Date.now());
    this.late = settings.late ?? false;
    this.acknowledgedCount = settings.acknowledgedCount ?? 1;
  }

  keyspaces(): readonly KeyspaceView[] {
    return this.keyspaceList;
  }

  meetingOrder(): number {
    return 1;
  }

  coordinatorOf(address: KeyAddress, purpose: Purpose): NodeId | null {
    const target = this.coordinator(address, purpose);
    return target === this.self.nodeId ? null : target;
  }

  sizeOf(address: KeyAddress): number {
    const versions = this.data.records.get(nameOf(address))?.versions ?? [];
    return versions.reduce((sum, { value }) => sum + value.length, 0);
  }

  forward(
    nodeId: NodeId,
    request: Buffer,
    done: (error: CoterieError | null, reply: Buffer | null) => void,
  ): void {
    const peer = this.peers.get(nodeId);
    if (peer?.handler == null) {
      done(new CoterieError('unavailable', 'the node that holds this key cannot be reached'), null);
      return;
    }
    peer.forwardedKeys.push(request.toString('latin1'));
    // Over the network the bytes would be other bytes.
    const copy = Buffer.from(request);
    setImmediate(() => peer.handler!(copy, (error, bytes) => setImmediate(() => done(error, bytes))));
  }

  onForwarded(handler: Parameters<KeyValueStore['onForwarded']>[0]): void {
    this.handler = handler;
  }

  read(
    address: KeyAddress,
    options: ReadOptions,
    done: (error: CoterieError | null, result: ReadResult | null) => void,
  ): void {
    if (options.level !== undefined) this.lastReadOptions.push(options);
    this.answer(() => {
      if (this.failure !== null) {
        done(this.failure, null);
        return;
      }
      const missing = this.missing(address.keyspace);
      if (missing !== null) {
        done(missing, null);
        return;
      }
      const record = this.data.records.get(nameOf(address));
      const siblings = record === undefined ? [] : this.live(record);
      const context = contextOf(record);
      const expiredAtMs = () =>
        siblings.length > 0
          ? 0
          : Math.max(0, ...(record?.versions ?? []).map((version) => version.expiresAtMs));
      done(null, { siblings, context: () => context, expiredAtMs });
    });
  }

  write(
    address: KeyAddress,
    options: WriteOptions,
    decide: (siblings: readonly LiveValue[]) => Mutation,
    done: (error: CoterieError | null, result: WriteResult | null) => void,
  ): void {
    this.answer(() => {
      let result: WriteResult;
      try {
        const failure = this.failure ?? this.missing(address.keyspace);
        if (failure !== null) throw failure;
        result = this.apply(address, options, decide);
      } catch (cause) {
        done(toCoterieError(cause, 'bad-input'), null);
        return;
      }
      done(null, result);
    });
  }

  writeTogether(
    keys: readonly TogetherKey[],
    _options: TogetherOptions,
    decide: (values: readonly TogetherValue[]) => readonly Mutation[],
    done: (
      error: CoterieError | null,
      result: Pick<WriteResult, 'written' | 'acknowledgedCount'> | null,
    ) => void,
  ): void {
    this.answer(() => {
      let written = false;
      try {
        const failure = this.failure ?? this.missing(keys[0].address.keyspace);
        if (failure !== null) throw failure;
        const records = keys.map(({ address }) => this.data.records.get(nameOf(address)));
        const mutations = decide(
          keys.map(({ onlyIf }, index) => ({
            siblings: records[index] === undefined ? [] : this.live(records[index]),
            isAsExpected: onlyIf === undefined || onlyIf === contextOf(records[index]),
          })),
        );
        for (const [index, { address, onlyIf }] of keys.entries()) {
          const result = this.apply(address, { basis: 'quorum', onlyIf }, () => mutations[index]);
          written ||= result.written;
        }
      } catch (cause) {
        done(toCoterieError(cause, 'bad-input'), null);
        return;
      }
      done(null, { written, acknowledgedCount: this.acknowledgedCount });
    });
  }

  private apply(
    address: KeyAddress,
    options: WriteOptions,
    decide: (siblings: readonly LiveValue[]) => Mutation,
  ): WriteResult {
    const name = nameOf(address);
    let record = this.data.records.get(name);
    const wanted = decide(record === undefined ? [] : this.live(record));
    const isAsExpected = options.onlyIf === undefined || options.onlyIf === contextOf(record);
    const mutation: Mutation = isAsExpected ? wanted : { kind: 'none' };
    if (mutation.kind !== 'none') {
      if (record === undefined) {
        const key = Buffer.from(address.key);
        const position = positionOf(address.tokenHigh, address.tokenLow);
        record = { address: { ...address, key }, position, lastNumber: 0, versions: [] };
        this.data.records.set(name, record);
        this.data.sorted = null;
      }
      this.supersede(record, address, options);
      record.lastNumber += 1;
      if (mutation.kind === 'put') {
        const { lastNumber: number } = record;
        const value = Buffer.from(mutation.value);
        record.versions.unshift({ value, expiresAtMs: mutation.expiresAtMs, timestamp: number, number });
      }
    }
    const context = contextOf(record);
    return {
      written: mutation.kind !== 'none',
      acknowledgedCount: this.acknowledgedCount,
      context: () => context,
    };
  }

  private supersede(record: KeyRecord, address: KeyAddress, options: WriteOptions): void {
    const { conflicts } = this.keyspaceList.find((keyspace) => keyspace.id === address.keyspace)!;
    if (typeof options.basis === 'string' || conflicts === 'last-write-wins') {
      record.versions = [];
      return;
    }
    const covered = options.basis.context === '' ? 0 : Number(options.basis.context.slice(1));
    record.versions = record.versions.filter((version) => version.number > covered);
  }

  replicas(
    address: KeyAddress,
    done: (error: CoterieError | null, replicas: readonly ReplicaView[] | null) => void,
  ): void {
    const missing = this.missing(address.keyspace);
    if (missing !== null) {
      done(missing, null);
      return;
    }
    const record = this.data.records.get(nameOf(address));
    const siblings = record === undefined ? [] : this.live(record);
    done(null, [
      {
        nodeId: this.self.nodeId,
        nodeName: this.self.name,
        dataCenter: this.self.dataCenter,
        state: record === undefined ? 'absent' : 'holds',
        siblings,
        tombstone: record !== undefined && siblings.length === 0,
        context: contextOf(record),
        relation: 'equal',
      },
    ]);
  }

  scan(
    keyspace: number,
    fromPosition: number,
    countMax: number,
    done: (error: CoterieError | null, page: ScanPage | null) => void,
  ): void {
    this.answer(() => {
      const failure = this.failure ?? this.missing(keyspace);
      if (failure !== null) {
        done(failure, null);
        return;
      }
      const sorted = this.sortedRecords();
      const keys: Buffer[] = [];
      let index = firstAtOrAfter(sorted, fromPosition);
      let last = -1;
      for (; index < sorted.length; index++) {
        const record = sorted[index];
        if (record.address.keyspace !== keyspace || this.live(record).length === 0) continue;
        if (keys.length >= countMax && record.position !== last) break;
        keys.push(record.address.key);
        last = record.position;
      }
      done(null, { keys, nextPosition: index < sorted.length ? sorted[index].position : null });
    });
  }

  count(
    keyspace: number,
    slot: number | null,
    done: (error: CoterieError | null, count: number | null) => void,
  ): void {
    let count = 0;
    for (const record of this.data.records.values()) {
      const { address } = record;
      if (address.keyspace !== keyspace || this.live(record).length === 0) continue;
      if (slot === null || slotOfToken(address.tokenHigh) === slot) count += 1;
    }
    const failure = this.failure ?? this.missing(keyspace);
    done(failure, failure === null ? count : null);
  }

  flush(keyspace: number, done: (error: CoterieError | null) => void): void {
    for (const record of this.data.records.values()) {
      if (record.address.keyspace === keyspace) record.versions = [];
    }
    done(this.failure ?? this.missing(keyspace));
  }

  slots(_keyspace: number): readonly SlotRange[] {
    const nodes = this.endpoints();
    const share = 16_384 / nodes.length;
    return nodes.map((node, index) => ({
      firstSlot: Math.floor(index * share),
      lastSlot: Math.floor((index + 1) * share) - 1,
      nodes: [node, ...nodes.filter((other) => other !== node)],
    }));
  }

  endpoints(): readonly ClientEndpoint[] {
    return [this.self, ...[...this.peers.values()].map((peer) => peer.self)].sort(
      (a, b) => a.nodeId - b.nodeId,
    );
  }

  information(): Readonly<Record<string, Readonly<Record<string, string | number>>>> {
    return { Memory: { used_memory: 0 }, Coterie: { node: this.self.name } };
  }

  private missing(keyspace: number): CoterieError | null {
    if (this.keyspaceList.some(({ id }) => id === keyspace)) return null;
    return new CoterieError('not-found', 'The keyspace is not there any more.');
  }

  private answer(action: () => void): void {
    if (this.late) setImmediate(action);
    else action();
  }

  private live(record: KeyRecord): readonly Version[] {
    const { versions } = record;
    if (versions.length === 0 || versions.every((version) => version.expiresAtMs === 0)) return versions;
    const nowMs = this.nowMs();
    return versions.filter((version) => version.expiresAtMs === 0 || version.expiresAtMs > nowMs);
  }

  private sortedRecords(): KeyRecord[] {
    this.data.sorted ??= [...this.data.records.values()].sort(
      (a, b) => a.position - b.position || a.address.keyspace - b.address.keyspace,
    );
    return this.data.sorted;
  }
}

function nameOf(address: KeyAddress): string {
  return `${address.keyspace}:${address.key.toString('latin1')}`;
}

function contextOf(record: KeyRecord | undefined): string {
  return record === undefined ? '' : `v${record.lastNumber}`;
}

function firstAtOrAfter(sorted: readonly KeyRecord[], position: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (sorted[middle].position < position) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The slot range of a node in `slots`, for a coordinator that follows the ring shown to clients. */
export function ringCoordinator(store: MemoryStore): (address: KeyAddress) => NodeId | null {
  return (address) => {
    const slot = slotOfToken(address.tokenHigh);
    const range = store
      .slots(address.keyspace)
      .find(({ firstSlot, lastSlot }) => slot >= firstSlot && slot <= lastSlot);
    return range?.nodes[0].nodeId ?? null;
  };
}
