/**
 * One quorum write: change the own copy, send the resulting record to the other replicas while it goes to disk, and
 * answer when the level is met. The votes are counted by quorum/put-core. The coordinator is always a replica, because
 * its node id becomes the actor of the new version.
 */
import { CoterieError } from '../../base/errors.ts';
import { type KeyAddress, partitionOf } from '../../base/token.ts';
import type {
  LiveValue,
  Mutation,
  TogetherValue,
  WriteOptions,
  WriteResult,
} from '../../ports/key-value-store.ts';
import { PutCore } from '../../quorum/put-core.ts';
import { neededInTotal, type ReplicaPlace, type Requirement } from '../../quorum/requirement.ts';
import type { Verdict } from '../../quorum/tally.ts';
import { encodeBasis, parseBasis } from '../../versions/context-codec.ts';
import {
  decodeContext,
  decodeRecord,
  encodeRecord,
  mergeRecords,
  summarise,
} from '../../versions/record-codec.ts';
import { checkSiblings, siblingCountWarn } from '../../versions/sibling-limits.ts';
import {
  type Actor,
  type Basis,
  basisAfter,
  blindBasis,
  counterOf,
  emptySet,
  keepNewest,
  knowsDots,
  knowsVersions,
  unknownSet,
  type VersionSet,
  write,
} from '../../versions/version-set.ts';
import { encodeKeyed, frameType, parseStatus, status } from '../../wire/peer/frames.ts';
import { errorOf } from '../../wire/peer/replica-status.ts';
import { Fallbacks } from '../handoff/fallbacks.ts';
import type { CoordinatorParts } from '../parts.ts';
import type { Change, ChangeHandler } from '../replica/changes.ts';
import type { ReplyHandler } from '../requests.ts';
import type { KeyspaceState } from '../topology.ts';
import { liveValues } from './live-values.ts';
import { ReadOperation, type ReadParts } from './read-operation.ts';
import { notBegun, outOfReach } from './within-reach.ts';

const empty = Buffer.alloc(0);

/** Records keep an expiry in 48 bits: the year 10889. Later ones are as good as never. */
const expiryMax = 2 ** 48 - 1;

/** Nothing was written: the operation begins again with what the layouts are now (store.ts). */
export const layoutMoved = new CoterieError(
  'unavailable',
  'The keyspace was changed in this moment. Try again.',
);

type Done = (error: CoterieError | null, result: WriteResult | null) => void;

/** A write reads first. */
export type WriteParts = ReadParts &
  Pick<CoordinatorParts, 'hints' | 'refusing' | 'clock' | 'hybridClock' | 'writer' | 'seal' | 'topology'>;

export class WriteOperation implements ReplyHandler, ChangeHandler, WriteResult {
  readonly #parts: WriteParts;
  readonly #keyspace: KeyspaceState;
  readonly #address: KeyAddress;
  readonly #options: WriteOptions;
  readonly #decide: (siblings: readonly LiveValue[]) => Mutation;
  readonly #replicas: readonly ReplicaPlace[];
  readonly #selfIndex: number;
  readonly #partition: number;
  /** Somebody else reads, changes and sends it, together with other keys. */
  readonly #isPart: boolean;
  readonly #requirement: Requirement;
  readonly #core: PutCore;
  #fallbacks: Fallbacks | null = null;
  /** What a read at the wanted level added; joined with the own copy before deciding. */
  #known: Buffer | null = null;
  /** null: supersede everything held. */
  #basis: Basis | null = null;
  #record: Buffer | null = null;
  /** In whose name the new version was made. */
  #actor: Actor = 0;
  #failure: CoterieError | null = null;
  #done: Done | null;
  written = false;

  constructor(
    parts: WriteParts,
    keyspace: KeyspaceState,
    address: KeyAddress,
    options: WriteOptions,
    decide: (siblings: readonly LiveValue[]) => Mutation,
    done: Done,
    isPart = false,
  ) {
    this.#isPart = isPart;
    this.#parts = parts;
    this.#keyspace = keyspace;
    this.#address = address;
    this.#options = options;
    this.#decide = decide;
    this.#done = done;
    this.#partition = partitionOf(address.tokenHigh);
    this.#replicas = keyspace.writers[this.#partition];
    this.#selfIndex = keyspace.writerIndex[this.#partition];
    this.#requirement = keyspace.writeRequirement(this.#partition, options.level);
    this.#core = new PutCore(this.#replicas, this.#requirement);
  }

  get acknowledgedCount(): number {
    return this.#core.acknowledgedCount;
  }

  /** One of several keys that are written as one (together-operation.ts): what a read at the wanted level found. */
  knows(record: Buffer | null): void {
    this.#known = record;
  }

  /** What it would decide by, with this record of its own. */
  look(current: Buffer | null): TogetherValue {
    const held = this.#joined(current);
    const set = held === null ? emptySet : decodeRecord(held);
    return {
      siblings: liveValues(set, this.#parts.clock.nowMs()),
      isAsExpected: this.#isAsExpected(set),
    };
  }

  start(): void {
    if (this.#selfIndex < 0) {
      if (this.#requirement.hintsCount && this.#keyspace.settings.sloppy) this.#keepForAll();
      else this.#finish(new CoterieError('unavailable', 'No replica of this key can be reached. Try again.'));
      return;
    }
    const { refusal } = this.#parts.writer;
    const unreached = refusal ?? outOfReach(this.#parts, this.#keyspace, this.#address, this.#options);
    if (unreached !== null) {
      if (unreached !== refusal) this.#parts.counters.writesRefused++;
      this.#finish(unreached);
      return;
    }
    const { basis } = this.#options;
    // What a replica holds that lost data is no basis: it may lack the very versions that the write is to replace.
    const isWhole = this.#parts.eligibility.speaksFor(this.#address.keyspace, this.#partition);
    if (basis === 'held' && isWhole) {
      this.#change();
      return;
    }
    if (basis === 'held' || basis === 'quorum') {
      this.#readFirst();
      return;
    }
    try {
      this.#basis = parseBasis(basis.context, this.#address, this.#parts.seal);
    } catch (error) {
      this.#finish(error as CoterieError);
      return;
    }
    if (this.#basis.dots.length === 0) {
      this.#change();
      return;
    }
    // A dot that this replica has not seen yet would come back as a sibling: learn of it first.
    this.#parts.records.read(this.#address, (error, record) => {
      const context = error === null && record !== null ? decodeContext(record) : [];
      if (knowsDots(context, this.#basis!)) this.#change();
      else this.#readFirst();
    });
  }

  /**
   * Level ANY on a node that is no replica, while none can be reached: a plain write, kept for every replica. It replaces what
   * this node took before in the same way, as plain writes do that one node coordinates; more would need a memory of the key.
   */
  #keepForAll(): void {
    const { clock, hints, writer } = this.#parts;
    const mutation = this.#decide([]);
    if (mutation.kind === 'none' || this.#options.basis !== 'held') {
      this.#finish(new CoterieError('unavailable', 'No replica of this key can be read. Try again.'));
      return;
    }
    this.#basis = blindBasis;
    const set = this.#write(unknownSet, this.#basis, mutation, clock.nowMs());
    // This node remembers nothing of the key: no later write may count from the same number.
    writer.counterMax = counterOf(set.context, writer.actor);
    const record = encodeRecord(set);
    this.#record = record;
    this.written = true;
    const newestOnly = this.#keyspace.settings.conflicts === 'last-write-wins';
    for (const [index, { nodeId }] of this.#replicas.entries()) {
      hints.keep(nodeId, this.#address, record, newestOnly, (error) => {
        if (error !== null) this.#failure = error;
        this.#settle(error === null ? this.#core.addFallback(index) : this.#core.addFailure(index));
      });
    }
  }

  #readFirst(): void {
    const level = this.#options.readLevel ?? this.#keyspace.readLevel;
    new ReadOperation(this.#parts, this.#keyspace, this.#address, level, (error, record) => {
      if (error !== null) this.#finish(notBegun(error));
      else {
        this.#known = record;
        this.#change();
      }
    }).start();
  }

  #change(): void {
    this.#parts.records.change(this.#address, this.#keyspace.settings.durability, this);
  }

  // --- ChangeHandler -------------------------------------------------------------------------------------------------

  transform(current: Buffer | null): Change | null {
    const { clock, hybridClock, log, topology } = this.#parts;
    const { settings } = this.#keyspace;
    if (topology().keyspaces.get(settings.id) !== this.#keyspace) {
      // Acknowledged by what the layout was, it could be missed by readers who go by what it is.
      throw layoutMoved;
    }
    const newestOnly = settings.conflicts === 'last-write-wins';
    const held = this.#joined(current);
    const set: VersionSet = held === null ? emptySet : decodeRecord(held);
    const nowMs = clock.nowMs();
    const mutation = this.#decide(liveValues(set, nowMs));
    if (mutation.kind === 'none' || !this.#isAsExpected(set)) {
      this.#record = held;
      return null;
    }
    for (const version of set.versions) hybridClock.observe(version.timestamp, nowMs);
    const basis = this.#basis ?? { context: set.context, dots: [] };
    const written = this.#write(set, basis, mutation, nowMs);
    const after = newestOnly ? keepNewest(written) : written;
    checkSiblings(set, after);
    if (after.versions.length > 1) this.#parts.counters.siblingWrites++;
    if (after.versions.length === siblingCountWarn && set.versions.length < siblingCountWarn) {
      log.warn('A key has many siblings: some client writes without the context of its read.', {
        siblings: after.versions.length,
        keyspace: settings.name,
      });
    }
    const record = encodeRecord(after);
    return { record, summary: summarise(record) };
  }

  #joined(current: Buffer | null): Buffer | null {
    if (this.#known === null || current === null) return current ?? this.#known;
    return mergeRecords(current, this.#known, this.#keyspace.settings.conflicts === 'last-write-wins');
  }

  #isAsExpected(set: VersionSet): boolean {
    const { onlyIf } = this.#options;
    if (onlyIf === undefined) return true;
    try {
      return knowsVersions(set, parseBasis(onlyIf, this.#address, this.#parts.seal));
    } catch {
      // None that was given out for this key, or under secrets that were replaced since: it says nothing of what is there.
      return false;
    }
  }

  #write(set: VersionSet, basis: Basis, mutation: Mutation, nowMs: number): VersionSet {
    const { hybridClock, writer } = this.#parts;
    const isPut = mutation.kind === 'put';
    const version = {
      timestamp: hybridClock.tick(nowMs),
      expiresAtMs: isPut ? Math.min(mutation.expiresAtMs, expiryMax) : 0,
      tombstone: !isPut,
      value: isPut ? mutation.value : empty,
      ...(isPut && mutation.contentType !== undefined ? { contentType: mutation.contentType } : {}),
    };
    this.#actor = writer.actor;
    return write(set, basis, writer.actor, version, writer.counterMax);
  }

  onApplied(record: Buffer | null, changed: boolean): void {
    this.written = changed;
    if (!changed) {
      this.#finish(null);
      return;
    }
    this.#record = record;
    if (this.#replicas.length > 1 && !this.#isPart) this.#sendToOthers(record!);
  }

  onDurable(): void {
    this.#settle(this.#core.addAcknowledgement(this.#selfIndex));
  }

  onRefused(error: CoterieError): void {
    this.#finish(error);
  }

  onFailed(error: CoterieError): void {
    this.#failure = error;
    // The others have the event's number, and a restart may find it gone here: it must not be given out again.
    const { writer } = this.#parts;
    const given = counterOf(decodeContext(this.#record!), this.#actor);
    if (writer.actor === this.#actor) writer.counterMax = Math.max(writer.counterMax, given);
    this.#settle(this.#core.addFailure(this.#selfIndex));
  }

  // --- ReplyHandler --------------------------------------------------------------------------------------------------

  #sendToOthers(record: Buffer): void {
    const { keyspace, key } = this.#address;
    const others: number[] = [];
    for (let index = 0; index < this.#replicas.length; index++) {
      if (index !== this.#selfIndex) others.push(this.#replicas[index].nodeId);
    }
    try {
      this.#parts.requests.send(others, this, (requestId) =>
        encodeKeyed(frameType.replicaPut, requestId, keyspace, key, record, record.length),
      );
    } catch (error) {
      // The own copy is written; the others get it by repair. The client is told that the level was not met.
      this.#failure = error as CoterieError;
      for (const nodeId of others) this.onFailure(nodeId);
    }
  }

  onReply(from: number, frame: Buffer): void {
    this.answered(from, parseStatus(frame).code);
  }

  /** A replica's answer, as its status. */
  answered(from: number, code: number): void {
    const index = this.#replicas.findIndex((replica) => replica.nodeId === from);
    if (code === status.ok) {
      this.#settle(this.#core.addAcknowledgement(index));
      return;
    }
    this.#parts.refusing.note(from, errorOf(code));
    // Nobody stands in for a replica that is there and is none by its layout: readers would ask it, and not whoever stands in.
    if (code === status.noReplica) this.#fail(index);
    else this.#missedBy(index);
  }

  onFailure(from: number): void {
    this.#missedBy(this.#replicas.findIndex((replica) => replica.nodeId === from));
  }

  /** A replica did not take the write: somebody stands in for it, or this node owes it the record. */
  #missedBy(index: number): void {
    const { nodeId, dataCenter } = this.#replicas[index];
    if (this.#done !== null) {
      this.#fallbacks ??= new Fallbacks(this.#parts, this.#keyspace, this.#address);
      const fallback = this.#fallbacks.take(dataCenter);
      if (fallback !== null) {
        this.#fallbacks.keep(fallback, nodeId, this.#record!, (error) => {
          if (error !== null) {
            this.#missedBy(index);
            return;
          }
          this.#parts.counters.redirected++;
          this.#settle(this.#core.addFallback(index));
        });
        return;
      }
    }
    this.#fail(index);
  }

  #fail(index: number): void {
    this.#parts.hints.owe(this.#replicas[index].nodeId, this.#address);
    this.#settle(this.#core.addFailure(index));
  }

  /** Writes go to all replicas at once: a slow one costs nothing unless it is needed. */
  onSlow(): void {}

  #settle(verdict: Verdict): void {
    if (this.#done === null || verdict === 'pending') return;
    if (verdict === 'met') {
      this.#finish(null);
      return;
    }
    const level = this.#options.level ?? this.#keyspace.settings.writeLevel;
    const required = neededInTotal(this.#requirement);
    const received = this.#core.acknowledgedCount;
    this.#parts.counters.writesRefused++;
    const cause = this.#failure === null ? '' : ` ${this.#failure.message}`;
    this.#finish(
      new CoterieError(
        this.#failure?.code === 'disk-full' ? 'disk-full' : 'quorum-not-met',
        `Writing at ${level} needs ${required} of ${this.#replicas.length} replicas; ${received} acknowledged.${cause}`,
        { required, received, level },
      ),
    );
  }

  #finish(error: CoterieError | null): void {
    const done = this.#done;
    this.#done = null;
    if (error === null) done?.(null, this);
    else done?.(error, null);
  }

  // --- WriteResult ---------------------------------------------------------------------------------------------------

  context(): string {
    if (this.#record === null) return '';
    const context = decodeContext(this.#record);
    const actor = this.#actor;
    const basis =
      this.#basis === null || !this.written
        ? { context, dots: [] }
        : basisAfter(this.#basis, { actor, counter: counterOf(context, actor) });
    return encodeBasis(basis, this.#address, this.#parts.seal);
  }
}
