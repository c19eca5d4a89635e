/**
 * Requests of Redis clients, from bytes: arrays of bulk strings and inline commands (Redis serialization protocol
 * specification; networking.c for the limits and the words of each error). Incremental: any cut of the stream gives the
 * same commands. Never interprets a command.
 */
import { CoterieError } from '../../base/errors.ts';
import { splitInline } from './inline.ts';
import { RespInput } from './input.ts';
import { parseSafeInteger } from './integer.ts';

/** The stream can no longer be trusted: answer `-ERR ` and the message, then close. */
export class RespProtocolError extends CoterieError {
  constructor(detail: string) {
    super('bad-input', `Protocol error: ${detail}`);
    this.name = 'RespProtocolError';
  }
}

export interface RespParserSettings {
  readonly bulkBytesMax: number;
  readonly argumentCountMax: number;
  /** All arguments of one command together. Larger: an MSET of many large values passes; smaller: less memory per client. */
  readonly commandBytesMax: number;
}

export const respParserDefaults: RespParserSettings = {
  bulkBytesMax: 50 * 1_048_576,
  argumentCountMax: 1_048_576,
  commandBytesMax: 256 * 1_048_576,
};

/** A line longer than this without its end is an attack or a mistake (PROTO_INLINE_MAX_SIZE). */
const lineBytesMax = 65_536;
/** What a client may send before it has authenticated: enough for AUTH and HELLO. */
const strangerArgumentCountMax = 10;
const strangerBulkBytesMax = 16_384;

/** What a word costs beside its bytes: the object that stands for it, some 150 bytes, and as many again until they are collected. */
const wordOverheadBytes = 256;

const asterisk = 0x2a;
const dollar = 0x24;

export class RespRequestParser {
  /** While false, requests are held to what AUTH and HELLO need. */
  authenticated = true;
  private readonly settings: RespParserSettings;
  private readonly input = new RespInput();
  private command: Buffer[] | null = null;
  private argumentsLeft = 0;
  private bulkLength = -1;
  private commandBytes = 0;
  /** Memory of the words of the command that `next` has returned last. */
  lastCommandBytes = 0;
  /** Commands returned so far: tells whether an unfinished command is still the same. */
  commandCount = 0;

  constructor(settings: RespParserSettings = respParserDefaults) {
    this.settings = settings;
  }

  /** Bytes received and not yet part of a returned command, without arguments already parsed. */
  get pendingBytes(): number {
    return this.input.pendingBytes;
  }

  /** All memory that waits here: unparsed bytes, and the words of a command of which more is to come. */
  get heldBytes(): number {
    const { command, input } = this;
    return input.heldBytes + (command === null ? 0 : command.length * wordOverheadBytes);
  }

  /** Some part of a command has come, and more is to come. Only meaningful once `next` has returned null. */
  get isMidCommand(): boolean {
    return this.command !== null || this.input.position < this.input.end;
  }

  push(chunk: Buffer): void {
    this.input.push(chunk);
  }

  /** The next whole command, or null until more bytes come. Throws RespProtocolError, after which it must be dropped. */
  next(): Buffer[] | null {
    const { input } = this;
    while (true) {
      if (this.command !== null) return this.readArguments(this.command);
      if (input.position === input.end) {
        input.forgetEarlier();
        return null;
      }
      if (input.buffer[input.position] === asterisk) {
        if (!this.readHeader()) return null;
      } else {
        const command = this.readInline();
        if (command === null) return null;
        if (command.length > 0) return command;
      }
    }
  }

  /** False while the line is incomplete. An empty or null array leaves no command behind: it is skipped. */
  private readHeader(): boolean {
    const { input } = this;
    if (!input.readLine()) {
      if (input.unfinishedLineBytes > lineBytesMax) throw new RespProtocolError('too big mbulk count string');
      return false;
    }
    const count = parseSafeInteger(input.buffer, input.lineStart + 1, input.lineEnd);
    // Not `count > max` alone: NaN must be refused too.
    if (!(count <= this.settings.argumentCountMax)) throw new RespProtocolError('invalid multibulk length');
    if (count > strangerArgumentCountMax && !this.authenticated) {
      throw new RespProtocolError('unauthenticated multibulk length');
    }
    if (count > 0) {
      this.command = [];
      this.argumentsLeft = count;
      this.commandBytes = 0;
    }
    return true;
  }

  private readArguments(command: Buffer[]): Buffer[] | null {
    const { input } = this;
    while (this.argumentsLeft > 0) {
      if (this.bulkLength < 0 && !this.readBulkLength()) return null;
      const block = input.readBlock(this.bulkLength);
      if (block === null) return null;
      command.push(block);
      this.bulkLength = -1;
      this.argumentsLeft -= 1;
    }
    this.command = null;
    return this.finished(command, this.commandBytes);
  }

  private finished(command: Buffer[], bytes: number): Buffer[] {
    this.lastCommandBytes = bytes + command.length * wordOverheadBytes;
    this.commandCount += 1;
    this.input.forgetEarlier();
    return command;
  }

  private readBulkLength(): boolean {
    const { input } = this;
    const start = input.position;
    if (!input.readLine()) {
      if (input.unfinishedLineBytes > lineBytesMax) throw new RespProtocolError('too big bulk count string');
      return false;
    }
    const first = input.buffer[start];
    if (first !== dollar) {
      throw new RespProtocolError(`expected '$', got '${String.fromCharCode(first)}'`);
    }
    const length = parseSafeInteger(input.buffer, start + 1, input.lineEnd);
    if (!(length >= 0 && length <= this.settings.bulkBytesMax)) {
      throw new RespProtocolError('invalid bulk length');
    }
    if (length > strangerBulkBytesMax && !this.authenticated) {
      throw new RespProtocolError('unauthenticated bulk length');
    }
    this.commandBytes += length;
    if (this.commandBytes > this.settings.commandBytesMax) {
      throw new RespProtocolError('query buffer limit exceeded');
    }
    this.bulkLength = length;
    return true;
  }

  private readInline(): Buffer[] | null {
    const { input } = this;
    if (!input.readLooseLine()) {
      if (input.unfinishedLineBytes > lineBytesMax) throw new RespProtocolError('too big inline request');
      return null;
    }
    const command = splitInline(input.buffer, input.lineStart, input.lineEnd);
    if (command === null) throw new RespProtocolError('unbalanced quotes in request');
    // An empty line is no command: `next` goes on.
    return command.length === 0 ? command : this.finished(command, input.lineEnd - input.lineStart);
  }
}
