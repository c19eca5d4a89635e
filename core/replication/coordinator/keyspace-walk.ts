/**
 * Walks over whole keyspaces: scan, count and flush. Each partition is asked of the replica that would also coordinate
 * its keys for this node, so a client sees its own writes in a scan. Every unit of work is bounded: one page, one list
 * of partitions, so many deletes at a time. A partition that cannot be reached fails the walk by name: left out, it would
 * look empty. All steps run under one guard (guarded-steps.ts).
 */
import { CoterieError } from '../../base/errors.ts';
import { addTo } from '../../base/grouping.ts';
import {
  partitionCount,
  partitionOfPosition,
  partitionStart,
  slotOf,
  slotsPerPartition,
} from '../../base/token.ts';
import type { Clock, Timers } from '../../ports/clock.ts';
import type { ScanPage } from '../../ports/key-value-store.ts';
import type { StorageEngine } from '../../ports/storage-engine.ts';
import { calls } from '../../wire/peer/calls.ts';
import {
  decodeCount,
  decodeCountQuestion,
  decodeFlushQuestion,
  decodeKeysPage,
  decodeScanQuestion,
  encodeCount,
  encodeKeysPage,
  encodeQuestion,
  type ScanQuestion,
} from '../../wire/peer/walk-messages.ts';
import type { CallHandler, PeerService } from '../replica/peer-service.ts';
import type { Requests } from '../requests.ts';
import type { KeyspaceState } from '../topology.ts';
import { GuardedSteps } from './guarded-steps.ts';
import { liveValuesOfRecord } from './live-values.ts';
import type { Refusing } from './refusing.ts';
import { askHolder, holderCountMax } from './walk-questions.ts';

export interface WalkParts {
  readonly engine: StorageEngine;
  readonly requests: Requests;
  readonly clock: Clock;
  readonly timers: Timers;
  keyspace(id: number): KeyspaceState;
  /** The replica to ask about a partition; null for this node itself. Throws `unavailable`. */
  holderOf(state: KeyspaceState, partition: number): number | null;
  readonly refusing: Pick<Refusing, 'note'>;
  /** Deletes one key, coordinated by this node. */
  deleteKey(keyspace: number, key: Buffer, done: (error: CoterieError | null) => void): void;
}

const pageCountMax = 10_000;
/** Of keys, which may be long: a page of them ends early. */
const pageBytesMax = 4 * 1024 * 1024;
/** Partitions are asked for one after the other, and other nodes may be far: a page ends early rather than keep its client. */
const pageMsMax = 1_000;
const deletesAtOnce = 128;
/** A walk looks at no more partitions than this in one turn, so that one over an empty keyspace yields. */
const partitionsPerTurn = 64;

/** Any walk: what its steps need of their guard. */
type Steps = Pick<GuardedSteps<unknown>, 'run' | 'onAnswer'>;

export class KeyspaceWalk {
  readonly #parts: WalkParts;

  constructor(parts: WalkParts, service: PeerService) {
    this.#parts = parts;
    service.onCall(
      calls.scan,
      answering<ScanPage>((steps, payload) => {
        const question = decodeScanQuestion(payload);
        parts.keyspace(question.keyspace);
        this.#scanHere(steps, question, (page) => steps.end(page));
      }, encodeKeysPage),
    );
    service.onCall(
      calls.count,
      answering<number>((steps, payload) => {
        const { keyspace, partitions } = decodeCountQuestion(payload);
        parts.keyspace(keyspace);
        steps.end(this.#countHere(keyspace, partitions));
      }, encodeCount),
    );
    service.onCall(
      calls.flush,
      answering<null>((steps, payload) => {
        const { keyspace, partition } = decodeFlushQuestion(payload);
        parts.keyspace(keyspace);
        this.#flushHere(steps, keyspace, partition, () => steps.end(null));
      }, null),
    );
  }

  scan(
    keyspace: number,
    fromPosition: number,
    countMax: number,
    done: (error: CoterieError | null, page: ScanPage | null) => void,
  ): void {
    const steps = new GuardedSteps<ScanPage>(done);
    const keys: Buffer[] = [];
    const wanted = pageSize(countMax);
    let bytes = 0;
    const { clock } = this.#parts;
    const endsAtMs = clock.monotonicMs() + pageMsMax;
    const isEnough = (visited: number) =>
      keys.length >= wanted ||
      bytes >= pageBytesMax ||
      visited >= partitionCount / 2 ||
      (visited > 0 && clock.monotonicMs() >= endsAtMs);
    const visit = (position: number, visited: number): void => {
      const partition = partitionOfPosition(position);
      if (partition >= partitionCount) {
        steps.end({ keys, nextPosition: null });
        return;
      }
      if (isEnough(visited)) {
        steps.end({ keys, nextPosition: position });
        return;
      }
      const question = { keyspace, partition, fromPosition: position, countMax: wanted - keys.length };
      this.#scanPartition(steps, question, (page) => {
        for (const key of page.keys) {
          keys.push(key);
          bytes += key.length;
        }
        const next = page.nextPosition ?? partitionStart(partition + 1);
        this.#goOn(steps, visited + 1, () => visit(next, visited + 1));
      });
    };
    steps.run(() => visit(fromPosition, 0));
  }

  count(
    keyspace: number,
    slot: number | null,
    done: (error: CoterieError | null, count: number | null) => void,
  ): void {
    const steps = new GuardedSteps<number>(done);
    steps.run(() => {
      if (slot === null) this.#countAll(steps, keyspace);
      else this.#countSlot(steps, keyspace, slot);
    });
  }

  /**
   * Deletes every live key, partition by partition; each delete is an ordinary replicated write. Nothing is deleted when
   * some partition cannot be reached from the start.
   */
  flush(keyspace: number, done: (error: CoterieError | null) => void): void {
    const steps = new GuardedSteps<null>((error) => done(error));
    const visit = (partition: number): void => {
      if (partition === partitionCount) {
        steps.end(null);
        return;
      }
      this.#flushPartition(steps, keyspace, partition, () =>
        this.#goOn(steps, partition + 1, () => visit(partition + 1)),
      );
    };
    steps.run(() => {
      this.#partitionsByHolder(keyspace);
      visit(0);
    });
  }

  /** The next step, in a new turn after every so many partitions. */
  #goOn(steps: Steps, visited: number, step: () => void): void {
    if (visited % partitionsPerTurn === 0) this.#parts.timers.atTurnEnd(() => steps.run(step));
    else steps.run(step);
  }

  /** Whether none of these is to be asked of that replica any more. */
  #isElsewhere(keyspace: number, partitions: readonly number[], holder: number): boolean {
    return partitions.every((partition) => this.#holderOf(keyspace, partition) !== holder);
  }

  #scanPartition(
    steps: Steps,
    question: ScanQuestion,
    next: (page: ScanPage) => void,
    left = holderCountMax,
  ): void {
    const holder = this.#holderOf(question.keyspace, question.partition);
    if (holder === null) {
      this.#scanHere(steps, question, next);
      return;
    }
    const { keyspace, partition } = question;
    const isElsewhere = () => this.#isElsewhere(keyspace, [partition], holder);
    askHolder(
      { ...this.#parts, steps },
      { holder, what: calls.scan, payload: encodeQuestion(question), left, isElsewhere },
      (body) => next(decodeKeysPage(body, question)),
      (fewer) => this.#scanPartition(steps, question, next, fewer),
    );
  }

  #scanHere(steps: Steps, question: ScanQuestion, next: (page: ScanPage) => void): void {
    this.#parts.engine.scan(
      { ...question, countMax: pageSize(question.countMax) },
      steps.onAnswer(({ records, nextPosition }) => {
        const nowMs = this.#parts.clock.nowMs();
        const live = records.filter((record) => liveValuesOfRecord(record.value, nowMs).length > 0);
        next({ keys: live.map((record) => record.key), nextPosition });
      }),
    );
  }

  #countSlot(steps: GuardedSteps<number>, keyspace: number, slot: number): void {
    const partition = Math.floor(slot / slotsPerPartition);
    let count = 0;
    const visit = (fromPosition: number): void =>
      this.#scanPartition(steps, { keyspace, partition, fromPosition, countMax: pageCountMax }, (page) => {
        for (const key of page.keys) if (slotOf(key) === slot) count++;
        if (page.nextPosition === null) steps.end(count);
        else visit(page.nextPosition);
      });
    visit(partitionStart(partition));
  }

  #countAll(steps: GuardedSteps<number>, keyspace: number): void {
    let total = 0;
    let waiting = 0;
    const add = (count: number): void => {
      total += count;
      if (--waiting === 0) steps.end(total);
    };
    const ask = (byHolder: Map<number | null, number[]>, left: number): void => {
      waiting += byHolder.size;
      for (const [holder, partitions] of byHolder) {
        if (holder === null) {
          add(this.#countHere(keyspace, partitions));
          continue;
        }
        const payload = encodeQuestion({ keyspace, partitions });
        const isElsewhere = () => this.#isElsewhere(keyspace, partitions, holder);
        askHolder(
          { ...this.#parts, steps },
          { holder, what: calls.count, payload, left, isElsewhere },
          (body) => add(decodeCount(body)),
          (fewer) => {
            ask(this.#partitionsByHolder(keyspace, partitions), fewer);
            add(0);
          },
        );
      }
    };
    ask(this.#partitionsByHolder(keyspace), holderCountMax);
  }

  #countHere(keyspace: number, partitions: readonly number[]): number {
    return partitions.reduce((sum, partition) => sum + this.#parts.engine.countLive(keyspace, partition), 0);
  }

  #flushPartition(
    steps: Steps,
    keyspace: number,
    partition: number,
    next: () => void,
    left = holderCountMax,
  ): void {
    const holder = this.#holderOf(keyspace, partition);
    if (holder === null) {
      this.#flushHere(steps, keyspace, partition, next);
      return;
    }
    const payload = encodeQuestion({ keyspace, partition });
    const isElsewhere = () => this.#isElsewhere(keyspace, [partition], holder);
    askHolder(
      { ...this.#parts, steps },
      { holder, what: calls.flush, payload, left, isElsewhere },
      next,
      (fewer) => this.#flushPartition(steps, keyspace, partition, next, fewer),
    );
  }

  #flushHere(steps: Steps, keyspace: number, partition: number, next: () => void): void {
    const visit = (fromPosition: number): void =>
      this.#scanHere(steps, { keyspace, partition, fromPosition, countMax: deletesAtOnce }, (page) => {
        const proceed = () => {
          if (page.nextPosition === null) next();
          else visit(page.nextPosition);
        };
        let waiting = page.keys.length;
        if (waiting === 0) proceed();
        const onDeleted = () => {
          if (--waiting === 0) proceed();
        };
        for (const key of page.keys) this.#parts.deleteKey(keyspace, key, steps.onAnswer(onDeleted));
      });
    visit(partitionStart(partition));
  }

  /** Throws `unavailable` with every partition that cannot be reached, so that people see how much is away. */
  #holderOf(keyspace: number, partition: number): number | null {
    const holder = this.#reachableHolder(this.#parts.keyspace(keyspace), partition);
    if (holder === undefined) this.#partitionsByHolder(keyspace);
    return holder ?? null;
  }

  #partitionsByHolder(
    keyspace: number,
    partitions: Iterable<number> = allPartitions(),
  ): Map<number | null, number[]> {
    const state = this.#parts.keyspace(keyspace);
    const byHolder = new Map<number | null, number[]>();
    const unreachable: number[] = [];
    for (const partition of partitions) {
      const holder = this.#reachableHolder(state, partition);
      if (holder === undefined) unreachable.push(partition);
      else addTo(byHolder, holder, partition);
    }
    if (unreachable.length > 0) throw new CoterieError('unavailable', unreachableSentence(unreachable));
    return byHolder;
  }

  /** Undefined when no replica can be reached. */
  #reachableHolder(state: KeyspaceState, partition: number): number | null | undefined {
    try {
      const holder = this.#parts.holderOf(state, partition);
      // Where fallbacks are allowed this node is named for partitions that it holds nothing of: it would call them empty.
      return holder === null && state.readerIndex[partition] < 0 ? undefined : holder;
    } catch (cause) {
      if (cause instanceof CoterieError && cause.code === 'unavailable') return undefined;
      throw cause;
    }
  }
}

function* allPartitions(): Generator<number> {
  for (let partition = 0; partition < partitionCount; partition++) yield partition;
}

function pageSize(countMax: number): number {
  return Math.min(Math.max(1, countMax), pageCountMax);
}

/** A peer's question, answered under the same guard as this node's own walks. */
function answering<T>(
  work: (steps: GuardedSteps<T>, payload: Buffer) => void,
  encode: ((result: T) => Buffer) | null,
): CallHandler {
  return (_, payload, reply) => {
    const steps = new GuardedSteps<T>((error, result) => {
      if (error === null) reply(null, encode === null ? null : encode(result as T));
      else reply(peerError(error), null);
    });
    steps.run(() => work(steps, payload));
  };
}

function peerError(cause: Error): CoterieError {
  if (cause instanceof CoterieError) return cause;
  return new CoterieError('unavailable', `The other node failed while it walked its keys: ${cause.message}`);
}

function unreachableSentence(partitions: readonly number[]): string {
  const cannot = (names: string, whose: string) =>
    `${names} cannot be reached: none of ${whose} replicas answers. Start the nodes that are down, then try again.`;
  if (partitions.length === 1) return cannot(`Partition ${partitions[0]}`, 'its');
  const last = partitions.length > 3 ? `${partitions.length - 2} more` : String(partitions.at(-1));
  const named = partitions.length > 3 ? partitions.slice(0, 2) : partitions.slice(0, -1);
  return cannot(`Partitions ${named.join(', ')} and ${last}`, 'their');
}
