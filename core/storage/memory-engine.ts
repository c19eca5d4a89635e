/** The StorageEngine port in memory: the model that the log engine is tested against, and an engine for quick tests. */
import { CoterieError } from '../base/errors.ts';
import type { Durability } from '../base/levels.ts';
import { type KeyAddress, partitionOf, positionOf } from '../base/token.ts';
import type { Clock, Timers } from '../ports/clock.ts';
import type {
  EngineRecovery,
  EngineStatistics,
  Put,
  RecordFacts,
  ScanRequest,
  ScanResult,
  StorageEngine,
} from '../ports/storage-engine.ts';
import { putBytesMax, tooLarge } from './record-format.ts';

interface Item {
  readonly address: KeyAddress;
  readonly value: Buffer;
  readonly facts: RecordFacts;
}

function nameOf({ keyspace, key }: KeyAddress): string {
  return `${keyspace}:${key.toString('latin1')}`;
}

export class MemoryEngine implements StorageEngine {
  readonly recovery: EngineRecovery = { clean: true, tornBytes: 0, quarantinedSegments: [], recordCount: 0 };
  readonly #clock: Clock;
  readonly #timers: Timers;
  readonly #items = new Map<string, Item>();
  readonly #putBytesMax: number;
  #closed = false;

  constructor(components: { clock: Clock; timers: Timers }, settings: { putBytesMax?: number } = {}) {
    this.#clock = components.clock;
    this.#timers = components.timers;
    this.#putBytesMax = settings.putBytesMax ?? putBytesMax;
  }

  get refusal(): CoterieError | null {
    return this.#closed ? new CoterieError('not-ready', 'The node is stopping.') : null;
  }

  /** Memory does not rot, as far as anybody here can tell. */
  onDamaged(): void {}

  get(address: KeyAddress, done: (error: CoterieError | null, value: Buffer | null) => void): void {
    done(null, this.#items.get(nameOf(address))?.value ?? null);
  }

  sizeOf(address: KeyAddress): number {
    return this.#items.get(nameOf(address))?.value.length ?? 0;
  }

  put(
    address: KeyAddress,
    value: Buffer,
    facts: RecordFacts,
    _durability: Durability,
    done: (error: CoterieError | null) => void,
  ): CoterieError | null {
    return this.putAll([{ address, value, facts }], _durability, done);
  }

  putAll(
    puts: readonly Put[],
    _durability: Durability,
    done: (error: CoterieError | null) => void,
  ): CoterieError | null {
    if (this.#closed) return this.refusal;
    for (const { address, value } of puts) {
      const bytes = address.key.length + value.length;
      if (bytes > this.#putBytesMax) return tooLarge(bytes, this.#putBytesMax);
    }
    for (const put of puts) this.#put(put);
    this.#timers.atTurnEnd(() => done(null));
    return null;
  }

  #put({ address, value, facts }: Put): void {
    const { keyspace, tokenHigh, tokenLow, key } = address;
    const kept = { keyspace, tokenHigh, tokenLow, key: Buffer.from(key) };
    this.#items.set(nameOf(address), { address: kept, value: Buffer.from(value), facts });
  }

  remove(address: KeyAddress, done: (error: CoterieError | null) => void): CoterieError | null {
    if (this.#closed) return this.refusal;
    this.#items.delete(nameOf(address));
    this.#timers.atTurnEnd(() => done(null));
    return null;
  }

  forget(address: KeyAddress): void {
    this.#items.delete(nameOf(address));
  }

  scan(request: ScanRequest, done: (error: CoterieError | null, result: ScanResult | null) => void): void {
    const found = this.#within(request.keyspace, request.partition)
      .map((item) => ({ item, position: positionOf(item.address.tokenHigh, item.address.tokenLow) }))
      .filter(({ item, position }) => {
        const isWanted = request.deadOnly !== 'expired' || !item.facts.tombstone;
        return position >= request.fromPosition && isWanted && !(request.deadOnly && this.#isLive(item));
      })
      .sort((a, b) => a.position - b.position);
    const { countMax, bytesMax = Number.POSITIVE_INFINITY } = request;
    const sizeOf = ({ item }: (typeof found)[number]) => item.address.key.length + item.value.length;
    let end = 0;
    let bytes = 0;
    // Records of one position come together or not at all.
    for (let next = 0; end < found.length && end < countMax; end = next) {
      const { position } = found[end];
      for (; next < found.length && found[next].position === position; next++) bytes += sizeOf(found[next]);
      if (end > 0 && bytes > bytesMax) break;
    }
    done(null, {
      records: found.slice(0, end).map(({ item }) => ({ ...item.address, value: item.value })),
      nextPosition: end < found.length ? found[end].position : null,
    });
  }

  #within(keyspace: number, partition: number): Item[] {
    return [...this.#items.values()].filter(
      ({ address }) => address.keyspace === keyspace && partitionOf(address.tokenHigh) === partition,
    );
  }

  #isLive({ facts }: Item): boolean {
    return !facts.tombstone && (facts.expiresAtMs === 0 || facts.expiresAtMs > this.#clock.nowMs());
  }

  countLive(keyspace: number, partition: number): number {
    return this.#within(keyspace, partition).filter((item) => this.#isLive(item)).length;
  }

  countRecords(keyspace: number): number {
    return [...this.#items.values()].filter((item) => item.address.keyspace === keyspace).length;
  }

  statistics(): EngineStatistics {
    const items = [...this.#items.values()];
    const hotBytes = items.reduce((sum, item) => sum + item.value.length, 0);
    return {
      liveKeyCount: items.filter((item) => this.#isLive(item)).length,
      recordCount: items.length,
      indexBytes: 0,
      hotBytes,
      hotBytesMax: Number.MAX_SAFE_INTEGER,
      hotHits: 0,
      hotMisses: 0,
      segmentCount: 0,
      warmDiskBytes: 0,
      coldDiskBytes: 0,
      coldRawBytes: 0,
      deadBytes: 0,
      pendingBytes: 0,
      syncCount: 0,
      compactionCount: 0,
      quarantinedSegmentCount: 0,
    };
  }

  dropKeyspace(keyspace: number, done: (error: CoterieError | null) => void): CoterieError | null {
    return this.#dropWhere((address) => address.keyspace === keyspace, done);
  }

  dropPartition(
    keyspace: number,
    partition: number,
    done: (error: CoterieError | null) => void,
  ): CoterieError | null {
    const isGone = (address: KeyAddress) =>
      address.keyspace === keyspace && partitionOf(address.tokenHigh) === partition;
    return this.#dropWhere(isGone, done);
  }

  #dropWhere(
    isGone: (address: KeyAddress) => boolean,
    done: (error: CoterieError | null) => void,
  ): CoterieError | null {
    if (this.#closed) return this.refusal;
    for (const [name, item] of this.#items) if (isGone(item.address)) this.#items.delete(name);
    this.#timers.atTurnEnd(() => done(null));
    return null;
  }

  async settle(): Promise<void> {}

  async close(): Promise<void> {
    this.#closed = true;
  }
}
