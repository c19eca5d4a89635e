/**
 * One quorum read: own copy first, then as many other replicas as the level needs, more when one is slow or fails. A
 * replica that holds the same history answers with an empty frame instead of the value. The votes are counted by
 * quorum/get-core; what this file adds is whom to ask and when.
 */
import { CoterieError } from '../../base/errors.ts';
import type { ConsistencyLevel } from '../../base/levels.ts';
import { type KeyAddress, partitionOf } from '../../base/token.ts';
import { GetCore } from '../../quorum/get-core.ts';
import { neededInTotal, type ReplicaPlace, type Requirement } from '../../quorum/requirement.ts';
import { equalHeaders, headerLength, mergeRecords, summarise } from '../../versions/record-codec.ts';
import { encodeKeyed, frameType, parseStatus, status, typeOf } from '../../wire/peer/frames.ts';
import { Fallbacks } from '../handoff/fallbacks.ts';
import type { CoordinatorParts } from '../parts.ts';
import type { ReplyHandler } from '../requests.ts';
import type { KeyspaceState } from '../topology.ts';

const nothing = Buffer.alloc(0);

export type ReadParts = Pick<
  CoordinatorParts,
  'selfId' | 'records' | 'eligibility' | 'network' | 'requests' | 'counters' | 'log' | 'turn'
>;

export class ReadOperation implements ReplyHandler {
  readonly #parts: ReadParts;
  readonly #address: KeyAddress;
  readonly #keyspace: KeyspaceState;
  readonly #level: ConsistencyLevel;
  readonly #requirement: Requirement;
  readonly #replicas: readonly ReplicaPlace[];
  readonly #selfIndex: number;
  readonly #partition: number;
  readonly #core: GetCore;
  readonly #asked: boolean[];
  /** This node's own copy cannot be read, or does not count. */
  #ownFailed = false;
  #ownRecord: Buffer | null = null;
  #fallbacks: Fallbacks | null = null;
  #done: ((error: CoterieError | null, record: Buffer | null) => void) | null;

  constructor(
    parts: ReadParts,
    keyspace: KeyspaceState,
    address: KeyAddress,
    level: ConsistencyLevel,
    done: (error: CoterieError | null, record: Buffer | null) => void,
  ) {
    this.#parts = parts;
    this.#address = address;
    this.#keyspace = keyspace;
    this.#level = level;
    this.#requirement = keyspace.readRequirement(level);
    const partition = partitionOf(address.tokenHigh);
    this.#partition = partition;
    this.#replicas = keyspace.readers[partition];
    this.#selfIndex = keyspace.readerIndex[partition];
    this.#asked = new Array(this.#replicas.length).fill(false);
    this.#done = done;
    const newestOnly = keyspace.settings.conflicts === 'last-write-wins';
    this.#core = new GetCore(this.#replicas, this.#requirement, (a, b) => mergeRecords(a, b, newestOnly));
  }

  start(): void {
    if (this.#selfIndex < 0) {
      this.#askOthers();
      return;
    }
    this.#asked[this.#selfIndex] = true;
    if (!this.#parts.eligibility.speaksFor(this.#address.keyspace, this.#partition)) {
      this.#ownFailed = true;
      this.#core.addFailure(this.#selfIndex);
      if (this.#core.verdict() === 'pending') this.#askOthers();
      else this.#conclude();
      return;
    }
    this.#parts.records.read(this.#address, (error, record) => {
      if (error !== null) {
        this.#ownFailed = true;
        this.#core.addFailure(this.#selfIndex);
      } else {
        this.#ownRecord = record;
        this.#core.addRecord(this.#selfIndex, record);
      }
      if (this.#core.verdict() === 'pending') this.#askOthers();
      else this.#conclude();
    });
  }

  /** Asks the fewest replicas that can still meet the level, reachable ones first. */
  #askOthers(): void {
    const chosen: number[] = [];
    for (const group of this.#requirement.groups) {
      let missing = group.needed;
      for (let index = 0; index < this.#replicas.length; index++) {
        const isOut = index === this.#selfIndex && this.#ownFailed;
        if (this.#inGroup(index, group.dataCenter) && this.#asked[index] && !isOut) missing--;
      }
      for (; missing > 0; missing--) {
        const index = this.#choose(group.dataCenter);
        if (index < 0) break;
        chosen.push(this.#replicas[index].nodeId);
      }
    }
    this.#ask(chosen);
    this.#conclude();
  }

  #inGroup(index: number, dataCenter: string | null): boolean {
    return dataCenter === null || this.#replicas[index].dataCenter === dataCenter;
  }

  /** The next replica to ask, marked as asked; -1 when none is left. */
  #choose(dataCenter: string | null): number {
    const { network, turn } = this.#parts;
    const count = this.#replicas.length;
    // Reads rotate among the replicas; down ones only when no other is left, and then they fail at once.
    const start = turn();
    for (const wantUp of [true, false]) {
      for (let step = 0; step < count; step++) {
        const index = (start + step) % count;
        if (this.#asked[index] || !this.#inGroup(index, dataCenter)) continue;
        if (network.isUp(this.#replicas[index].nodeId) !== wantUp) continue;
        this.#asked[index] = true;
        return index;
      }
    }
    return -1;
  }

  #ask(nodeIds: readonly number[]): void {
    const record = this.#ownRecord;
    const headerBytes = record === null ? 0 : headerLength(record);
    const { keyspace, key } = this.#address;
    try {
      this.#parts.requests.send(nodeIds, this, (requestId) =>
        encodeKeyed(frameType.replicaGet, requestId, keyspace, key, record ?? nothing, headerBytes),
      );
    } catch (error) {
      this.#finish(error as CoterieError, null);
    }
  }

  onReply(from: number, frame: Buffer): void {
    const index = this.#indexOf(from);
    if (typeOf(frame) === frameType.replicaSame) {
      this.#core.addRecord(index, this.#ownRecord);
    } else {
      const { code, body } = parseStatus(frame);
      if (code !== status.ok) {
        this.onFailure(from);
        return;
      }
      // Before it counts: what is malformed throws, and is no answer (requests.ts).
      if (body.length > 0) summarise(body);
      this.#core.addRecord(index, body.length === 0 ? null : body);
    }
    this.#conclude();
  }

  onFailure(from: number): void {
    this.#failed(this.#indexOf(from));
  }

  /** Another replica is asked; where none is left, a fallback answers with what it keeps for this one. */
  #failed(index: number): void {
    if (this.#done === null) return;
    const { nodeId, dataCenter } = this.#replicas[index];
    this.#fallbacks ??= new Fallbacks(this.#parts, this.#keyspace, this.#address);
    // Nobody stands in for a replica that answers: one that is being rebuilt lacks what no fallback has.
    const wantsFallback = !this.#parts.network.isUp(nodeId) && !this.#hasReachable();
    const fallback = wantsFallback ? this.#fallbacks.take(dataCenter) : null;
    if (fallback !== null) {
      this.#fallbacks.read(fallback, nodeId, (error, record) => {
        // One that keeps nothing is no evidence: the replica may hold what was written before anybody stood in.
        if (error !== null || record === null) this.#failed(index);
        else {
          this.#core.addRecord(index, record);
          this.#conclude();
        }
      });
      return;
    }
    this.#core.addFailure(index);
    if (this.#core.verdict() === 'pending') this.#askAnother(index);
    this.#conclude();
  }

  onSlow(): void {
    if (this.#done === null) return;
    this.#parts.counters.speculativeRetries++;
    for (let index = 0; index < this.#replicas.length; index++) {
      if (this.#asked[index] && !this.#core.hasAnswered(index)) this.#askAnother(index);
    }
  }

  #hasReachable(): boolean {
    const { network } = this.#parts;
    return this.#replicas.some(({ nodeId }, index) => !this.#asked[index] && network.isUp(nodeId));
  }

  /** In the place of replica `index`: within its data center where the level counts per data center. */
  #askAnother(index: number): void {
    const perCenter = this.#requirement.groups.some((group) => group.dataCenter !== null);
    const other = this.#choose(perCenter ? this.#replicas[index].dataCenter : null);
    if (other >= 0) this.#ask([this.#replicas[other].nodeId]);
  }

  #indexOf(nodeId: number): number {
    return this.#replicas.findIndex((replica) => replica.nodeId === nodeId);
  }

  #conclude(): void {
    if (this.#done === null) return;
    const verdict = this.#core.verdict();
    if (verdict === 'met') {
      const record = this.#core.merged();
      this.#finish(null, record);
      this.#repair(record);
    } else if (verdict === 'impossible') {
      const required = neededInTotal(this.#requirement);
      const received = this.#core.receivedCount;
      this.#parts.counters.readsRefused++;
      this.#finish(
        new CoterieError(
          'quorum-not-met',
          `Reading at ${this.#level} needs ${required} of ${this.#replicas.length} replicas; ${received} answered.`,
          { required, received, level: this.#level },
        ),
        null,
      );
    }
  }

  #finish(error: CoterieError | null, record: Buffer | null): void {
    const done = this.#done;
    this.#done = null;
    done?.(error, record);
  }

  /** Read repair: whoever answered with less than what is now known gets the whole record. */
  #repair(record: Buffer | null): void {
    if (record === null) return;
    const stale = this.#core.stale(equalHeaders);
    if (stale.length === 0) return;
    const { settings } = this.#keyspace;
    for (const nodeId of stale) {
      this.#parts.counters.readRepairs++;
      if (nodeId === this.#parts.selfId) {
        const newestOnly = settings.conflicts === 'last-write-wins';
        this.#parts.records.merge(
          this.#address,
          record,
          { durability: settings.durability, newestOnly },
          () => {},
        );
      } else {
        // Request 0 is nobody's: the acknowledgement is not awaited, anti-entropy is the safety net.
        this.#parts.network.send(
          nodeId,
          encodeKeyed(frameType.replicaPut, 0, settings.id, this.#address.key, record, record.length),
        );
      }
    }
  }
}
