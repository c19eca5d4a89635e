/** What one client listens to. Bounded: each name costs memory here, and each pattern costs time with every message. */
import type { RespProtocol } from '../../../wire/resp/encoder.ts';
import type { Command } from '../command.ts';
import { Glob } from '../glob.ts';

/** Redis keeps channels and shard channels apart; both reach every node here. */
export type Kind = 'channel' | 'pattern' | 'shard';

const nameCountMax: Readonly<Record<Kind, number>> = { channel: 10_000, pattern: 200, shard: 10_000 };
/** What a name costs beside its bytes. */
const nameOverheadBytes = 256;

const whileListening = new Set([
  ...['subscribe', 'psubscribe', 'ssubscribe', 'unsubscribe', 'punsubscribe', 'sunsubscribe'],
  ...['ping', 'quit', 'reset'],
]);

/** For a client whose protocol cannot tell a reply from a message. */
export function mayRunWhileListening({ name }: Command): boolean {
  return whileListening.has(name);
}

export interface Subscriber {
  /** Its rights may have changed since it began to listen. */
  readonly mayHear: boolean;
  readonly protocol: RespProtocol;
  /** It is handed one whole message of its protocol. A client that does not read them is cut off. */
  hear(message: Buffer): void;
}

interface Held {
  readonly name: Buffer;
  readonly bytes: number;
}

export class ClientSubscriptions {
  private readonly names: Readonly<Record<Kind, Map<string, Held>>> = {
    channel: new Map(),
    pattern: new Map(),
    shard: new Map(),
  };
  private readonly hold: (bytes: number) => void;

  /** `hold` is called with what more memory it takes, or, negative, no longer takes. */
  constructor(hold: (bytes: number) => void) {
    this.hold = hold;
  }

  countOf(kind: Kind): number {
    return this.names[kind].size;
  }

  /** As Redis counts in its replies: channels and patterns together, shard channels alone. */
  toldCount(kind: Kind): number {
    return kind === 'shard' ? this.countOf('shard') : this.countOf('channel') + this.countOf('pattern');
  }

  get isListening(): boolean {
    return this.countOf('channel') + this.countOf('pattern') + this.countOf('shard') > 0;
  }

  namesOf(kind: Kind): Buffer[] {
    return [...this.names[kind].values()].map(({ name }) => name);
  }

  mayAdd(kind: Kind, more: number): boolean {
    return this.countOf(kind) + more <= nameCountMax[kind];
  }

  /** False: it was there. `globBytes`: what its pattern takes, which others may share. */
  add(kind: Kind, name: Buffer, globBytes: number): boolean {
    const text = name.toString('latin1');
    if (this.names[kind].has(text)) return false;
    const bytes = name.length + nameOverheadBytes + globBytes;
    // A copy: the words of a command lie in a larger piece of input.
    this.names[kind].set(text, { name: Buffer.from(name), bytes });
    this.hold(bytes);
    return true;
  }

  remove(kind: Kind, name: Buffer): boolean {
    const text = name.toString('latin1');
    const held = this.names[kind].get(text);
    if (held === undefined) return false;
    this.names[kind].delete(text);
    this.hold(-held.bytes);
    return true;
  }
}

/** Who listens to what, at one node. */
export class Listeners<S> {
  readonly glob: Glob | null;
  readonly name: Buffer;
  readonly subscribers = new Set<S>();

  constructor(kind: Kind, name: Buffer) {
    this.name = Buffer.from(name);
    this.glob = kind === 'pattern' ? new Glob(this.name) : null;
  }
}
