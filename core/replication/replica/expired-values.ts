/**
 * Forgets expired values, each node by itself, so that what a session cache leaves behind goes as fast as it comes, and goes on
 * doing so while another node is away. Nobody is asked, and nothing is written. That is safe exactly for records that
 * `summarise` calls forgettable (versions/version-set.ts, horizon): whatever an absent replica, a hint, a frame under way or a
 * restart brings back of such a key has expired as well, or is a version that this record would have stood beside.
 *
 * Of values whose history ever held one without an expiry that cannot be said; they need the agreement of all
 * (tombstone-collector.ts).
 *
 * Under `last-write-wins` one thing can differ: a write that reaches this replica only now, made earlier by its clock by somebody
 * who never saw the expired value, would have lost against it and stays instead, as it does under `siblings`.
 */

import { type KeyAddress, partitionCount, partitionStart } from '../../base/token.ts';
import type { Clock, Timers } from '../../ports/clock.ts';
import { pause } from '../../ports/pause.ts';
import { scanPage } from '../../ports/scan-page.ts';
import type { ScanResult, StorageEngine } from '../../ports/storage-engine.ts';
import type { Worker, WorkerProgress } from '../../ports/worker.ts';
import { decodeContext, summarise } from '../../versions/record-codec.ts';
import { counterOf } from '../../versions/version-set.ts';
import type { Writer } from '../parts.ts';
import type { Topology } from '../topology.ts';
import {
  defaultExpirySettings,
  type ExpirySettings,
  partitionOfTurn,
  takenUntilMs,
  turnAt,
  turnTakesUntilMs,
} from './expiry-turns.ts';
import type { LocalRecords } from './local-records.ts';

/** Turns that have come are worked off this often. */
const tickMs = 1_000;
/** Records forgotten before clients have their turn, and bytes read for it. */
const pageCount = 256;
const pageBytes = 4 * 1024 * 1024;

interface Components {
  readonly engine: StorageEngine;
  readonly records: LocalRecords;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly writer: Writer;
  readonly topology: () => Topology;
}

export class ExpiredValues implements Worker {
  readonly name = 'expiry';
  /** Replicas that take their turns at the same moment have nothing to compare afterwards. */
  readonly yields = false;
  readonly firstAfterMs = tickMs;
  readonly #parts: Components;
  readonly #settings: ExpirySettings;
  /** At least the last cycle, also at the start: what expired while this node was away. */
  #nextTurn = 0;
  #closed = false;
  readonly #forgottenIn = new Set<string>();
  forgottenCount = 0;

  constructor(components: Components, settings: ExpirySettings = defaultExpirySettings) {
    this.#parts = components;
    this.#settings = settings;
  }

  close(): void {
    this.#closed = true;
  }

  /** What may be forgotten from this moment on or earlier is forgotten here, or is about to be: nobody should bring it back. */
  forgottenUntilMs(partition: number): number {
    return takenUntilMs(partition, this.#parts.clock.nowMs(), this.#settings);
  }

  /** Partitions of which a restart may bring records back: their trees will not tell what is held then. */
  forgottenIn(): { keyspace: number; partition: number }[] {
    return [...this.#forgottenIn].map((name) => {
      const [keyspace, partition] = name.split(':').map(Number);
      return { keyspace, partition };
    });
  }

  /** All turns that have come. However long it took, or the clock jumped: never more than a cycle, and none of the future. */
  async step(): Promise<number> {
    const now = turnAt(this.#parts.clock.nowMs(), this.#settings);
    this.#nextTurn = Math.min(now + 1, Math.max(this.#nextTurn, now - partitionCount + 1));
    let failure: unknown = null;
    while (this.#nextTurn <= now && !this.#closed) {
      const turn = this.#nextTurn++;
      for (const keyspace of this.#parts.topology().keyspaces.keys()) {
        try {
          await this.#take(keyspace, partitionOfTurn(turn), turnTakesUntilMs(turn, this.#settings));
        } catch (cause) {
          // It is due again in the next cycle; the others need not wait for it.
          failure ??= cause;
        }
      }
    }
    if (failure !== null) throw failure;
    return tickMs;
  }

  progress(): WorkerProgress {
    const turn = Math.max(0, this.#nextTurn - 1);
    return { doneCount: this.forgottenCount, partition: partitionOfTurn(turn), isBusy: false };
  }

  async #take(keyspace: number, partition: number, untilMs: number): Promise<void> {
    let from: number | null = partitionStart(partition);
    while (from !== null && !this.#closed) {
      const page: ScanResult = await scanPage(this.#parts.engine, {
        keyspace,
        partition,
        fromPosition: from,
        countMax: pageCount,
        bytesMax: pageBytes,
        deadOnly: 'expired',
      });
      const due = page.records.filter(({ value }) => isDue(value, untilMs));
      await Promise.all(due.map((record) => this.#forget(record, untilMs)));
      if (due.length > 0) this.#forgottenIn.add(`${keyspace}:${partition}`);
      from = page.nextPosition;
      if (from !== null) await pause(this.#parts.timers, 0);
    }
  }

  #forget(address: KeyAddress, untilMs: number): Promise<void> {
    const { records, writer } = this.#parts;
    const isExpected = (current: Buffer): boolean => {
      if (!isDue(current, untilMs)) return false;
      // Later events of this key must not repeat the dots that are forgotten here.
      writer.counterMax = Math.max(writer.counterMax, counterOf(decodeContext(current), writer.actor));
      return true;
    };
    return new Promise((resolve) => {
      // One that cannot be read now is due again in the next cycle.
      records.forgetIf(address, isExpected, (_, forgotten) => {
        if (forgotten) this.forgottenCount++;
        resolve();
      });
    });
  }
}

function isDue(record: Buffer, untilMs: number): boolean {
  try {
    const { forgettableAtMs } = summarise(record);
    return forgettableAtMs > 0 && forgettableAtMs <= untilMs;
  } catch {
    // Not to be understood, so not to be judged; the rest of the partition must not wait for it.
    return false;
  }
}
