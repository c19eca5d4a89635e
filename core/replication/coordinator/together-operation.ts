/**
 * Several keys of one partition written as one: reads all of them at the wanted level, changes the own copies at one moment
 * and on disk as one, and sends them to each other replica as one. From there on each key is an ordinary write
 * (write-operation.ts): its votes are counted, somebody stands in for a replica that cannot be reached, or owes it the record.
 */
import { CoterieError } from '../../base/errors.ts';
import { partitionOf } from '../../base/token.ts';
import type { Mutation, TogetherKey, TogetherOptions, TogetherValue } from '../../ports/key-value-store.ts';
import { calls } from '../../wire/peer/calls.ts';
import { status } from '../../wire/peer/frames.ts';
import { encodePutTogether, togetherBytesMax } from '../../wire/peer/put-together.ts';
import { call } from '../calls.ts';
import type { Change, TogetherHandler } from '../replica/changes.ts';
import type { KeyspaceState } from '../topology.ts';
import { ReadOperation } from './read-operation.ts';
import { notBegun, outOfReach } from './within-reach.ts';
import { WriteOperation, type WriteParts } from './write-operation.ts';

export interface TogetherResult {
  readonly written: boolean;
  readonly acknowledgedCount: number;
}

type Done = (error: CoterieError | null, result: TogetherResult | null) => void;
type Decide = (values: readonly TogetherValue[]) => readonly Mutation[];

export class TogetherOperation implements TogetherHandler, TogetherResult {
  readonly #parts: WriteParts;
  readonly #keyspace: KeyspaceState;
  readonly #keys: readonly TogetherKey[];
  readonly #options: TogetherOptions;
  readonly #decide: Decide;
  readonly #partition: number;
  readonly #writes: readonly WriteOperation[];
  #mutations: readonly Mutation[] = [];
  #unfinished: number;
  #failure: CoterieError | null = null;
  #done: Done | null;
  written = false;

  /** The keys are different, and all in one partition. */
  constructor(
    parts: WriteParts,
    keyspace: KeyspaceState,
    keys: readonly TogetherKey[],
    options: TogetherOptions,
    decide: Decide,
    done: Done,
  ) {
    this.#parts = parts;
    this.#keyspace = keyspace;
    this.#keys = keys;
    this.#options = options;
    this.#decide = decide;
    this.#done = done;
    this.#partition = partitionOf(keys[0].address.tokenHigh);
    this.#unfinished = keys.length;
    this.#writes = keys.map(({ address, onlyIf }, index) => {
      const own = { basis: 'quorum', level: options.level, onlyIf } as const;
      const finished = (error: CoterieError | null) => this.#finished(error);
      return new WriteOperation(parts, keyspace, address, own, () => this.#mutations[index], finished, true);
    });
  }

  get acknowledgedCount(): number {
    const counts = this.#writes.flatMap((write) => (write.written ? [write.acknowledgedCount] : []));
    return counts.length === 0 ? 0 : Math.min(...counts);
  }

  start(): void {
    if (this.#keyspace.writerIndex[this.#partition] < 0) {
      this.#end(new CoterieError('unavailable', 'No replica of these keys can be reached. Try again.'));
      return;
    }
    const { refusal } = this.#parts.writer;
    const unreached =
      refusal ?? outOfReach(this.#parts, this.#keyspace, this.#keys[0].address, this.#options);
    if (unreached !== null) {
      this.#end(unreached);
      return;
    }
    const heldBytes = this.#keys.reduce((sum, { address }) => sum + this.#parts.records.sizeOf(address), 0);
    if (heldBytes > togetherBytesMax) {
      this.#end(tooLarge('holds', heldBytes));
      return;
    }
    const level = this.#options.readLevel ?? this.#keyspace.readLevel;
    let left = this.#keys.length;
    for (const [index, { address }] of this.#keys.entries()) {
      new ReadOperation(this.#parts, this.#keyspace, address, level, (error, record) => {
        if (error !== null) this.#end(notBegun(error));
        this.#writes[index].knows(record);
        if (--left === 0 && this.#done !== null) this.#change();
      }).start();
    }
  }

  #change(): void {
    const addresses = this.#keys.map(({ address }) => address);
    this.#parts.records.changeTogether(addresses, this.#keyspace.settings.durability, this);
  }

  // --- TogetherHandler -----------------------------------------------------------------------------------------------

  transform(current: readonly (Buffer | null)[]): readonly (Change | null)[] {
    this.#mutations = this.#decide(this.#writes.map((write, index) => write.look(current[index])));
    const changes = this.#writes.map((write, index) => write.transform(current[index]));
    const bytes = changes.reduce((sum, change) => sum + (change?.record.length ?? 0), 0);
    if (bytes > togetherBytesMax) throw tooLarge('would hold', bytes);
    return changes;
  }

  onRefused(error: CoterieError): void {
    this.#end(error);
  }

  onApplied(records: readonly (Buffer | null)[], changed: readonly boolean[]): void {
    this.written = changed.includes(true);
    for (const [index, write] of this.#writes.entries()) write.onApplied(records[index], changed[index]);
    const sent = this.#keys.flatMap(({ address }, index) =>
      changed[index] ? [{ key: address.key, record: records[index]! }] : [],
    );
    if (sent.length === 0) return;
    const payload = encodePutTogether(this.#keyspace.settings.id, sent);
    for (const { nodeId } of this.#keyspace.writers[this.#partition]) {
      if (nodeId !== this.#parts.selfId) this.#send(nodeId, payload);
    }
  }

  #send(nodeId: number, payload: Buffer): void {
    call(this.#parts.requests, nodeId, calls.putTogether, payload, (error, body) => {
      for (const write of this.#writes) {
        if (!write.written) continue;
        if (error === null) write.answered(nodeId, body?.[0] ?? status.failed);
        else write.onFailure(nodeId);
      }
    });
  }

  onDurable(): void {
    for (const write of this.#writes) if (write.written) write.onDurable();
  }

  onFailed(error: CoterieError): void {
    for (const write of this.#writes) if (write.written) write.onFailed(error);
  }

  // --- the keys ------------------------------------------------------------------------------------------------------

  #finished(error: CoterieError | null): void {
    this.#failure ??= error;
    if (--this.#unfinished === 0) this.#end(this.#failure);
  }

  #end(error: CoterieError | null): void {
    const done = this.#done;
    this.#done = null;
    if (error === null) done?.(null, this);
    else done?.(error, null);
  }
}

function tooLarge(holds: string, bytes: number): CoterieError {
  return new CoterieError(
    'too-large',
    `What is changed as one ${holds} ${bytes} bytes; at most ${togetherBytesMax} are. Nothing was done; make it several.`,
  );
}
