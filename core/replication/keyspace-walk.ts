/**
 * Walks over whole keyspaces: scan, count and flush. Each partition is asked of the replica that would also coordinate
 * its keys for this node, so a client sees its own writes in a scan. Every unit of work is bounded: one page, one list
 * of partitions, so many deletes at a time.
 */
import type { CoterieError } from '../base/errors.ts';
import {
  partitionCount,
  partitionOfPosition,
  partitionStart,
  slotOf,
  slotsPerPartition,
} from '../base/token.ts';
import type { Clock, Timers } from '../ports/clock.ts';
import type { ScanPage } from '../ports/key-value-store.ts';
import type { StorageEngine } from '../ports/storage-engine.ts';
import { call, callMethod } from './calls.ts';
import { liveValuesOfRecord } from './live-values.ts';
import type { PeerService } from './peer-service.ts';
import type { Requests } from './requests.ts';
import type { KeyspaceState } from './topology.ts';

type PageDone = (error: CoterieError | null, page: ScanPage | null) => void;

export interface WalkParts {
  readonly engine: StorageEngine;
  readonly requests: Requests;
  readonly clock: Clock;
  readonly timers: Timers;
  keyspace(id: number): KeyspaceState;
  /** The replica to ask about a partition; null for this node itself. Throws `unavailable`. */
  holderOf(state: KeyspaceState, partition: number): number | null;
  /** Deletes one key, coordinated by this node. */
  deleteKey(keyspace: number, key: Buffer, done: (error: CoterieError | null) => void): void;
}

const pageCountMax = 10_000;
const deletesAtOnce = 128;
/** A page looks at no more partitions than this in one turn, so that a walk over an empty keyspace yields. */
const partitionsPerTurn = 64;

export class KeyspaceWalk {
  readonly #parts: WalkParts;

  constructor(parts: WalkParts, service: PeerService) {
    this.#parts = parts;
    service.onCall(callMethod.scan, (_, payload, reply) => {
      const { keyspace, partition, from, countMax } = JSON.parse(payload.toString());
      this.#scanLocal(keyspace, partition, from, countMax, (error, page) =>
        reply(error, page === null ? null : encodePage(page)),
      );
    });
    service.onCall(callMethod.count, (_, payload, reply) => {
      const { keyspace, partitions } = JSON.parse(payload.toString());
      reply(null, Buffer.from(String(this.#countLocal(keyspace, partitions))));
    });
    service.onCall(callMethod.flush, (_, payload, reply) => {
      const { keyspace, partition } = JSON.parse(payload.toString());
      this.#flushLocal(keyspace, partition, (error) => reply(error, null));
    });
  }

  scan(keyspace: number, fromPosition: number, countMax: number, done: PageDone): void {
    const keys: Buffer[] = [];
    const wanted = Math.min(Math.max(1, countMax), pageCountMax);
    const step = (position: number, visited: number): void => {
      const partition = partitionOfPosition(position);
      if (partition >= partitionCount) {
        done(null, { keys, nextPosition: null });
        return;
      }
      if (keys.length >= wanted || visited >= partitionCount / 2) {
        done(null, { keys, nextPosition: position });
        return;
      }
      this.#scanPartition(keyspace, partition, position, wanted - keys.length, (error, page) => {
        if (page === null) {
          done(error, null);
          return;
        }
        keys.push(...page.keys);
        const next = page.nextPosition ?? partitionStart(partition + 1);
        if (visited % partitionsPerTurn === partitionsPerTurn - 1) {
          this.#parts.timers.atTurnEnd(() => step(next, visited + 1));
        } else step(next, visited + 1);
      });
    };
    try {
      step(fromPosition, 0);
    } catch (error) {
      done(error as CoterieError, null);
    }
  }

  #scanPartition(keyspace: number, partition: number, from: number, countMax: number, done: PageDone): void {
    const holder = this.#parts.holderOf(this.#parts.keyspace(keyspace), partition);
    if (holder === null) {
      this.#scanLocal(keyspace, partition, from, countMax, done);
      return;
    }
    const payload = Buffer.from(JSON.stringify({ keyspace, partition, from, countMax }));
    call(this.#parts.requests, holder, callMethod.scan, payload, (error, body) => {
      if (body === null) done(error, null);
      else done(null, decodePage(body));
    });
  }

  #scanLocal(keyspace: number, partition: number, from: number, countMax: number, done: PageDone): void {
    const request = {
      keyspace,
      partition,
      fromPosition: from,
      countMax: Math.min(Math.max(1, countMax), pageCountMax),
    };
    this.#parts.engine.scan(request, (error, result) => {
      if (result === null) {
        done(error, null);
        return;
      }
      const nowMs = this.#parts.clock.nowMs();
      const keys = result.records
        .filter((record) => liveValuesOfRecord(record.value, nowMs).length > 0)
        .map((record) => record.key);
      done(null, { keys, nextPosition: result.nextPosition });
    });
  }

  count(
    keyspace: number,
    slot: number | null,
    done: (error: CoterieError | null, count: number | null) => void,
  ): void {
    try {
      if (slot !== null) this.#countSlot(keyspace, slot, done);
      else this.#countAll(keyspace, done);
    } catch (error) {
      done(error as CoterieError, null);
    }
  }

  #countSlot(
    keyspace: number,
    slot: number,
    done: (error: CoterieError | null, count: number | null) => void,
  ): void {
    const partition = Math.floor(slot / slotsPerPartition);
    let count = 0;
    const step = (from: number): void =>
      this.#scanPartition(keyspace, partition, from, pageCountMax, (error, page) => {
        if (page === null) {
          done(error, null);
          return;
        }
        for (const key of page.keys) if (slotOf(key) === slot) count++;
        if (page.nextPosition === null) done(null, count);
        else step(page.nextPosition);
      });
    step(partitionStart(partition));
  }

  #countAll(keyspace: number, done: (error: CoterieError | null, count: number | null) => void): void {
    const byHolder = this.#partitionsByHolder(keyspace);
    let total = this.#countLocal(keyspace, byHolder.get(null) ?? []);
    byHolder.delete(null);
    let waiting = byHolder.size;
    let failure: CoterieError | null = null;
    if (waiting === 0) {
      done(null, total);
      return;
    }
    for (const [holder, partitions] of byHolder) {
      const payload = Buffer.from(JSON.stringify({ keyspace, partitions }));
      call(this.#parts.requests, holder!, callMethod.count, payload, (error, body) => {
        if (body === null) failure = error;
        else total += Number(body.toString());
        if (--waiting === 0) done(failure, failure === null ? total : null);
      });
    }
  }

  #countLocal(keyspace: number, partitions: readonly number[]): number {
    return partitions.reduce((sum, partition) => sum + this.#parts.engine.countLive(keyspace, partition), 0);
  }

  #partitionsByHolder(keyspace: number): Map<number | null, number[]> {
    const state = this.#parts.keyspace(keyspace);
    const byHolder = new Map<number | null, number[]>();
    for (let partition = 0; partition < partitionCount; partition++) {
      const holder = this.#parts.holderOf(state, partition);
      const list = byHolder.get(holder);
      if (list === undefined) byHolder.set(holder, [partition]);
      else list.push(partition);
    }
    return byHolder;
  }

  /** Deletes every live key, partition by partition; each delete is an ordinary replicated write. */
  flush(keyspace: number, done: (error: CoterieError | null) => void): void {
    const step = (partition: number): void => {
      if (partition === partitionCount) {
        done(null);
        return;
      }
      const next = (error: CoterieError | null) => {
        if (error !== null) done(error);
        else if (partition % partitionsPerTurn === partitionsPerTurn - 1) {
          this.#parts.timers.atTurnEnd(() => step(partition + 1));
        } else step(partition + 1);
      };
      let holder: number | null;
      try {
        holder = this.#parts.holderOf(this.#parts.keyspace(keyspace), partition);
      } catch (error) {
        done(error as CoterieError);
        return;
      }
      if (holder === null) {
        this.#flushLocal(keyspace, partition, next);
        return;
      }
      const payload = Buffer.from(JSON.stringify({ keyspace, partition }));
      call(this.#parts.requests, holder, callMethod.flush, payload, next);
    };
    step(0);
  }

  #flushLocal(keyspace: number, partition: number, done: (error: CoterieError | null) => void): void {
    const page = (from: number): void => {
      this.#scanLocal(keyspace, partition, from, deletesAtOnce, (error, result) => {
        if (result === null) {
          done(error);
          return;
        }
        const proceed = () => {
          if (result.nextPosition === null) done(null);
          else page(result.nextPosition);
        };
        let waiting = result.keys.length;
        let failure: CoterieError | null = null;
        if (waiting === 0) {
          proceed();
          return;
        }
        for (const key of result.keys) {
          this.#parts.deleteKey(keyspace, key, (deleteError) => {
            failure ??= deleteError;
            if (--waiting > 0) return;
            if (failure !== null) done(failure);
            else proceed();
          });
        }
      });
    };
    page(partitionStart(partition));
  }
}

/** Next position as text line, then each key with its length. */
function encodePage(page: ScanPage): Buffer {
  const parts: Buffer[] = [Buffer.from(`${page.nextPosition ?? ''}\n`)];
  for (const key of page.keys) {
    const length = Buffer.allocUnsafe(4);
    length.writeUInt32BE(key.length);
    parts.push(length, key);
  }
  return Buffer.concat(parts);
}

function decodePage(body: Buffer): ScanPage {
  const end = body.indexOf(0x0a);
  const text = body.toString('latin1', 0, end);
  const keys: Buffer[] = [];
  for (let offset = end + 1; offset < body.length; ) {
    const length = body.readUInt32BE(offset);
    keys.push(body.subarray(offset + 4, offset + 4 + length));
    offset += 4 + length;
  }
  return { keys, nextPosition: text === '' ? null : Number(text) };
}
