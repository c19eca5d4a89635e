/**
 * The keys of a transaction while it runs: its commands read and write here, each seeing what those before it wrote, and what is
 * there in the end is what becomes of each key. Answers within the call, because all of it happens at one moment.
 */
import type { CoterieError } from '../../../base/errors.ts';
import type { KeyAddress } from '../../../base/token.ts';
import type {
  KeyspaceView,
  LiveValue,
  Mutation,
  ReadResult,
  WriteResult,
} from '../../../ports/key-value-store.ts';
import { togetherBytesMax } from '../../../wire/peer/put-together.ts';
import { CommandError } from '../errors.ts';
import type { CommandStore } from '../session.ts';

interface Held {
  siblings: readonly LiveValue[];
  mutation: Mutation;
}

const untouched: Mutation = { kind: 'none' };
const lengthOf = (mutation: Mutation) => (mutation.kind === 'put' ? mutation.value.length : 0);
/** Nobody asks for contexts within a transaction. */
const noContext = () => '';

export class BatchStore implements CommandStore {
  private readonly keyspace: number;
  private readonly views: readonly KeyspaceView[];
  private readonly held = new Map<string, Held>();
  /** Of the values that would be written. */
  private writtenBytes = 0;

  constructor(views: readonly KeyspaceView[], keyspace: number) {
    this.views = views;
    this.keyspace = keyspace;
  }

  /** A key of the transaction, as it was found. */
  add(key: Buffer, siblings: readonly LiveValue[]): void {
    this.held.set(key.toString('latin1'), { siblings, mutation: untouched });
  }

  mutationOf(key: Buffer): Mutation {
    return this.held.get(key.toString('latin1'))?.mutation ?? untouched;
  }

  /** Said before all of it is made: a short command can make a long value, and there are many of them. */
  get isTooLarge(): boolean {
    return this.writtenBytes > togetherBytesMax;
  }

  keyspaces(): readonly KeyspaceView[] {
    return this.views;
  }

  read(
    address: KeyAddress,
    _options: unknown,
    done: (error: CoterieError | null, result: ReadResult | null) => void,
  ): void {
    const found = this.find(address);
    if (found instanceof CommandError) done(found, null);
    else done(null, { siblings: found.siblings, context: noContext, expiredAtMs: () => 0 });
  }

  write(
    address: KeyAddress,
    _options: unknown,
    decide: (siblings: readonly LiveValue[]) => Mutation,
    done: (error: CoterieError | null, result: WriteResult | null) => void,
  ): void {
    const found = this.find(address);
    let mutation = untouched;
    try {
      if (found instanceof CommandError) throw found;
      mutation = decide(found.siblings);
      if (mutation.kind !== 'none') {
        this.writtenBytes += lengthOf(mutation) - lengthOf(found.mutation);
        found.mutation = mutation;
        const timestamp = found.siblings[0]?.timestamp ?? 0;
        found.siblings = mutation.kind === 'put' ? [{ ...mutation, timestamp }] : [];
      }
    } catch (cause) {
      done(cause as CoterieError, null);
      return;
    }
    done(null, { written: mutation.kind !== 'none', acknowledgedCount: 0, context: noContext });
  }

  private find({ keyspace, key }: KeyAddress): Held | CommandError {
    const found = keyspace === this.keyspace ? this.held.get(key.toString('latin1')) : undefined;
    return found ?? new CommandError('ERR a transaction stays in one keyspace');
  }
}
