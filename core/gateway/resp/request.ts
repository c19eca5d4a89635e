/**
 * One command on its way through the gateway: its words, whose it is, where its reply goes. A handler answers exactly
 * once, through `begin`/`end` or one of the short forms; between them it must not call the store, because all replies
 * are written into one encoder.
 */
import { assert } from '../../base/assert.ts';
import { CoterieError, wasNotBegun } from '../../base/errors.ts';
import type { KeyAddress } from '../../base/token.ts';
import type { Mutation, WriteResult } from '../../ports/key-value-store.ts';
import type { Meeting } from '../../ports/mutual-proof.ts';
import type { RespEncoder, RespProtocol } from '../../wire/resp/encoder.ts';
import type { Command } from './command.ts';
import { CommandError, errorReply, errorTexts, KeyspaceDropped } from './errors.ts';
import type { Gateway } from './gateway.ts';
import type { Gathering } from './gathering.ts';
import type { ClientIdentity } from './identity.ts';
import type { ClientSubscriptions } from './pubsub/client-subscriptions.ts';
import type { NotedWrite, Session } from './session.ts';
import type { Transaction } from './transactions/transaction.ts';
import { runsAgain } from './turn-waits.ts';

/** Takes the reply that stands in the encoder. Called within `end`, exactly once per request. */
export interface ReplySink {
  deliver(request: Request, encoder: RespEncoder): void;
  /** The client behind the session, for commands that are about it; null for forwarded and partial commands. */
  readonly client: ClientControl | null;
}

/** What commands may ask of the connection they came on. Implemented by connection.ts. */
export interface ClientControl {
  readonly id: number;
  name: string;
  libraryName: string;
  libraryVersion: string;
  readonly identity: ClientIdentity;
  noEvict: boolean;
  /** Between the two steps of showing that it is the host of this cluster (commands/host.ts). */
  meeting: Meeting | null;
  becomeHost(): void;
  /** It has left: whatever is still done for it is done for nobody. */
  readonly isGone: boolean;
  /** What the command under way has gathered, where that is much. */
  gathering: Gathering | null;
  readonly transaction: Transaction;
  readonly subscriptions: ClientSubscriptions;
  readonly protocol: RespProtocol;
  readonly mayHear: boolean;
  /** Only what is about its subscriptions can be answered to it now. */
  readonly listensOnly: boolean;
  /** A message that it listens to. A client that does not read them is cut off. */
  hear(message: Buffer): void;
  readonly remoteAddress: string;
  readonly localAddress: string;
  readonly connectedAtMs: number;
  /** A line that answers nothing. A client that does not read such lines is cut off. */
  tell(line: Buffer): void;
  /** What it waited for may be over. */
  goOn(): void;
  /** Counts memory that is held for it, or, with a negative number, no longer held. */
  hold(bytes: number): void;
  describe(): string;
  setReplyMode(mode: 'on' | 'off' | 'skip'): void;
  /** Ends the connection after the replies before it have been sent. */
  closeAfterReply(): void;
  kill(): void;
  reset(): void;
}

export class Request {
  readonly gateway: Gateway;
  readonly session: Session;
  readonly argv: readonly Buffer[];
  readonly sink: ReplySink;
  command: Command | null = null;
  /** The key's address, for commands with exactly one key. */
  address: KeyAddress | null = null;
  done = false;
  /** Nodes that refused it so far. */
  forwardCount = 0;
  /** Since when it has waited for another node to decide; null: it has not. */
  turnWaitSinceMs: number | null = null;
  /** When a client's own command began; negative before that, and for parts and what other nodes send. */
  startedAtMs = -1;
  /** Memory of its words, as far as it counts. */
  bytes = 0;
  /** Bytes for which it has a place among the large ones (large-work.ts). */
  largeBytes = 0;
  /** What it has gathered, where that is much. */
  gathering: Gathering | null = null;
  /** Reply kept back until the replies before it have gone; null while it has not come or once it has left. */
  held: Buffer[] | null = null;
  /** The command that this one is a part of (one key of an MGET). */
  parent: Request | null = null;
  writes: NotedWrite[] | null = null;
  /** Listeners to changes of keys hear nothing of what it writes. */
  isSilent = false;
  /** Its reply is one of the messages of its client, which CLIENT REPLY does not mute. */
  isMessage = false;
  /** It failed with this before it had changed anything. */
  notBegun: CoterieError | null = null;

  constructor(gateway: Gateway, session: Session, argv: readonly Buffer[], sink: ReplySink) {
    this.gateway = gateway;
    this.session = session;
    this.argv = argv;
    this.sink = sink;
  }

  /** The client's own command, of which this one may be a part. */
  get root(): Request {
    let root: Request = this;
    while (root.parent !== null) root = root.parent;
    return root;
  }

  /** Nobody waits for it any more: what has not begun need not begin. */
  get isAbandoned(): boolean {
    return this.root.sink.client?.isGone === true;
  }

  begin(): RespEncoder {
    const { encoder } = this.gateway;
    encoder.begin(this.session.protocol);
    return encoder;
  }

  end(): void {
    assert(!this.done, 'a command is answered once');
    this.done = true;
    // Before the reply counts as output: it would count twice.
    this.gathering?.end();
    if (this.startedAtMs >= 0) this.gateway.finished(this);
    this.sink.deliver(this, this.gateway.encoder);
    if (this.largeBytes > 0) this.gateway.largeWork.leave(this.largeBytes);
  }

  ok(): void {
    this.begin().ok();
    this.end();
  }

  integer(value: number | bigint): void {
    this.begin().integer(value);
    this.end();
  }

  bulk(value: Buffer): void {
    this.begin().bulk(value);
    this.end();
  }

  text(value: string): void {
    this.begin().text(value);
    this.end();
  }

  nil(): void {
    this.begin().nil();
    this.end();
  }

  /** `text` with its prefix word. */
  error(text: string): void {
    this.begin().error(text);
    this.end();
  }

  /** Answers with an error. One that nobody expected is a bug: the client learns that much, the log the place. */
  fail(cause: unknown): void {
    if (!(cause instanceof CoterieError)) this.gateway.reportBug(cause, this);
    else if (wasNotBegun(cause) && this.writes === null) this.notBegun = cause;
    this.error(errorReply(cause));
    if (cause instanceof KeyspaceDropped) this.root.sink.client?.closeAfterReply();
  }

  /** Runs a part of the command. Whatever it throws concerns this command alone. */
  attempt(part: () => void): void {
    try {
      part();
    } catch (cause) {
      this.#failed(cause);
    }
  }

  /** The callback for a question to the store: an error answers the command, an answer goes on under its guard. */
  onAnswer<A>(next: (answer: A) => void): (error: CoterieError | null, answer?: A | null) => void {
    return (error, answer) => {
      if (error !== null && runsAgain(this, error)) return;
      try {
        if (error !== null) throw error;
        next(answer as A);
      } catch (cause) {
        this.#failed(cause);
      }
    };
  }

  /** Runs within the store, which expects typed errors only: a bug is reported here and goes on as one. */
  decide<T>(decision: () => T): T {
    try {
      return decision();
    } catch (cause) {
      if (cause instanceof CoterieError) throw cause;
      this.gateway.reportBug(cause, this);
      throw new CommandError(errorTexts.internal);
    }
  }

  #failed(cause: unknown): void {
    let reason = cause;
    if (!this.done) {
      try {
        this.fail(cause);
        return;
      } catch (again) {
        reason = again;
      }
    }
    // Answered, or past answering: what its client would read next cannot be relied upon.
    this.gateway.reportBug(reason, this);
    this.sink.client?.kill();
  }

  /** Replies that are RESP bytes already. */
  raw(pieces: readonly Buffer[]): void {
    const encoder = this.begin();
    for (const piece of pieces) encoder.raw(piece);
    this.end();
  }

  /** Remembers a write for WAIT; the parts of one command count together. */
  noteWrite(
    result: Pick<WriteResult, 'acknowledgedCount'>,
    mutation: Mutation,
    { keepsExpiry = false } = {},
  ): void {
    this.#note({ result, fixed: false });
    this.gateway.notifications.wrote(this, mutation, keepsExpiry);
  }

  /** As `noteWrite`, of what was written elsewhere, or of several keys: others tell of it. */
  noteWritten(result: Pick<WriteResult, 'acknowledgedCount'>, fixed: boolean): void {
    this.#note({ result, fixed });
  }

  #note(write: NotedWrite): void {
    const { root } = this;
    root.writes ??= [];
    root.writes.push(write);
    root.session.lastWrites = root.writes;
  }
}
