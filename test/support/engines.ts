/** Engines for tests, and promises in place of callbacks. */
import type { CoterieError } from '../../core/base/errors.ts';
import type { Durability } from '../../core/base/levels.ts';
import { addressOf } from '../../core/base/token.ts';
import { silentLog } from '../../core/ports/log.ts';
import type { ScanRequest, ScanResult, StorageEngine } from '../../core/ports/storage-engine.ts';
import { type LogEngineSettings, openLogEngine } from '../../core/storage/log-engine.ts';
import { SeededRandom } from './seeded-random.ts';
import { SimulatedDisk } from './simulated-disk.ts';
import { VirtualTime } from './virtual-time.ts';

export const noFacts = { tombstone: false, expiresAtMs: 0 };

/** A change as a promise: rejects when it is refused and when it fails. */
export function changed(
  change: (done: (error: CoterieError | null) => void) => CoterieError | null,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const done = (error: CoterieError | null) => (error === null ? resolve() : reject(error));
    const refusal = change(done);
    if (refusal !== null) reject(refusal);
  });
}

export function put(
  engine: StorageEngine,
  key: string,
  value: string | Buffer,
  options: { keyspace?: number; durability?: Durability; tombstone?: boolean; expiresAtMs?: number } = {},
): Promise<void> {
  const { keyspace = 0, durability = 'always', tombstone = false, expiresAtMs = 0 } = options;
  const facts = { tombstone, expiresAtMs };
  const address = addressOf(keyspace, Buffer.from(key));
  return changed((done) => engine.put(address, Buffer.from(value), facts, durability, done));
}

/** Several keys and their values as one change. */
export function putAll(
  engine: StorageEngine,
  values: Readonly<Record<string, string | Buffer>>,
  { durability = 'always' }: { durability?: Durability } = {},
): Promise<void> {
  const puts = Object.entries(values).map(([key, value]) => ({
    address: addressOf(0, Buffer.from(key)),
    value: Buffer.from(value),
    facts: noFacts,
  }));
  return changed((done) => engine.putAll(puts, durability, done));
}

export function get(engine: StorageEngine, key: string, keyspace = 0): Promise<string | null> {
  return new Promise((resolve, reject) => {
    engine.get(addressOf(keyspace, Buffer.from(key)), (error: CoterieError | null, value) =>
      error === null ? resolve(value === null ? null : value.toString()) : reject(error),
    );
  });
}

export function remove(engine: StorageEngine, key: string, keyspace = 0): Promise<void> {
  return changed((done) => engine.remove(addressOf(keyspace, Buffer.from(key)), done));
}

export function drop(engine: StorageEngine, keyspace: number): Promise<void> {
  return changed((done) => engine.dropKeyspace(keyspace, done));
}

export function dropPartition(engine: StorageEngine, keyspace: number, partition: number): Promise<void> {
  return changed((done) => engine.dropPartition(keyspace, partition, done));
}

export function scan(
  engine: StorageEngine,
  request: Omit<ScanRequest, 'keyspace'> & { keyspace?: number },
): Promise<ScanResult> {
  return new Promise((resolve, reject) => {
    engine.scan({ keyspace: 0, ...request }, (error, result) =>
      error === null ? resolve(result!) : reject(error),
    );
  });
}

/** A log engine over a simulated disk, with the time that moves it. */
export class Bench {
  readonly time = new VirtualTime();
  readonly disk: SimulatedDisk;
  readonly settings: LogEngineSettings;

  constructor(settings: Partial<LogEngineSettings> = {}, seed = 1) {
    this.disk = new SimulatedDisk({ timers: this.time, random: new SeededRandom(seed) });
    this.settings = { folder: 'data', hotBytesMax: 1024 * 1024, ...settings };
  }

  open(disk: SimulatedDisk = this.disk): Promise<StorageEngine> {
    const { time } = this;
    const components = { disk: disk.forProcess(), clock: time, timers: time, log: silentLog };
    return time.until(openLogEngine(components, this.settings));
  }

  run<T>(promise: Promise<T>): Promise<T> {
    return this.time.until(promise);
  }
}
