/** Strings as bits: GETBIT, SETBIT, BITCOUNT, BITPOS, BITFIELD and BITOP. The arithmetic is in bits.ts and bitfield.ts. */
import { isWord, lowerText, readInteger, readNumber, word } from '../arguments.ts';
import { bytesWritten, readBitfield, readBitOffset, runBitfield } from '../bitfield.ts';
import {
  type BitOperation,
  type BitRange,
  bitAt,
  bitsWithin,
  combineBits,
  countOnes,
  findBit,
  invertBits,
  withBit,
} from '../bits.ts';
import { type Command, defineCommand, oneKey } from '../command.ts';
import { CommandError, errorTexts } from '../errors.ts';
import type { Gathering } from '../gathering.ts';
import { bulkOf, isErrorReply, runPart, runParts } from '../parts.ts';
import type { Request } from '../request.ts';
import { modify, noMutation, readKey } from './strings.ts';

const emptyValue = Buffer.alloc(0);

/** The value of the command's key; undefined where there is none. */
function readValue(request: Request, answer: (value: Buffer | undefined) => void): void {
  readKey(request, ({ siblings }) => answer(siblings[0]?.value));
}

function getbit(request: Request): void {
  const offset = readBitOffset(request.argv[2], request.gateway.settings.valueBytesMax);
  readValue(request, (value) => request.integer(bitAt(value ?? emptyValue, offset)));
}

function readBit(bytes: Buffer, errorText: string): 0 | 1 {
  const bit = readInteger(bytes, errorText);
  if (bit !== 0 && bit !== 1) throw new CommandError(errorText);
  return bit;
}

function setbit(request: Request): void {
  const { argv, gateway, session } = request;
  const offset = readBitOffset(argv[2], gateway.settings.valueBytesMax);
  const bit = readBit(argv[3], 'ERR bit is not an integer or out of range');
  const newExpiry = session.defaultExpiry(gateway.clock.nowMs());
  let before: 0 | 1 = 0;
  modify(
    request,
    (current) => {
      const value = current?.value ?? emptyValue;
      before = bitAt(value, offset);
      // Already so: a whole value need not go to every replica for it.
      if (before === bit && offset < value.length * 8) return noMutation;
      return {
        kind: 'put',
        value: withBit(value, offset, bit),
        expiresAtMs: current?.expiresAtMs ?? newExpiry,
      };
    },
    () => request.integer(before),
  );
}

/** A far offset makes a long value of a short command, and one beyond this is refused before it needs memory. */
const growthBytesMax = 2 ** 30;

function growthOf(bytesNeeded: () => number): number {
  try {
    return bytesNeeded();
  } catch {
    // The command itself will say what is wrong with it.
    return 0;
  }
}

const wordByte = word('byte');
const wordBit = word('bit');

function readUnit(bytes: Buffer | undefined): BitRange['unit'] {
  if (bytes === undefined || isWord(bytes, wordByte)) return 'byte';
  if (isWord(bytes, wordBit)) return 'bit';
  throw new CommandError(errorTexts.syntax);
}

function bitcount(request: Request): void {
  const { argv } = request;
  if (argv.length === 3 || argv.length > 5) throw new CommandError(errorTexts.syntax);
  const range: BitRange =
    argv.length === 2
      ? { from: 0, to: -1, unit: 'byte' }
      : { from: readNumber(argv[2]), to: readNumber(argv[3]), unit: readUnit(argv[4]) };
  // Both before the value's beginning, and the wrong way round: Redis counts none, where others of its commands see one byte.
  const isBackwards = range.from < 0 && range.to < 0 && range.from > range.to;
  readValue(request, (value = emptyValue) => {
    const bits = isBackwards ? null : bitsWithin(value, range);
    request.integer(bits === null ? 0 : countOnes(value, bits.first, bits.last));
  });
}

function bitpos(request: Request): void {
  const { argv } = request;
  const bit = Number(readInteger(argv[2]));
  if (bit !== 0 && bit !== 1) throw new CommandError('ERR The bit argument must be 1 or 0.');
  if (argv.length > 6) throw new CommandError(errorTexts.syntax);
  const hasEnd = argv.length > 4;
  const range: BitRange = {
    from: argv.length > 3 ? readNumber(argv[3]) : 0,
    to: hasEnd ? readNumber(argv[4]) : -1,
    unit: readUnit(argv[5]),
  };
  readValue(request, (value) => {
    // What is missing is all zeros, an empty value is nothing: Redis's difference.
    if (value === undefined) {
      request.integer(bit === 1 ? -1 : 0);
      return;
    }
    const bits = bitsWithin(value, range);
    const found = bits === null ? -1 : findBit(value, bit, bits.first, bits.last);
    // Without an end, the value goes on with zeros.
    const isBehind = found < 0 && bits !== null && bit === 0 && !hasEnd;
    request.integer(isBehind ? value.length * 8 : found);
  });
}

function answerBitfield(request: Request, replies: readonly (bigint | null)[]): void {
  const encoder = request.begin();
  encoder.array(replies.length);
  for (const reply of replies) {
    if (reply === null) encoder.nil();
    else encoder.integer(reply);
  }
  request.end();
}

function bitfield(request: Request): void {
  const { argv, gateway, session } = request;
  const steps = readBitfield(argv.slice(2), gateway.settings.valueBytesMax);
  const newExpiry = session.defaultExpiry(gateway.clock.nowMs());
  let replies: readonly (bigint | null)[] = [];
  modify(
    request,
    (current) => {
      const before = current?.value ?? emptyValue;
      const outcome = runBitfield(before, steps);
      replies = outcome.replies;
      if (outcome.value === before || (current !== undefined && outcome.value.equals(before))) {
        return noMutation;
      }
      // Where all overflowed the value has grown at most: as with Redis, listeners hear nothing of that.
      request.isSilent = steps.every(({ kind }, index) => kind === 'get' || replies[index] === null);
      return { kind: 'put', value: outcome.value, expiresAtMs: current?.expiresAtMs ?? newExpiry };
    },
    () => answerBitfield(request, replies),
  );
}

function bitfieldReadOnly(request: Request): void {
  const steps = readBitfield(request.argv.slice(2), request.gateway.settings.valueBytesMax);
  if (bytesWritten(steps) > 0) throw new CommandError('ERR BITFIELD_RO only supports the GET subcommand');
  readValue(request, (value) => answerBitfield(request, runBitfield(value ?? emptyValue, steps).replies));
}

const get = word('get');
const set = word('set');
const del = word('del');

/** Each source is let go of once it is part of the result, so two values are held at most, however many are named. */
class Combined {
  value: Buffer | null = null;
  private readonly operation: BitOperation | 'not';

  constructor(operation: BitOperation | 'not') {
    this.operation = operation;
  }

  add(source: Buffer, gathering: Gathering): void {
    const { value, operation } = this;
    gathering.onStop = () => {
      this.value = null;
    };
    if (!gathering.add(Math.max(0, source.length - (value?.length ?? 0)))) return;
    if (operation === 'not') this.value = invertBits(source);
    else this.value = value === null ? Buffer.from(source) : combineBits(operation, value, source);
  }
}

/**
 * Keys may be in any slots, as for our other commands with several keys. So it is not one step: the sources are read one by
 * one, and what is written to one of them meanwhile may or may not be in the result.
 */
function bitop(request: Request): void {
  const { argv } = request;
  const operation = lowerText(argv[1]);
  if (operation !== 'and' && operation !== 'or' && operation !== 'xor' && operation !== 'not') {
    throw new CommandError(errorTexts.syntax);
  }
  if (operation === 'not' && argv.length !== 4) {
    throw new CommandError('ERR BITOP NOT must be called with a single source key.');
  }
  const combined = new Combined(operation);
  const visit = (reply: Buffer[], gathering: Gathering): void =>
    combined.add(bulkOf(reply) ?? emptyValue, gathering);
  runParts(request, { count: argv.length - 3, at: (index) => [get, argv[index + 3]], visit }, () => {
    const { length } = combined.value!;
    const part = length === 0 ? [del, argv[2]] : [set, argv[2], combined.value!];
    runPart(request, part, (reply) => {
      if (isErrorReply(reply)) request.raw(reply);
      else request.integer(length);
    });
  });
}

const group = 'bitmap';

export const bitCommands: readonly Command[] = [
  defineCommand(group, 'getbit', 3, ['readonly', 'fast'], getbit, {
    keys: oneKey,
    summary: 'One bit of a string, by its offset.',
    since: '2.2.0',
  }),
  defineCommand(group, 'setbit', 4, ['write', 'denyoom'], setbit, {
    summary: 'Sets or clears one bit of a string, which grows as far as that needs, and answers what it was.',
    since: '2.2.0',
    keys: oneKey,
    exclusive: true,
    growth: (argv) => growthOf(() => Math.ceil(readBitOffset(argv[2], growthBytesMax) / 8)),
  }),
  defineCommand(group, 'bitcount', -2, ['readonly'], bitcount, {
    keys: oneKey,
    summary: 'How many bits of a string, or of a range of it, are set.',
    since: '2.6.0',
  }),
  defineCommand(group, 'bitpos', -3, ['readonly'], bitpos, {
    keys: oneKey,
    summary: 'Where the first set or clear bit of a string is.',
    since: '2.8.7',
  }),
  defineCommand(group, 'bitfield', -2, ['write', 'denyoom'], bitfield, {
    summary: 'Reads, sets and adds to integers of any width at any bit of a string.',
    since: '3.2.0',
    keys: oneKey,
    exclusive: true,
    growth: (argv) => growthOf(() => bytesWritten(readBitfield(argv.slice(2), growthBytesMax))),
  }),
  defineCommand(group, 'bitfield_ro', -2, ['readonly', 'fast'], bitfieldReadOnly, {
    keys: oneKey,
    summary: 'Reads integers of any width at any bit of a string.',
    since: '6.0.0',
  }),
  defineCommand(group, 'bitop', -4, ['write', 'denyoom'], bitop, {
    keys: [2, -1, 1],
    summary: 'Combines the bits of several strings and stores the result.',
    since: '2.6.0',
  }),
];
