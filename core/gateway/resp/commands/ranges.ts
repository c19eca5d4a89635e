/** Parts of strings: APPEND, GETRANGE, SUBSTR, SETRANGE. */
import { parseSafeInteger } from '../../../wire/resp/integer.ts';
import { readNumber } from '../arguments.ts';
import { type Command, defineCommand, oneKey } from '../command.ts';
import { CommandError, errorTexts } from '../errors.ts';
import type { Request } from '../request.ts';
import { modify, noMutation, readKey } from './strings.ts';

const emptyValue = Buffer.alloc(0);

function append(request: Request): void {
  const { argv, gateway, session } = request;
  const newExpiry = session.defaultExpiry(gateway.clock.nowMs());
  let length = 0;
  modify(
    request,
    (current) => {
      length = (current?.value.length ?? 0) + argv[2].length;
      if (length > gateway.settings.valueBytesMax) throw new CommandError(errorTexts.tooLong);
      const value = current === undefined ? argv[2] : Buffer.concat([current.value, argv[2]], length);
      return { kind: 'put', value, expiresAtMs: current?.expiresAtMs ?? newExpiry };
    },
    () => request.integer(length),
  );
}

function getrange(request: Request): void {
  const from = readNumber(request.argv[2]);
  const to = readNumber(request.argv[3]);
  readKey(request, ({ siblings }) => request.bulk(sliceOf(siblings[0]?.value ?? emptyValue, from, to)));
}

/** Both ends inclusive; negative ones count from the end. */
function sliceOf(value: Buffer, from: number, to: number): Buffer {
  const { length } = value;
  if (length === 0 || (from < 0 && to < 0 && from > to)) return emptyValue;
  const start = Math.max(from < 0 ? length + from : from, 0);
  const last = Math.min(Math.max(to < 0 ? length + to : to, 0), length - 1);
  return start > last ? emptyValue : value.subarray(start, last + 1);
}

function setrange(request: Request): void {
  const { argv, gateway, session } = request;
  const offset = readNumber(argv[2]);
  if (offset < 0) throw new CommandError(errorTexts.offsetOutOfRange);
  const part = argv[3];
  const newExpiry = session.defaultExpiry(gateway.clock.nowMs());
  let length = 0;
  modify(
    request,
    (current) => {
      const before = current?.value ?? emptyValue;
      length = before.length;
      // Nothing to set: a missing key is not created, not even for a far offset.
      if (part.length === 0) return noMutation;
      if (offset + part.length > gateway.settings.valueBytesMax) throw new CommandError(errorTexts.tooLong);
      length = Math.max(before.length, offset + part.length);
      const value = Buffer.alloc(length);
      value.set(before);
      value.set(part, offset);
      return { kind: 'put', value, expiresAtMs: current?.expiresAtMs ?? newExpiry };
    },
    () => request.integer(length),
  );
}

/** A far offset makes a long value of a short command. One that is no number or too far is refused before it needs memory. */
function setrangeGrowth(argv: readonly Buffer[]): number {
  const offset = parseSafeInteger(argv[2], 0, argv[2].length);
  return offset > 0 && offset <= offsetMax ? offset : 0;
}

const offsetMax = 2 ** 30;
const group = 'string';

export const rangeCommands: readonly Command[] = [
  defineCommand(group, 'append', 3, ['write', 'denyoom', 'fast'], append, { keys: oneKey, exclusive: true }),
  defineCommand(group, 'getrange', 4, ['readonly'], getrange, { keys: oneKey }),
  defineCommand(group, 'substr', 4, ['readonly'], getrange, { keys: oneKey }),
  defineCommand(group, 'setrange', 4, ['write', 'denyoom'], setrange, {
    keys: oneKey,
    exclusive: true,
    growth: setrangeGrowth,
  }),
];
