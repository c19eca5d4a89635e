/**
 * What one connection makes the node hold, part by part, as its share of the budget. What commands still have in work when
 * their client leaves stays counted until they are done.
 */
import type { RespRequestParser } from '../../wire/resp/parser.ts';
import type { MemoryBudget, MemoryHolder, MemoryShare } from './memory-budget.ts';
import type { ReplyOutput } from './output.ts';
import type { Request } from './request.ts';

/** From here on the last written command counts for as long as WAIT may ask for it: its records are kept so long. */
const notedBytesMin = 65_536;

export class ConnectionMemory {
  readonly share: MemoryShare;
  private readonly parser: RespRequestParser;
  private readonly output: ReplyOutput;
  /** Of commands under way: their words. */
  commandBytes = 0;
  /** Replies that have come before those in front of them. */
  heldReplyBytes = 0;
  /** What commands have gathered for replies to come. */
  private gatheredBytes = 0;
  /** Of the last write, while its records are kept. */
  notedBytes = 0;
  private isClosed = false;

  constructor(
    components: { parser: RespRequestParser; output: ReplyOutput; budget: MemoryBudget },
    holder: MemoryHolder,
  ) {
    this.parser = components.parser;
    this.output = components.output;
    this.share = components.budget.open(holder);
  }

  /** Replies that the client has not taken, in whatever place. */
  get replyBytes(): number {
    return this.heldReplyBytes + this.output.unreadBytes;
  }

  /** Says anew what is held. The holder may have to give way within the call. */
  account(): void {
    const { parser } = this;
    const input = parser.heldBytes;
    const sum = input + this.replyBytes + this.commandBytes + this.gatheredBytes + this.notedBytes;
    this.share.set(sum, parser.isMidCommand ? input : 0);
  }

  begun(request: Request): void {
    this.commandBytes += request.bytes;
  }

  answered(request: Request): void {
    this.commandBytes -= request.bytes;
    if (this.isClosed) this.share.add(-request.bytes);
    else if (request.writes !== null && request.bytes >= notedBytesMin) this.notedBytes = request.bytes;
  }

  writesSettled(): void {
    this.notedBytes = 0;
    this.account();
  }

  keptBack(reply: readonly Buffer[]): void {
    this.heldReplyBytes += bytesOf(reply);
    this.account();
  }

  letOut(reply: readonly Buffer[]): void {
    this.heldReplyBytes -= bytesOf(reply);
  }

  /** Counts what a command gathers; negative for what it lets go. */
  hold(bytes: number): void {
    this.gatheredBytes += bytes;
    if (this.isClosed) this.share.add(bytes);
    else this.account();
  }

  /** `waiting` will never begin. */
  close(waiting: Request | null): void {
    if (this.isClosed) return;
    this.isClosed = true;
    if (waiting !== null) this.commandBytes -= waiting.bytes;
    this.share.close(this.commandBytes + this.gatheredBytes);
  }
}

function bytesOf(pieces: readonly Buffer[]): number {
  let bytes = 0;
  for (const piece of pieces) bytes += piece.length;
  return bytes;
}
