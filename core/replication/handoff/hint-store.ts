/**
 * Hints: writes that a replica missed and is owed (DeCandia et al., "Dynamo", section 4.6). Kept as records of this node's
 * own storage engine, so they are durable, batched, compacted and recovered like everything else, under a keyspace number
 * of their own and at the ring position of the key they are about: one queue per partition and node.
 *
 * Two kinds. A fallback, which is no replica, keeps the record itself. A coordinator holds the record anyway and keeps a
 * reference; the delivery then sends what the key holds by that time.
 *
 * Nothing leaves the book silently: each hint ends as sent, expired or given up, and one that could not be taken counts as
 * skipped, which leaves the replica to anti-entropy.
 */
import { CoterieError } from '../../base/errors.ts';
import { type KeyAddress, partitionCount, partitionOf, partitionStart } from '../../base/token.ts';
import type { Clock } from '../../ports/clock.ts';
import { scanPage } from '../../ports/scan-page.ts';
import type { ScanResult, StorageEngine, StoredRecord } from '../../ports/storage-engine.ts';
import { mergeRecords } from '../../versions/record-codec.ts';
import type { LocalRecords } from '../replica/local-records.ts';

/** Never given to a keyspace of people (layout.ts keeps below it). */
export const hintKeyspace = 0xffff;

export interface HintSettings {
  /** Hints kept at a time; beyond it none are taken. */
  readonly countMax: number;
  /** Bytes of records kept for others at a time. */
  readonly bytesMax: number;
  /** A peer away for longer is owed no more references: it will need a comparison of everything in any case. */
  readonly windowMs: number;
}

export const defaultHintSettings: HintSettings = {
  countMax: 1_000_000,
  bytesMax: 1024 * 1024 * 1024,
  windowMs: 3 * 60 * 60 * 1000,
};

/** What one peer is owed by this node, and what became of the rest since this node started. */
export interface HintLedger {
  readonly peer: number;
  readonly owed: number;
  readonly owedBytes: number;
  readonly sent: number;
  /** Ended because their keyspace is gone. */
  readonly expired: number;
  /** Refused by the peer for so long that they were given up. */
  readonly givenUp: number;
  /** Not taken: the book was full, the disk refused, or the peer is away for too long. */
  readonly skipped: number;
}

export interface Hint {
  readonly target: number;
  /** Of the key that the hint is about. */
  readonly address: KeyAddress;
  /** Null: a reference. */
  readonly record: Buffer | null;
  /** The stored bytes: the hint is removed only while it is still these. */
  readonly stamp: Buffer;
}

/** Walks over a partition that is being written to, until one is undisturbed. */
const recountsMax = 10;

/** What became of a hint: delivered, for a keyspace that is gone, or refused for too long. */
export type HintEnd = 'sent' | 'expired' | 'givenUp';

class Account {
  owed = 0;
  owedBytes = 0;
  sent = 0;
  expired = 0;
  givenUp = 0;
  skipped = 0;
  readonly perPartition = new Uint32Array(partitionCount);
}

/** u48 target · u16 keyspace · key */
const hintKeyHead = 8;
/** u8 kind · u32 turn, which tells two hints about one key apart */
const hintHead = 5;
const kind = { reference: 0, record: 1 } as const;
const hintFacts = { tombstone: true, expiresAtMs: 0, forgettableAtMs: 0, newestTimestamp: 0 };

function hintAddress(target: number, { keyspace, tokenHigh, tokenLow, key }: KeyAddress): KeyAddress {
  const hintKey = Buffer.allocUnsafe(hintKeyHead + key.length);
  hintKey.writeUIntBE(target, 0, 6);
  hintKey.writeUInt16BE(keyspace, 6);
  key.copy(hintKey, hintKeyHead);
  return { keyspace: hintKeyspace, tokenHigh, tokenLow, key: hintKey };
}

function hintOf({ tokenHigh, tokenLow, key, value }: StoredRecord): Hint {
  return {
    target: key.readUIntBE(0, 6),
    address: { keyspace: key.readUInt16BE(6), tokenHigh, tokenLow, key: key.subarray(hintKeyHead) },
    record: value[0] === kind.record ? value.subarray(hintHead) : null,
    stamp: value,
  };
}

export class HintStore {
  readonly #records: LocalRecords;
  readonly #engine: StorageEngine;
  readonly #clock: Clock;
  readonly #settings: HintSettings;
  readonly #accounts = new Map<number, Account>();
  /** When each peer that is away was last there, by the monotonic clock. */
  readonly #awaySinceMs = new Map<number, number>();
  #count = 0;
  /** Hints that came or went. */
  #changeCount = 0;
  #bytes = 0;
  #turn = 0;

  constructor(
    components: { records: LocalRecords; engine: StorageEngine; clock: Clock },
    settings: HintSettings = defaultHintSettings,
  ) {
    this.#records = components.records;
    this.#engine = components.engine;
    this.#clock = components.clock;
    this.#settings = settings;
  }

  /** Counts what an earlier run left. Call before anything else. */
  async load(): Promise<void> {
    for (let partition = 0; partition < partitionCount; partition++) {
      for await (const page of this.#pages(partition, 1_000)) {
        for (const hint of page) this.#added(hint.target, partition, sizeOf(hint.record));
      }
    }
    // A turn of an earlier run must not come again for the same key.
    this.#turn = Math.floor(this.#clock.nowMs() / 1_000) % 2 ** 32;
  }

  /** After a hint of this partition was lost to damage, unread: the ledger follows what is stored. */
  async recount(partition: number): Promise<void> {
    for (let attempt = 0; attempt < recountsMax; attempt++) {
      const changes = this.#changeCount;
      const stored = new Map<number, number>();
      for await (const page of this.#pages(partition, 1_000)) {
        for (const { target } of page) {
          stored.set(target, (stored.get(target) ?? 0) + 1);
        }
      }
      // Something came or went meanwhile: counted again.
      if (changes !== this.#changeCount) continue;
      for (const [target, account] of this.#accounts) {
        const gone = account.perPartition[partition] - (stored.get(target) ?? 0);
        account.owed -= gone;
        account.skipped += gone;
        account.perPartition[partition] -= gone;
        this.#count -= gone;
      }
      return;
    }
  }

  noticed(peer: number, isUp: boolean): void {
    if (isUp) this.#awaySinceMs.delete(peer);
    else if (!this.#awaySinceMs.has(peer)) this.#awaySinceMs.set(peer, this.#clock.monotonicMs());
  }

  /** This node holds the record itself; remember that `target` missed it. */
  owe(target: number, address: KeyAddress): void {
    const awayMs = this.#clock.monotonicMs() - (this.#awaySinceMs.get(target) ?? Number.POSITIVE_INFINITY);
    if (awayMs > this.#settings.windowMs || this.#count >= this.#settings.countMax) {
      this.#account(target).skipped++;
      return;
    }
    this.#put(target, address, null, () => {});
  }

  /** Keeps a record for `target`. `done` without error: it is durable and will be delivered. */
  keep(
    target: number,
    address: KeyAddress,
    record: Buffer,
    newestOnly: boolean,
    done: (error: CoterieError | null) => void,
  ): void {
    if (this.#count >= this.#settings.countMax || this.#bytes >= this.#settings.bytesMax) {
      this.#account(target).skipped++;
      done(new CoterieError('busy', 'This node keeps as many writes for others as it can.'));
      return;
    }
    this.#put(target, address, { record, newestOnly }, done);
  }

  #put(
    target: number,
    address: KeyAddress,
    kept: { record: Buffer; newestOnly: boolean } | null,
    done: (error: CoterieError | null) => void,
  ): void {
    const partition = partitionOf(address.tokenHigh);
    this.#turn = (this.#turn + 1) % 2 ** 32;
    const turn = this.#turn;
    let added: { bytes: number; isNew: boolean } | null = null;
    this.#records.change(hintAddress(target, address), 'always', {
      transform: (current) => {
        const before = current === null || current[0] !== kind.record ? null : current.subarray(hintHead);
        let record = before;
        if (kept !== null) {
          record = before === null ? kept.record : mergeRecords(before, kept.record, kept.newestOnly);
        }
        const bytes = Buffer.allocUnsafe(hintHead + sizeOf(record));
        bytes[0] = record === null ? kind.reference : kind.record;
        bytes.writeUInt32BE(turn, 1);
        record?.copy(bytes, hintHead);
        added = { bytes: sizeOf(record) - sizeOf(before), isNew: current === null };
        return { record: bytes, summary: hintFacts };
      },
      onApplied: () => {
        if (added === null) return;
        if (added.isNew) this.#added(target, partition, added.bytes);
        else this.#grew(target, added.bytes);
      },
      onDurable: () => done(null),
      onRefused: (error) => {
        this.#account(target).skipped++;
        done(error);
      },
      // It is in the book, and counts as owed.
      onFailed: done,
    });
  }

  /** The record kept for `target`, or null. */
  kept(
    target: number,
    address: KeyAddress,
    done: (error: CoterieError | null, record: Buffer | null) => void,
  ): void {
    this.#records.read(hintAddress(target, address), (error, bytes) => {
      done(error, bytes === null || bytes[0] !== kind.record ? null : bytes.subarray(hintHead));
    });
  }

  owedTo(target: number): number {
    return this.#accounts.get(target)?.owed ?? 0;
  }

  /** Everybody who is owed something, and from which partition on. */
  targets(): number[] {
    return [...this.#accounts].filter(([, account]) => account.owed > 0).map(([target]) => target);
  }

  pendingIn(partition: number): number {
    let count = 0;
    for (const account of this.#accounts.values()) count += account.perPartition[partition];
    return count;
  }

  /** All that `target` is owed, about `countMax` at a time, in the order of the ring. */
  async *owed(target: number, countMax: number): AsyncGenerator<readonly Hint[]> {
    const account = this.#accounts.get(target);
    for (let partition = 0; partition < partitionCount && account !== undefined; partition++) {
      if (account.perPartition[partition] === 0) continue;
      for await (const page of this.#pages(partition, countMax)) {
        const found = page.filter((hint) => hint.target === target);
        if (found.length > 0) yield found;
      }
    }
  }

  /** The hint has done its work, or never will. One that was renewed meanwhile stays. */
  settle(hint: Hint, how: HintEnd, done: () => void): void {
    const { target, address, stamp, record } = hint;
    this.#records.change(hintAddress(target, address), 'always', {
      transform: (current) => (current?.equals(stamp) ? 'remove' : null),
      onRefused: done,
      // Counted as it is taken from the records: the ledger is what is stored, at every moment.
      onApplied: (_, changed) => {
        if (changed) this.#ended(target, partitionOf(address.tokenHigh), sizeOf(record), how);
        else done();
      },
      onDurable: done,
      onFailed: done,
    });
  }

  #ended(target: number, partition: number, bytes: number, how: HintEnd): void {
    this.#changeCount++;
    const account = this.#account(target);
    account[how]++;
    account.owed--;
    account.perPartition[partition]--;
    this.#count--;
    this.#grew(target, -bytes);
  }

  ledger(): HintLedger[] {
    return [...this.#accounts].map(([peer, { owed, owedBytes, sent, expired, givenUp, skipped }]) => ({
      peer,
      owed,
      owedBytes,
      sent,
      expired,
      givenUp,
      skipped,
    }));
  }

  /** The hints of a partition, about `countMax` at a time. */
  async *#pages(partition: number, countMax: number): AsyncGenerator<readonly Hint[]> {
    let fromPosition: number | null = partitionStart(partition);
    while (fromPosition !== null) {
      const request = { keyspace: hintKeyspace, partition, fromPosition, countMax };
      const page: ScanResult = await scanPage(this.#engine, request);
      yield page.records.map(hintOf);
      fromPosition = page.nextPosition;
    }
  }

  #added(target: number, partition: number, bytes: number): void {
    this.#changeCount++;
    const account = this.#account(target);
    account.owed++;
    account.perPartition[partition]++;
    this.#count++;
    this.#grew(target, bytes);
  }

  #grew(target: number, bytes: number): void {
    this.#account(target).owedBytes += bytes;
    this.#bytes += bytes;
  }

  #account(target: number): Account {
    let account = this.#accounts.get(target);
    if (account === undefined) {
      account = new Account();
      this.#accounts.set(target, account);
    }
    return account;
  }
}

function sizeOf(record: Buffer | null): number {
  return record === null ? 0 : record.length;
}
