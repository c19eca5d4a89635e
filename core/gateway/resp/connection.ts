/**
 * One client's connection: takes commands off its socket, starts them in order, lets them overlap where nobody can tell
 * the difference, and gives the replies back in order.
 *
 * A command with one key starts while commands on other keys are pending. It waits for one on the same key, and a
 * barrier (several keys, whole keyspace, session) waits for all and holds up all behind it; so `SET a; RENAME a b; GET b`
 * in one pipeline means what it means on one server. Same key is judged by token: a collision only costs a wait.
 */
import type { Socket } from 'node:net';
import type { RespEncoder } from '../../wire/resp-encoder.ts';
import { RespProtocolError, RespRequestParser, respParserDefaults } from '../../wire/resp-parser.ts';
import type { Gateway } from './gateway.ts';
import { ReplyOutput } from './output.ts';
import { passwordMatches } from './passwords.ts';
import { type ClientControl, type ReplySink, Request } from './request.ts';
import { Session } from './session.ts';

/** A stalled connection stops reading its socket once this much input waits; before that pausing costs more than it saves. */
const waitingInputBytesMax = 1_048_576;

export interface ConnectionOwner {
  /** The connection has output: flush it at the end of the turn. */
  markDirty(connection: Connection): void;
  closed(connection: Connection): void;
}

export class Connection implements ReplySink, ClientControl {
  readonly id: number;
  name = '';
  libraryName = '';
  libraryVersion = '';
  user = '';
  noEvict = false;
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
  private replyMode: 'on' | 'off' | 'skip' | 'skip-next' = 'on';
  private readonly output: ReplyOutput;
  private unreadSinceMs = -1;
  private takenAtLastLook = -1;
  private readonly connectedAtMs: number;
  private lastCommandAtMs: number;
  private lastCommandName = 'NULL';

  constructor(gateway: Gateway, owner: ConnectionOwner, socket: Socket, id: number) {
    this.gateway = gateway;
    this.owner = owner;
    this.socket = socket;
    this.output = new ReplyOutput(socket);
    this.id = id;
    this.session = new Session(gateway.store, false);
    this.parser = new RespRequestParser({
      ...respParserDefaults,
      bulkBytesMax: gateway.settings.valueBytesMax,
    });
    this.user = gateway.settings.passwords.length === 0 ? 'default' : '';
    this.parser.authenticated = this.user !== '';
    this.remoteAddress = `${socket.remoteAddress}:${socket.remotePort}`;
    this.connectedAtMs = gateway.clock.monotonicMs();
    this.lastCommandAtMs = this.connectedAtMs;
    socket.on('data', (chunk: Buffer) => this.receive(chunk));
    socket.on('drain', () => this.process());
    // A broken connection reports itself through `close`.
    socket.on('error', () => {});
    // Half-closed: the client has sent all it will and still reads; pending replies go first.
    socket.on('end', () => {
      this.inputEnded = true;
      this.process();
    });
    socket.on('close', () => this.onClosed());
  }

  private receive(chunk: Buffer): void {
    this.gateway.statistics.bytesReceived += chunk.length;
    if (this.closing) return;
    this.parser.push(chunk);
    this.process();
  }

  /** Starts commands until input, room or order runs out. Re-entrant calls (a reply within a start) return at once. */
  private process(): void {
    if (this.processing) return;
    this.processing = true;
    try {
      while (!this.ended && this.startNext());
    } catch (cause) {
      if (cause instanceof RespProtocolError) this.refuseStream(cause);
      else this.giveUp(cause);
    } finally {
      this.processing = false;
    }
    this.adjustReading();
    if (this.closing) this.endWhenAnswered();
  }

  private startNext(): boolean {
    if (this.outputIsLong()) return false;
    let request = this.waiting;
    if (request === null) {
      if (this.closing || this.barrierRunning || this.isFull()) return false;
      const argv = this.parser.next();
      if (argv === null) {
        if (this.inputEnded) this.closing = true;
        return false;
      }
      request = new Request(this.gateway, this.session, argv, this);
      this.pending.push(request);
      this.unansweredCount += 1;
      if (!this.gateway.admit(request)) return true;
    }
    if (!this.mayStart(request)) {
      this.waiting = request;
      return false;
    }
    this.waiting = null;
    const command = request.command!;
    this.lastCommandName = command.name;
    this.lastCommandAtMs = this.gateway.clock.monotonicMs();
    if (command.kind === 'barrier') this.barrierRunning = true;
    this.gateway.run(request);
    return true;
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
    if (request.command?.kind === 'barrier') this.barrierRunning = false;
    if (this.ended) {
      encoder.take();
      return;
    }
    if (this.pending[0] === request) {
      this.pending.shift();
      if (this.isMuted()) encoder.take();
      else this.output.takeFrom(encoder);
      for (let next = this.pending[0]; next?.held != null; next = this.pending[0]) {
        this.pending.shift();
        if (!this.isMuted()) this.output.append(next.held);
      }
      this.markDirty();
    } else {
      request.held = encoder.take();
    }
    if (this.output.gatheredBytes > this.gateway.settings.outputBufferBytesMax) this.checkOutput();
    if (this.hasWork()) this.process();
  }

  private isMuted(): boolean {
    if (this.replyMode === 'on') return false;
    if (this.replyMode === 'skip-next') this.replyMode = 'skip';
    else if (this.replyMode === 'skip') this.replyMode = 'on';
    return true;
  }

  private markDirty(): void {
    if (this.dirty) return;
    this.dirty = true;
    this.owner.markDirty(this);
  }

  /** Hands all replies to the socket. Called by the owner at the end of the turn. */
  flush(): void {
    this.dirty = false;
    if (this.ended) return;
    this.gateway.statistics.bytesSent += this.output.flush();
    this.checkOutput();
    if (this.hasWork()) this.process();
  }

  private hasWork(): boolean {
    return this.waiting !== null || this.parser.pendingBytes > 0 || this.closing || this.inputEnded;
  }

  private outputIsLong(): boolean {
    return this.output.unreadBytes > this.gateway.settings.outputBufferBytesMax / 4;
  }

  private checkOutput(): void {
    if (this.output.unreadBytes <= this.gateway.settings.outputBufferBytesMax) return;
    this.gateway.log.warn('client closed: it does not read its replies (output buffer limit)', {
      client: this.id,
      address: this.remoteAddress,
      unreadBytes: this.output.unreadBytes,
    });
    this.kill();
  }

  /** Called about once a second: a client that reads nothing for too long goes. */
  checkProgress(nowMs: number): void {
    if (this.socket.writableLength === 0) {
      this.unreadSinceMs = -1;
      return;
    }
    // Any byte taken since the last look counts as reading.
    const taken = this.socket.bytesWritten - this.socket.writableLength;
    if (this.unreadSinceMs < 0 || taken !== this.takenAtLastLook) {
      this.unreadSinceMs = nowMs;
      this.takenAtLastLook = taken;
      return;
    }
    if (nowMs - this.unreadSinceMs < this.gateway.settings.unreadOutputTimeMsMax) return;
    this.gateway.log.warn('client closed: it has not read its replies for too long', {
      client: this.id,
      address: this.remoteAddress,
      unreadBytes: this.output.unreadBytes,
    });
    this.kill();
  }

  private adjustReading(): void {
    if (this.ended) return;
    const stalled =
      this.parser.pendingBytes > waitingInputBytesMax && (this.waiting !== null || this.isFull());
    if (stalled && !this.paused) {
      this.paused = true;
      this.socket.pause();
    } else if (!stalled && this.paused) {
      this.paused = false;
      this.socket.resume();
    }
  }

  private isFull(): boolean {
    return this.pending.length >= this.gateway.settings.commandsInFlightMax || this.outputIsLong();
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
    this.closing = true;
    this.waiting = null;
    this.output.discard();
    this.owner.closed(this);
  }

  authenticate(user: string | null, password: Buffer): boolean {
    const { passwords } = this.gateway.settings;
    const known = user === null || user === 'default';
    // Without passwords the user `default` takes any, as Redis's nopass user does.
    if (!(passwords.length === 0 ? known : passwordMatches(passwords, password) && known)) return false;
    this.user = 'default';
    this.parser.authenticated = true;
    return true;
  }

  describe(): string {
    const nowMs = this.gateway.clock.monotonicMs();
    const age = Math.floor((nowMs - this.connectedAtMs) / 1000);
    const idle = Math.floor((nowMs - this.lastCommandAtMs) / 1000);
    return (
      `id=${this.id} addr=${this.remoteAddress} laddr=${this.socket.localAddress}:${this.socket.localPort} ` +
      `fd=${this.id} name=${this.name} age=${age} idle=${idle} flags=${this.noEvict ? 'e' : 'N'} ` +
      `db=${this.session.database} sub=0 psub=0 ssub=0 multi=-1 watch=0 qbuf=${this.parser.pendingBytes} qbuf-free=0 ` +
      `argv-mem=0 multi-mem=0 rbs=0 rbp=0 obl=0 oll=${this.output.pieceCount} omem=${this.output.unreadBytes} tot-mem=0 events=r ` +
      `cmd=${this.lastCommandName} user=${this.user || '(none)'} redir=-1 resp=${this.session.protocol} ` +
      `lib-name=${this.libraryName} lib-ver=${this.libraryVersion}`
    );
  }

  setReplyMode(mode: 'on' | 'off' | 'skip'): void {
    // SKIP mutes the next command's reply, and its own.
    this.replyMode = mode === 'skip' ? (this.replyMode === 'off' ? 'off' : 'skip-next') : mode;
  }

  closeAfterReply(): void {
    this.closing = true;
    if (!this.processing) this.process();
  }

  kill(): void {
    if (this.ended && this.socket.destroyed) return;
    this.ended = true;
    this.socket.destroy();
  }

  reset(): void {
    this.session.reset();
    this.name = '';
    this.replyMode = 'on';
    this.noEvict = false;
    this.user = this.gateway.settings.passwords.length === 0 ? 'default' : '';
    this.parser.authenticated = this.user !== '';
  }
}
