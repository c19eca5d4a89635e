/**
 * Replies of a RESP server, from bytes, for a client: RESP2 and RESP3. Incremental and linear in the bytes; nested
 * aggregates are kept on an explicit stack, so neither depth nor a cut in the stream costs a second look.
 */
import { RespInput } from './input.ts';
import { parseSafeInteger } from './integer.ts';
import { RespProtocolError } from './parser.ts';

/** An error reply. A value, not an exception: in a pipeline it belongs to one command only. */
export class RespErrorReply {
  /** Prefix word and message, as `ERR syntax error`. */
  readonly message: string;

  constructor(message: string) {
    this.message = message;
  }

  get prefix(): string {
    const space = this.message.indexOf(' ');
    return space < 0 ? this.message : this.message.slice(0, space);
  }
}

/** Out-of-band data of RESP3: no command's reply. */
export class RespPush {
  readonly items: RespReply[];

  constructor(items: RespReply[]) {
    this.items = items;
  }
}

/** Simple strings and verbatim text are strings, bulk strings are bytes. Sets are arrays; attributes are dropped. */
export type RespReply =
  | null
  | string
  | number
  | bigint
  | boolean
  | Buffer
  | RespErrorReply
  | RespPush
  | RespReply[]
  | Map<RespReply, RespReply>;

export interface RespReplyParserSettings {
  readonly bulkBytesMax: number;
  readonly itemCountMax: number;
  readonly depthMax: number;
}

export const respReplyParserDefaults: RespReplyParserSettings = {
  bulkBytesMax: 512 * 1_048_576,
  itemCountMax: 16_777_216,
  depthMax: 64,
};

type AggregateKind = 'array' | 'map' | 'push' | 'attribute';

interface Frame {
  readonly kind: AggregateKind;
  readonly items: RespReply[];
  left: number;
}

const lineBytesMax = 1_048_576;

export class RespReplyParser {
  private readonly settings: RespReplyParserSettings;
  private readonly input = new RespInput();
  private readonly stack: Frame[] = [];
  /** Kind byte and length of the block being read; kind 0 = none. */
  private blockKind = 0;
  private blockLength = 0;

  constructor(settings: RespReplyParserSettings = respReplyParserDefaults) {
    this.settings = settings;
  }

  push(chunk: Buffer): void {
    this.input.push(chunk);
  }

  /** The next whole reply, or undefined until more bytes come (null is a reply). Throws RespProtocolError. */
  next(): RespReply | undefined {
    while (true) {
      const value = this.readValue();
      if (value === undefined) return undefined;
      if (value === opened) continue;
      const finished = this.place(value);
      if (finished !== undefined) return finished;
    }
  }

  /** Puts a value where it belongs; returns the outermost reply once that is whole. */
  private place(value: RespReply): RespReply | undefined {
    let current: RespReply = value;
    while (true) {
      const frame = this.stack.at(-1);
      if (frame === undefined) return current;
      frame.items.push(current);
      frame.left -= 1;
      if (frame.left > 0) return undefined;
      this.stack.pop();
      if (frame.kind === 'attribute') return undefined;
      current = close(frame);
    }
  }

  private readValue(): RespReply | undefined | typeof opened {
    const { input } = this;
    if (this.blockKind !== 0) return this.readBlock();
    if (!input.readLine()) {
      if (input.unfinishedLineBytes > lineBytesMax) throw new RespProtocolError('too long a line in a reply');
      return undefined;
    }
    const { buffer, lineStart, lineEnd } = input;
    if (lineStart === lineEnd) throw new RespProtocolError('empty line in a reply');
    const kind = String.fromCharCode(buffer[lineStart]);
    const text = (): string => buffer.toString('utf8', lineStart + 1, lineEnd);
    switch (kind) {
      case '+':
        return text();
      case '-':
        return new RespErrorReply(text());
      case ':':
        return this.readInteger(text);
      case '(':
        return parseBigNumber(text());
      case '_':
        return null;
      case '#':
        return parseBoolean(text());
      case ',':
        return parseDouble(text());
      case '$':
      case '=':
      case '!':
        return this.openBlock(kind);
      case '*':
      case '~':
        return this.open('array', 1);
      case '%':
        return this.open('map', 2);
      case '>':
        return this.open('push', 1);
      case '|':
        return this.open('attribute', 2);
      default:
        throw new RespProtocolError(`unknown kind of reply '${kind}'`);
    }
  }

  private readInteger(text: () => string): number | bigint {
    const { buffer, lineStart, lineEnd } = this.input;
    const value = parseSafeInteger(buffer, lineStart + 1, lineEnd);
    return Number.isNaN(value) ? parseBigNumber(text()) : value;
  }

  private openBlock(kind: string): RespReply | undefined {
    const { buffer, lineStart, lineEnd } = this.input;
    const length = parseSafeInteger(buffer, lineStart + 1, lineEnd);
    if (length === -1) return null;
    if (!(length >= 0 && length <= this.settings.bulkBytesMax))
      throw new RespProtocolError('invalid bulk length');
    this.blockKind = kind.charCodeAt(0);
    this.blockLength = length;
    return this.readBlock();
  }

  private readBlock(): RespReply | undefined {
    const block = this.input.readBlock(this.blockLength);
    if (block === null) return undefined;
    const kind = String.fromCharCode(this.blockKind);
    this.blockKind = 0;
    if (kind === '$') return block;
    // Verbatim text carries its format in four bytes: `txt:`.
    return kind === '!' ? new RespErrorReply(block.toString()) : block.toString('utf8', 4);
  }

  private open(kind: AggregateKind, itemsEach: number): RespReply | typeof opened {
    const { buffer, lineStart, lineEnd } = this.input;
    const count = parseSafeInteger(buffer, lineStart + 1, lineEnd);
    if (count === -1) return null;
    if (!(count >= 0 && count <= this.settings.itemCountMax))
      throw new RespProtocolError('invalid multibulk length');
    if (count === 0) return kind === 'attribute' ? opened : close({ kind, items: [], left: 0 });
    if (this.stack.length >= this.settings.depthMax) throw new RespProtocolError('reply nested too deeply');
    this.stack.push({ kind, items: [], left: count * itemsEach });
    return opened;
  }
}

/** Mark for "an aggregate has begun, its items follow". */
const opened = Symbol('opened');

function close(frame: Frame): RespReply {
  if (frame.kind === 'push') return new RespPush(frame.items);
  if (frame.kind !== 'map') return frame.items;
  const map = new Map<RespReply, RespReply>();
  for (let index = 0; index < frame.items.length; index += 2) {
    const key = frame.items[index];
    // Bytes are no useful map key in JavaScript: every known server's map keys are text.
    map.set(Buffer.isBuffer(key) ? key.toString() : key, frame.items[index + 1]);
  }
  return map;
}

function parseBigNumber(text: string): bigint {
  if (!/^[+-]?[0-9]+$/.test(text)) throw new RespProtocolError('invalid integer in a reply');
  return BigInt(text.startsWith('+') ? text.slice(1) : text);
}

function parseBoolean(text: string): boolean {
  if (text !== 't' && text !== 'f') throw new RespProtocolError('invalid boolean in a reply');
  return text === 't';
}

function parseDouble(text: string): number {
  if (text === 'inf') return Number.POSITIVE_INFINITY;
  if (text === '-inf') return Number.NEGATIVE_INFINITY;
  if (text === 'nan' || text === '-nan') return Number.NaN;
  const value = text === '' ? Number.NaN : Number(text);
  if (Number.isNaN(value)) throw new RespProtocolError('invalid double in a reply');
  return value;
}
