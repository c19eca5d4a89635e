/**
 * This node's own copy of the data: reads records, and changes them one at a time per key. Every change, a client's
 * write coordinated here or a record that another replica sent, is one read-transform-put, so none can overwrite what
 * another just wrote. It never talks to other nodes.
 *
 * A change is refused, or applied and later durable or failed, as the storage engine decides (ports/storage-engine.ts). This
 * is the one place where that is passed on: whoever sends a record to others does so in `onApplied`, and a change that was
 * refused never gets there. (raft's Ready has the same shape: nothing can be sent that was not accepted.)
 */
import { type CoterieError, toCoterieError } from '../../base/errors.ts';
import type { Durability } from '../../base/levels.ts';
import { type KeyAddress, partitionOf } from '../../base/token.ts';
import type { RecordObserver } from '../../ports/local-replica.ts';
import type { StorageEngine } from '../../ports/storage-engine.ts';
import { type Change, type ChangeHandler, joined, type TogetherHandler } from './changes.ts';
import { KeyLocks, type Lock } from './key-locks.ts';
import { isIn, type PartitionWatch, PartitionWatches } from './partition-watches.ts';

export class LocalRecords {
  readonly #engine: StorageEngine;
  readonly #locks = new KeyLocks();
  #observer: RecordObserver | null = null;
  readonly watches = new PartitionWatches();
  #onLost: (address: KeyAddress) => void = () => {};
  /** Changes applied since the start: tells whether anything was written between two looks. */
  changeCount = 0;

  constructor(engine: StorageEngine) {
    this.#engine = engine;
  }

  /** Why a change would be refused now; null when it would be taken. */
  get refusal(): CoterieError | null {
    return this.#engine.refusal;
  }

  /** Told of every change from now on. */
  observe(observer: RecordObserver): void {
    this.#observer = observer;
  }

  /** The handler hears of each key whose record is there but damaged, as often as somebody wants it. */
  onLost(handler: (address: KeyAddress) => void): void {
    this.#onLost = handler;
  }

  /** Forgets a record that cannot be read any more, so that another replica's copy can take its place. */
  discard(address: KeyAddress, done: (error: CoterieError | null) => void): void {
    const refusal = this.#engine.remove(address, done);
    if (refusal === null) this.#observer?.onDoubt(address.keyspace, partitionOf(address.tokenHigh));
    else done(refusal);
  }

  read(address: KeyAddress, done: (error: CoterieError | null, record: Buffer | null) => void): void {
    this.#engine.get(address, (error, record) => {
      if (error?.code === 'corrupt') this.#onLost(address);
      done(error, record);
    });
  }

  /** About the bytes of the record, without reading it. */
  sizeOf(address: KeyAddress): number {
    return this.#engine.sizeOf(address);
  }

  /** As `read`, awaited: for work in the background. */
  get(address: KeyAddress): Promise<Buffer | null> {
    return new Promise((resolve, reject) => {
      this.read(address, (error, record) => (error === null ? resolve(record) : reject(error)));
    });
  }

  change(address: KeyAddress, durability: Durability, handler: ChangeHandler): void {
    // Locks exist only while some change waits for the disk: in the common, hot case this is one size check.
    const lock = this.#locks.of(address);
    if (lock !== undefined) {
      if (lock.refusal !== null) handler.onRefused(lock.refusal);
      else lock.wait((held) => this.#run(address, durability, handler, held));
      return;
    }
    this.#run(address, durability, handler, null);
  }

  /** Whether the change was made within the call; otherwise the key is locked, and those that wait for it follow by themselves. */
  #run(address: KeyAddress, durability: Durability, handler: ChangeHandler, held: Lock | null): boolean {
    let answered = false;
    let lock: Lock | null = null;
    this.#engine.get(address, (error, current) => {
      answered = true;
      try {
        if (error !== null) {
          if (error.code === 'corrupt') this.#onLost(address);
          handler.onRefused(error);
        } else this.#apply(address, durability, handler, current);
      } finally {
        if (lock !== null) this.#locks.free(lock);
      }
    });
    if (answered) return true;
    lock = held ?? this.#locks.take(address);
    return false;
  }

  /**
   * Changes several different keys at one moment: no change of any of them comes between. `handler` is told of all of them at
   * once, and they go to disk as one (ports/storage-engine.ts, `putAll`).
   */
  changeTogether(addresses: readonly KeyAddress[], durability: Durability, handler: TogetherHandler): void {
    this.#locks.holdAll(addresses, (refusal, free) => {
      if (refusal !== null) {
        handler.onRefused(refusal);
        return;
      }
      this.#readTogether(addresses, (error, current) => {
        try {
          if (error !== null) handler.onRefused(error);
          else this.#applyTogether(addresses, durability, handler, current);
        } finally {
          free();
        }
      });
    });
  }

  #readTogether(
    addresses: readonly KeyAddress[],
    done: (error: CoterieError | null, records: (Buffer | null)[]) => void,
  ): void {
    const records: (Buffer | null)[] = new Array(addresses.length).fill(null);
    let left = addresses.length;
    let failure: CoterieError | null = null;
    for (const [index, address] of addresses.entries()) {
      this.read(address, (error, record) => {
        failure ??= error;
        records[index] = record;
        if (--left === 0) done(failure, records);
      });
    }
  }

  #applyTogether(
    addresses: readonly KeyAddress[],
    durability: Durability,
    handler: TogetherHandler,
    current: readonly (Buffer | null)[],
  ): void {
    let changes: readonly (Change | null)[];
    try {
      changes = handler.transform(current);
    } catch (cause) {
      handler.onRefused(toCoterieError(cause, 'corrupt'));
      return;
    }
    const changed = addresses.flatMap((address, index) => {
      const change = changes[index];
      return change === null ? [] : [{ address, index, value: change.record, facts: change.summary }];
    });
    const after = current.map((record, index) => changes[index]?.record ?? record);
    const isChanged = changes.map((change) => change !== null);
    if (changed.length === 0) {
      handler.onApplied(after, isChanged);
      return;
    }
    const refusal = this.#engine.putAll(changed, durability, (error) => {
      if (error === null) {
        handler.onDurable();
        return;
      }
      for (const { address } of changed) {
        this.#observer?.onDoubt(address.keyspace, partitionOf(address.tokenHigh));
      }
      handler.onFailed(error);
    });
    if (refusal !== null) {
      handler.onRefused(refusal);
      return;
    }
    for (const { address, index, value } of changed) {
      this.changeCount++;
      this.watches.note(address);
      this.#observer?.onChange(address, current[index], value);
    }
    handler.onApplied(after, isChanged);
  }

  #apply(address: KeyAddress, durability: Durability, handler: ChangeHandler, current: Buffer | null): void {
    let change: Change | 'remove' | 'forget' | null;
    try {
      change = handler.transform(current);
    } catch (cause) {
      handler.onRefused(toCoterieError(cause, 'corrupt'));
      return;
    }
    if (change === null) {
      handler.onApplied(current, false);
      return;
    }
    if (change === 'forget') {
      this.#engine.forget(address);
      this.watches.note(address);
      this.#observer?.onChange(address, current, null);
      handler.onApplied(null, true);
      handler.onDurable();
      return;
    }
    const written = (error: CoterieError | null) => {
      if (error === null) handler.onDurable();
      else {
        this.#observer?.onDoubt(address.keyspace, partitionOf(address.tokenHigh));
        handler.onFailed(error);
      }
    };
    const after = change === 'remove' ? null : change.record;
    const refusal =
      change === 'remove'
        ? this.#engine.remove(address, written)
        : this.#engine.put(address, change.record, change.summary, durability, written);
    if (refusal !== null) {
      handler.onRefused(refusal);
      return;
    }
    this.changeCount++;
    this.watches.note(address);
    this.#observer?.onChange(address, current, after);
    handler.onApplied(after, true);
  }

  /**
   * Forgets everything that a partition holds, provided that nothing has changed there since the watch began and no change is
   * under way. Resolves with whether it did, once that is durable; rejects when nobody knows.
   */
  dropUnchanged({ keyspace, partition, isChanged }: PartitionWatch): Promise<boolean> {
    const isUnderWay = this.#locks.held().some((address) => isIn(address, keyspace, partition));
    if (isChanged || isUnderWay) return Promise.resolve(false);
    return new Promise((resolve, reject) => {
      const done = (error: CoterieError | null) => (error === null ? resolve(true) : reject(error));
      if (this.#engine.dropPartition(keyspace, partition, done) !== null) resolve(false);
      else this.#observer?.onDoubt(keyspace, partition);
    });
  }

  /** Forgets a record if it is still the expected one; `removed` tells whether it was. */
  removeIf(
    address: KeyAddress,
    isExpected: (current: Buffer) => boolean,
    done: (error: CoterieError | null, removed: boolean) => void,
  ): void {
    this.#dropIf('remove', address, isExpected, done);
  }

  /** As `removeIf`, without a trace on disk: for values of which all that a restart can bring back has expired, too. */
  forgetIf(
    address: KeyAddress,
    isExpected: (current: Buffer) => boolean,
    done: (error: CoterieError | null, forgotten: boolean) => void,
  ): void {
    this.#dropIf('forget', address, isExpected, done);
  }

  #dropIf(
    how: 'remove' | 'forget',
    address: KeyAddress,
    isExpected: (current: Buffer) => boolean,
    done: (error: CoterieError | null, dropped: boolean) => void,
  ): void {
    this.change(address, 'always', {
      transform: (current) => (current !== null && isExpected(current) ? how : null),
      onApplied: (_, changed) => {
        if (!changed) done(null, false);
      },
      onDurable: () => done(null, true),
      onRefused: (error) => done(error, false),
      onFailed: (error) => done(error, false),
    });
  }

  /**
   * Joins a record that came from another replica. `done` runs once this node holds everything in it durably, also
   * when it held all of it before: then the present record is written again, because an earlier write of it may still
   * be on its way to the disk.
   */
  merge(
    address: KeyAddress,
    record: Buffer,
    options: { durability: Durability; newestOnly: boolean },
    done: (error: CoterieError | null) => void,
  ): void {
    this.change(address, options.durability, {
      transform: (current) => joined(current, record, options.newestOnly),
      onApplied() {},
      onDurable: () => done(null),
      onRefused: done,
      onFailed: done,
    });
  }
}
