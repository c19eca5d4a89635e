/**
 * One client's connection: takes commands off its socket, starts them in order, lets them overlap where nobody can tell
 * the difference, and gives the replies back in order.
 *
 * A command with one key starts while commands on other keys are pending. It waits for one on the same key, and a
 * barrier (several keys, whole keyspace, session) waits for all and holds up all behind it; so `SET a; RENAME a b; GET b`
 * in one pipeline means what it means on one server. Same key is judged by token: a collision only costs a wait.
 */
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { Logins } from '../../ports/logins.ts';
import type { Meeting } from '../../ports/mutual-proof.ts';
import type { RespEncoder, RespProtocol } from '../../wire/resp/encoder.ts';
import { RespProtocolError, RespRequestParser, respParserDefaults } from '../../wire/resp/parser.ts';
import { clientLine } from './client-line.ts';
import { ConnectionMemory } from './connection-memory.ts';
import { ConnectionWatch } from './connection-watch.ts';
import { errorTexts, listeningOnly, memoryShort } from './errors.ts';
import type { Gateway } from './gateway.ts';
import type { Gathering } from './gathering.ts';
import { ClientIdentity } from './identity.ts';
import { type MemoryHolder, smallShareBytes } from './memory-budget.ts';
import { ReplyOutput } from './output.ts';
import { mayHearAll } from './permissions.ts';
import { ClientSubscriptions, mayRunWhileListening } from './pubsub/client-subscriptions.ts';
import { ReplyMode } from './reply-mode.ts';
import { type ClientControl, type ReplySink, Request } from './request.ts';
import { Session } from './session.ts';
import { isControl, Transaction } from './transactions/transaction.ts';
import { Turn } from './turn.ts';

/** A stalled connection stops reading its socket once this much input waits; before that pausing costs more than it saves. */
const waitingInputBytesMax = 1_048_576;
/** Replies that may be on their way at once, by the size of those before: other clients share the links between nodes. */
const replyBytesInFlightMax = 4 * 1_048_576;
/** What it is shown of others' commands and has not read: it would be the memory of all others. */
const toldBytesMax = 4 * 1_048_576;
/** Messages that it has not read; as much as Redis keeps. */
const heardBytesMax = 32 * 1_048_576;
/** All places taken, a connection has this long to show that it is the host. */
const probationMsMax = 1_000;

export interface ConnectionOwner {
  /** The connection has output: flush it at the end of the turn. */
  markDirty(connection: Connection): void;
  /** It has run its first command, and has a place of its own. */
  spoke(connection: Connection): void;
  /** It has shown that it is the host. */
  proven(connection: Connection): void;
  closed(connection: Connection): void;
}

export class Connection implements ReplySink, ClientControl, MemoryHolder {
  readonly id: number;
  name = '';
  libraryName = '';
  libraryVersion = '';
  noEvict = false;
  readonly identity: ClientIdentity;
  /** All places are taken: it is heard only to find out whether it is the host. */
  isOnProbation: boolean;
  meeting: Meeting | null = null;
  gathering: Gathering | null = null;
  readonly transaction: Transaction;
  readonly subscriptions: ClientSubscriptions;
  dirty = false;
  readonly remoteAddress: string;
  readonly client: ClientControl = this;
  private readonly gateway: Gateway;
  private readonly owner: ConnectionOwner;
  private readonly socket: Socket;
  private readonly session: Session;
  private readonly parser: RespRequestParser;
  /** Started and not yet answered in order; the first one's reply goes out next. */
  private readonly pending: Request[] = [];
  private unansweredCount = 0;
  private barrierRunning = false;
  /** Parsed, and waiting for its turn to start. */
  private waiting: Request | null = null;
  private processing = false;
  private paused = false;
  /** The client sends no more; what it has sent still counts. */
  private inputEnded = false;
  /** No further command is started. */
  private closing = false;
  private ended = false;
  private readonly replyMode = new ReplyMode();
  private readonly output: ReplyOutput;
  private readonly memory: ConnectionMemory;
  private readonly watch: ConnectionWatch;
  private readonly turn = new Turn();
  private turnPlanned = false;
  private receivedBytes = 0;
  private lastReplyBytes = 0;
  readonly connectedAtMs: number;
  private lastCommandAtMs: number;
  private hasSpoken = false;
  private lastCommandName = 'NULL';

  constructor(
    components: { gateway: Gateway; owner: ConnectionOwner; socket: Socket },
    { id, isOnProbation }: { id: number; isOnProbation: boolean },
  ) {
    const { gateway, owner, socket } = components;
    this.gateway = gateway;
    this.owner = owner;
    this.socket = socket;
    this.output = new ReplyOutput(socket);
    this.id = id;
    this.isOnProbation = isOnProbation;
    this.session = new Session(gateway.store, false);
    if (socket instanceof TLSSocket)
      this.session.networkHost = socket.localAddress?.replace(/^::ffff:/, '') ?? '';
    this.parser = new RespRequestParser({
      ...respParserDefaults,
      bulkBytesMax: gateway.settings.valueBytesMax,
    });
    this.memory = new ConnectionMemory(
      { parser: this.parser, output: this.output, budget: gateway.budget },
      this,
    );
    const hold = (bytes: number) => this.memory.hold(bytes);
    this.transaction = new Transaction(hold);
    this.subscriptions = new ClientSubscriptions(hold);
    this.identity = new ClientIdentity(loginsFor(socket, gateway.logins), (mayBeHeard) => {
      this.parser.authenticated = mayBeHeard;
    });
    this.remoteAddress = `${socket.remoteAddress}:${socket.remotePort}`;
    this.connectedAtMs = gateway.clock.monotonicMs();
    this.lastCommandAtMs = this.connectedAtMs;
    this.watch = new ConnectionWatch(gateway.settings, this.connectedAtMs);
    socket.on('data', (chunk: Buffer) => this.receive(chunk));
    socket.on('drain', () => this.process());
    // A broken connection reports itself through `close`.
    socket.on('error', () => {});
    // Half-closed: the client has sent all it will and still reads; pending replies go first.
    socket.on('end', () => {
      // It has left while this process stood still: nobody waits for what it asked.
      if (gateway.standstill.isWaking && this.parser.pendingBytes > 0) {
        this.kill();
        return;
      }
      this.inputEnded = true;
      this.process();
    });
    socket.on('close', () => this.onClosed());
  }

  get underWayCount(): number {
    return this.unansweredCount;
  }

  get hasWaiting(): boolean {
    return this.waiting !== null;
  }

  private receive(chunk: Buffer): void {
    this.gateway.statistics.bytesReceived += chunk.length;
    this.receivedBytes += chunk.length;
    if (this.closing) return;
    this.gateway.standstill.look();
    this.parser.push(chunk);
    this.process();
  }

  /** Starts commands until input, room or order runs out. Re-entrant calls (a reply within a start) return at once. */
  private process(): void {
    // Once it is awake all go on (gateway.ts).
    if (this.processing || this.gateway.standstill.isWaking) return;
    this.processing = true;
    try {
      while (!this.ended && this.startNext());
    } catch (cause) {
      if (cause instanceof RespProtocolError) this.refuseStream(cause);
      else this.giveUp(cause);
    } finally {
      this.processing = false;
    }
    this.memory.account();
    this.adjustReading();
    if (this.closing) this.endWhenAnswered();
  }

  private startNext(): boolean {
    if (this.outputIsLong()) return false;
    if (this.turn.isOver) {
      this.goOn();
      return false;
    }
    let request = this.waiting;
    if (request === null) {
      if (this.closing || this.barrierRunning || this.isFull()) return false;
      const argv = this.parser.next();
      if (argv === null) {
        if (this.inputEnded) this.closing = true;
        return false;
      }
      request = new Request(this.gateway, this.session, argv, this);
      request.bytes = this.parser.lastCommandBytes;
      this.memory.begun(request);
      this.pending.push(request);
      this.unansweredCount += 1;
      if (this.isOnProbation && request.argv[0].toString('latin1', 0, 8).toLowerCase() !== 'ct.host') {
        this.refusePlace(request);
        return false;
      }
      if (!this.gateway.admit(request)) {
        this.transaction.spoil();
        return true;
      }
      if (this.listensOnly && !mayRunWhileListening(request.command!)) {
        request.error(listeningOnly(request.command!.name));
        return true;
      }
      if (this.transaction.isOpen && !isControl(request.command!)) {
        this.enqueue(request);
        return true;
      }
    }
    if (!this.mayStart(request) || this.isPaused(request)) {
      this.waiting = request;
      return false;
    }
    this.waiting = null;
    const command = request.command!;
    this.lastCommandName = command.name;
    this.lastCommandAtMs = this.gateway.clock.monotonicMs();
    this.turn.command(this.lastCommandAtMs);
    if (command.kind === 'barrier') this.barrierRunning = true;
    if (!this.hasSpoken && !this.isOnProbation) {
      this.hasSpoken = true;
      this.owner.spoke(this);
    }
    this.gateway.run(request);
    return true;
  }

  /** A transaction is open: its commands run when it is executed. */
  private enqueue(request: Request): void {
    this.lastCommandName = request.command!.name;
    this.lastCommandAtMs = this.gateway.clock.monotonicMs();
    this.turn.command(this.lastCommandAtMs);
    request.attempt(() => {
      this.transaction.enqueue(request.command!, request.argv, () => this.session.keyspace.id);
      this.gateway.monitors.show(request, this.gateway.clock.nowMs());
      request.begin().simple('QUEUED');
      request.end();
    });
  }

  private isPaused({ command }: Request): boolean {
    const { pause } = this.gateway;
    // EXEC itself touches nothing: what it executes does.
    const executed = command!.name === 'exec' ? this.transaction.queued : [];
    const isHeld = pause.holds(command!) || executed.some((queued) => pause.holds(queued.command));
    return isHeld && !this.identity.isHost;
  }

  private mayStart(request: Request): boolean {
    const { kind } = request.command!;
    if (kind === 'free' || this.unansweredCount === 1) return true;
    const { address } = request;
    if (kind === 'barrier' || address === null) return false;
    for (const other of this.pending) {
      if (other.done || other === request || other.address === null) continue;
      if (other.address.tokenLow === address.tokenLow && other.address.tokenHigh === address.tokenHigh)
        return false;
    }
    return true;
  }

  deliver(request: Request, encoder: RespEncoder): void {
    this.unansweredCount -= 1;
    this.memory.answered(request);
    const { replyBytes } = encoder;
    this.turn.reply(replyBytes);
    // Halved with each that is smaller: what a client asks for next is like what it asked for last.
    this.lastReplyBytes = Math.max(replyBytes, this.lastReplyBytes / 2);
    if (request.command?.kind === 'barrier') this.barrierRunning = false;
    if (this.ended) {
      encoder.take();
      return;
    }
    if (this.pending[0] === request) {
      this.pending.shift();
      if (this.mutes(request)) encoder.take();
      else this.output.takeFrom(encoder);
      for (let next = this.pending[0]; next?.held != null; next = this.pending[0]) {
        this.pending.shift();
        this.memory.letOut(next.held);
        if (!this.mutes(next)) this.output.append(next.held);
      }
      this.markDirty();
    } else {
      request.held = encoder.take();
      this.memory.keptBack(request.held);
    }
    if (this.output.gatheredBytes > this.gateway.settings.outputBufferBytesMax) this.checkOutput();
    if (this.hasWork()) this.process();
  }

  private mutes({ isMessage }: Request): boolean {
    return this.replyMode.mutesNext() && !isMessage;
  }

  private markDirty(): void {
    if (this.dirty) return;
    this.dirty = true;
    this.owner.markDirty(this);
  }

  /** Hands all replies to the socket. Called by the owner at the end of the turn. */
  flush(): void {
    this.dirty = false;
    // What it may not do in this turn it does in the next, not at the end of this one.
    if (!this.turnPlanned) this.turn.begin();
    if (this.ended) return;
    this.gateway.statistics.bytesSent += this.output.flush();
    this.checkOutput();
    this.memory.account();
    if (this.hasWork()) this.process();
  }

  goOn(): void {
    if (this.turnPlanned) return;
    this.turnPlanned = true;
    this.gateway.timers.atTurnEnd(() => {
      this.turnPlanned = false;
      this.turn.begin();
      this.process();
    });
  }

  tell(line: Buffer): void {
    this.push(line, toldBytesMax, 'it does not read what it is shown (MONITOR)');
  }

  hear(message: Buffer): void {
    this.push(message, heardBytesMax, 'it does not read the messages that it listens to');
  }

  get mayHear(): boolean {
    return !this.identity.isLimited || mayHearAll(this.identity.rights);
  }

  private push(bytes: Buffer, unreadBytesMax: number, reason: string): void {
    if (this.ended) return;
    this.output.append([bytes]);
    this.markDirty();
    if (this.output.unreadBytes > unreadBytesMax) this.closeWith(reason);
  }

  get protocol(): RespProtocol {
    return this.session.protocol;
  }

  /** In RESP2 a reply could not be told from a message. */
  get listensOnly(): boolean {
    return this.session.protocol === 2 && this.subscriptions.isListening;
  }

  hold(bytes: number): void {
    this.memory.hold(bytes);
  }

  get isGone(): boolean {
    return this.ended;
  }

  /** It holds most of what all clients hold together, and there is no more room. */
  giveWay(reason: 'budget' | 'pressure'): void {
    if (this.ended) return;
    if (this.gathering !== null && this.gathering.bytes > this.memory.share.bytes / 2) {
      this.gathering.stop();
      return;
    }
    if (this.memory.notedBytes > this.memory.share.bytes / 2) {
      this.forgetWrites();
      return;
    }
    // Best effort: a client that does not read does not read this either. One that has asked nothing would take it for a reply.
    const isAsking = this.unansweredCount > 0 || this.parser.isMidCommand;
    if (isAsking && this.output.unreadBytes === 0) this.socket.write(`-${memoryShort}\r\n`);
    this.closeWith(
      reason === 'budget'
        ? 'it held most of what clients may make this node hold'
        : 'it held most while others waited for memory',
    );
  }

  private hasWork(): boolean {
    return this.waiting !== null || this.parser.pendingBytes > 0 || this.closing || this.inputEnded;
  }

  private outputIsLong(): boolean {
    const { replyBytes, share } = this.memory;
    if (replyBytes > this.gateway.settings.outputBufferBytesMax / 4) return true;
    return replyBytes > smallShareBytes && !share.mayGrow();
  }

  private checkOutput(): void {
    if (this.output.unreadBytes <= this.gateway.settings.outputBufferBytesMax) return;
    this.closeWith('it does not read its replies (output buffer limit)');
  }

  /** Called about once a second: a client that sends or reads nothing for too long goes. */
  checkProgress(nowMs: number): void {
    if (this.ended) return;
    if (this.isOnProbation && nowMs - this.connectedAtMs >= probationMsMax) {
      this.refuse();
      return;
    }
    const { parser, socket } = this;
    // Bytes taken by the system count as read: what lies with it is no memory of ours.
    const unreadBytes = socket.writableLength;
    const reason = this.watch.look(nowMs, {
      isMidCommand: parser.isMidCommand && !this.paused && this.waiting === null && !this.isFull(),
      commandCount: parser.commandCount,
      receivedBytes: this.receivedBytes,
      isHalfClosed: this.inputEnded && this.unansweredCount > 0,
      unreadBytes,
      takenBytes: socket.bytesWritten - unreadBytes,
    });
    if (reason !== null) {
      this.closeWith(reason);
      return;
    }
    const isOver = this.watch.writesAreFinal(nowMs, this.session);
    if (isOver || (this.gateway.budget.isPressed && this.memory.notedBytes > 0)) this.forgetWrites();
    this.memory.account();
  }

  /** Of the last write only the count stays, as it is now. */
  private forgetWrites(): void {
    this.session.settleWrites();
    this.memory.writesSettled();
  }

  private closeWith(reason: string): void {
    this.gateway.log.warn(`client closed: ${reason}`, {
      client: this.id,
      address: this.remoteAddress,
      heldBytes: this.memory.share.bytes,
      unfinishedBytes: this.memory.share.unfinishedBytes,
      unreadBytes: this.output.unreadBytes,
      allClientsBytes: this.gateway.budget.totalBytes,
    });
    this.kill();
  }

  /** How long it has asked nothing and sent nothing; 0 while something is under way. */
  idleMs(nowMs: number): number {
    if (this.unansweredCount > 0 || this.socket.writableLength > 0) return 0;
    return nowMs - Math.max(this.lastCommandAtMs, this.watch.heardMs);
  }

  private adjustReading(): void {
    if (this.ended) return;
    const stalled =
      (this.parser.pendingBytes > waitingInputBytesMax && (this.waiting !== null || this.isFull())) ||
      !this.memory.share.mayGrow();
    if (stalled && !this.paused) {
      this.paused = true;
      this.socket.pause();
    } else if (!stalled && this.paused) {
      this.paused = false;
      this.socket.resume();
    }
  }

  private isFull(): boolean {
    const count = this.pending.length;
    if (count >= this.gateway.settings.commandsInFlightMax || this.outputIsLong()) return true;
    return count > 1 && count * this.lastReplyBytes > replyBytesInFlightMax;
  }

  /** A mistake of ours costs one client its connection, not the node its life. */
  private giveUp(cause: unknown): void {
    this.gateway.log.error('A client was disconnected by a mistake in Coterie. Please report it.', {
      client: this.id,
      cause: cause instanceof Error ? (cause.stack ?? cause.message) : String(cause),
    });
    this.kill();
  }

  private refuseStream(cause: RespProtocolError): void {
    this.gateway.log.warn('client closed: protocol error', {
      client: this.id,
      address: this.remoteAddress,
      reason: cause.message,
    });
    const last = new Request(this.gateway, this.session, [], this);
    this.pending.push(last);
    this.unansweredCount += 1;
    this.closing = true;
    last.error(`ERR ${cause.message}`);
  }

  private endWhenAnswered(): void {
    if (this.ended || this.unansweredCount > 0 || this.waiting !== null || this.dirty) return;
    this.ended = true;
    this.socket.destroySoon();
  }

  private onClosed(): void {
    this.ended = true;
    this.gateway.monitors.remove(this);
    this.closing = true;
    this.letGo();
    this.owner.closed(this);
  }

  /** Only what is in work stays counted, until it is done. */
  private letGo(): void {
    this.gathering?.stop(errorTexts.clientGone);
    this.transaction.end();
    this.gateway.publishing.leave(this);
    this.memory.close(this.waiting);
    this.waiting = null;
    this.output.discard();
    // What waits for its turn need not begin.
    this.gateway.largeWork.startWaiting();
  }

  get localAddress(): string {
    return `${this.socket.localAddress}:${this.socket.localPort}`;
  }

  describe(): string {
    const { database, protocol } = this.session;
    const { localAddress } = this;
    const nowMs = this.gateway.clock.monotonicMs();
    return clientLine(this, {
      localAddress,
      ageMs: nowMs - this.connectedAtMs,
      idleMs: nowMs - this.lastCommandAtMs,
      database,
      protocol,
      queryBytes: this.parser.pendingBytes,
      commandBytes: this.memory.commandBytes,
      pieceCount: this.output.pieceCount,
      unreadBytes: this.output.unreadBytes,
      heldBytes: this.memory.share.bytes,
      commandName: this.lastCommandName,
    });
  }

  private refusePlace(request: Request): void {
    this.gateway.statistics.rejectedConnectionCount += 1;
    this.closing = true;
    request.error(errorTexts.tooManyClients);
  }

  /** All places are taken, and its time to show that it is the host is over. */
  refuse(): void {
    if (this.ended) return;
    this.gateway.statistics.rejectedConnectionCount += 1;
    this.socket.write(`-${errorTexts.tooManyClients}\r\n`);
    this.kill();
  }

  becomeHost(): void {
    this.identity.becomeHost();
    this.isOnProbation = false;
    this.owner.proven(this);
  }

  setReplyMode(mode: 'on' | 'off' | 'skip'): void {
    this.replyMode.set(mode);
  }

  closeAfterReply(): void {
    this.closing = true;
    if (!this.processing) this.process();
  }

  kill(): void {
    if (this.ended && this.socket.destroyed) return;
    this.ended = true;
    // At once, not with the event: others may be waiting for this room.
    this.letGo();
    this.socket.destroy();
  }

  reset(): void {
    this.session.reset();
    this.transaction.end();
    this.gateway.publishing.leave(this);
    this.name = '';
    this.replyMode.set('on');
    this.noEvict = false;
    this.gateway.monitors.remove(this);
    this.identity.reset();
  }
}

/** From other computers nobody comes in without a login, whatever is asked of programs here. */
function loginsFor(socket: Socket, logins: Logins): Logins {
  if (!(socket instanceof TLSSocket)) return logins;
  return {
    required: true,
    users: logins.users,
    check: (user, password, done) => logins.check(user, password, done),
    stampOf: (user) => logins.stampOf(user),
    rightsOf: (user) => logins.rightsOf(user),
    onChange: (handler) => logins.onChange(handler),
  };
}
