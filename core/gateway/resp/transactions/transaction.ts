/**
 * What one connection has of a transaction: the keys that it watches, and the commands that it has queued since MULTI. All of it is
 * about one slot of one keyspace, because one node has to have the last word.
 */
import { slotOf } from '../../../base/token.ts';
import { togetherKeysMax } from '../../../wire/peer/put-together.ts';
import { type Command, keyPositions } from '../command.ts';
import { CommandError, errorTexts } from '../errors.ts';
import { keyBytesMax } from '../gateway.ts';

/** Commands of one transaction. */
const commandCountMax = 10_000;
/** Their words, all together. */
const wordBytesMax = 32 * 1_024 * 1_024;
/** What a queued command costs beside the bytes of its words. */
const commandOverheadBytes = 256;

const control = new Set(['multi', 'exec', 'discard', 'watch', 'quit', 'reset']);
/** Without a key, and harmless wherever they run. */
const keyless = new Set(['ping', 'echo', 'time', 'unwatch', 'publish', 'spublish']);

/** Runs at once although a transaction is open: it is about the transaction, or ends the connection. */
export function isControl({ name }: Command): boolean {
  return control.has(name);
}

function mayBeQueued({ name, firstKey }: Command): boolean {
  return keyless.has(name) || (firstKey > 0 && !name.startsWith('ct.'));
}

export interface Queued {
  readonly command: Command;
  readonly argv: readonly Buffer[];
}

export interface Watched {
  readonly key: Buffer;
  /** What its read knew of it. */
  readonly context: string;
  /** When the first of its values expires; 0: none does. */
  readonly expiresAtMs: number;
}

/** The words of a command lie in a larger piece of input, which would be kept with them, uncounted. */
function ownCopy(words: readonly Buffer[]): Buffer[] {
  const copy = Buffer.allocUnsafeSlow(words.reduce((sum, { length }) => sum + length, 0));
  let end = 0;
  return words.map((word) => {
    const start = end;
    end += word.copy(copy, start);
    return copy.subarray(start, end);
  });
}

export class Transaction {
  /** Called with what more of the connection's memory it holds, or, negative, no longer holds. */
  private readonly hold: (bytes: number) => void;
  private heldBytes = 0;
  /** Of that, the commands that are queued. */
  queuedBytes = 0;
  private spoiled = false;
  private place: { readonly keyspace: number; readonly slot: number } | null = null;
  private readonly keys = new Set<string>();
  private queue: Queued[] = [];
  private readonly watches = new Map<string, Watched>();
  isOpen = false;

  constructor(hold: (bytes: number) => void) {
    this.hold = hold;
  }

  /** Something was asked for that cannot be done: EXEC will do nothing. */
  get isSpoiled(): boolean {
    return this.spoiled;
  }

  get queued(): readonly Queued[] {
    return this.queue;
  }

  get watched(): readonly Watched[] {
    return [...this.watches.values()];
  }

  /** Of the keys that are watched or that queued commands name; null while there are none. */
  get keyspace(): number | null {
    return this.place?.keyspace ?? null;
  }

  open(): void {
    this.isOpen = true;
  }

  spoil(): void {
    if (this.isOpen) this.spoiled = true;
  }

  /** Throws what the client is to be told when it cannot be one of these; the transaction is spoiled then. */
  enqueue(command: Command, argv: readonly Buffer[], keyspace: () => number): void {
    try {
      if (!mayBeQueued(command)) {
        throw new CommandError(
          `ERR ${command.name.toUpperCase()} is not allowed in a transaction: here that is commands on keys of one slot, PUBLISH, PING, ECHO and TIME`,
        );
      }
      let bytes = commandOverheadBytes;
      for (const word of argv) bytes += word.length;
      if (this.queue.length >= commandCountMax || this.heldBytes + bytes > wordBytesMax) {
        throw new CommandError(
          `ERR a transaction has at most ${commandCountMax} commands and ${wordBytesMax} bytes. Make it several`,
        );
      }
      for (const at of keyPositions(command, argv.length)) this.claim(keyspace(), argv[at]);
      this.queue.push({ command, argv: ownCopy(argv) });
      this.queuedBytes += bytes;
      this.add(bytes);
    } catch (cause) {
      this.spoiled = true;
      throw cause;
    }
  }

  /** Throws what the client is to be told when the keys cannot be watched with what is watched already. */
  mayWatch(keyspace: number, keys: readonly Buffer[]): void {
    try {
      for (const key of keys) this.claim(keyspace, key);
    } catch (cause) {
      // Of keys that nobody watches nothing stays.
      this.place = this.watches.size === 0 ? null : this.place;
      this.keys.clear();
      for (const name of this.watches.keys()) this.keys.add(name);
      throw cause;
    }
  }

  isWatched(key: Buffer): boolean {
    return this.watches.has(key.toString('latin1'));
  }

  watch(watched: Watched): void {
    const { key, context } = watched;
    this.watches.set(key.toString('latin1'), { ...watched, key: ownCopy([key])[0] });
    this.add(key.length + context.length + commandOverheadBytes);
  }

  /** It watches nothing and has nothing queued any more. */
  end(): void {
    this.isOpen = false;
    this.spoiled = false;
    this.queue = [];
    this.queuedBytes = 0;
    this.unwatch();
  }

  /** What is queued stays. */
  unwatch(): void {
    this.watches.clear();
    this.place = null;
    this.keys.clear();
    this.add(-this.heldBytes);
  }

  private claim(keyspace: number, key: Buffer): void {
    if (key.length > keyBytesMax) throw new CommandError(errorTexts.keyTooLong);
    const slot = slotOf(key);
    this.place ??= { keyspace, slot };
    if (this.place.keyspace !== keyspace || this.place.slot !== slot) {
      throw new CommandError(
        'CROSSSLOT Keys in one transaction must be in one slot of one keyspace. Give them the same {tag}, such as {order:7}:items and {order:7}:total',
      );
    }
    const name = key.toString('latin1');
    if (this.keys.size >= togetherKeysMax && !this.keys.has(name)) {
      throw new CommandError(`ERR a transaction has at most ${togetherKeysMax} keys. Make it several`);
    }
    this.keys.add(name);
  }

  private add(bytes: number): void {
    this.heldBytes += bytes;
    this.hold(bytes);
  }
}
