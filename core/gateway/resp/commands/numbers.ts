/** Strings as numbers: INCR, DECR and their relatives. Read-modify-write of one key each. */
import { integer64Max, integer64Min } from '../../../wire/resp/integer.ts';
import { readInteger } from '../arguments.ts';
import { type Command, defineCommand, oneKey } from '../command.ts';
import { addDecimals, parseDecimal } from '../decimal.ts';
import { CommandError, errorTexts } from '../errors.ts';
import type { Request } from '../request.ts';
import { modify } from './strings.ts';

const zero = Buffer.from('0', 'latin1');

/** Sum within 64 bits, in plain numbers while they are exact. */
function addWithin64(left: number | bigint, right: number | bigint): number | bigint {
  if (typeof left === 'number' && typeof right === 'number') {
    const sum = left + right;
    if (Number.isSafeInteger(sum)) return sum;
  }
  const sum = BigInt(left) + BigInt(right);
  if (sum > integer64Max || sum < integer64Min) throw new CommandError(errorTexts.overflow);
  return sum;
}

function incrementBy(request: Request, increment: number | bigint): void {
  const { gateway, session } = request;
  const newExpiry = session.defaultExpiry(gateway.clock.nowMs());
  let sum: number | bigint = 0;
  modify(
    request,
    (current) => {
      sum = addWithin64(current === undefined ? 0 : readInteger(current.value), increment);
      const value = Buffer.from(sum.toString(), 'latin1');
      return { kind: 'put', value, expiresAtMs: current?.expiresAtMs ?? newExpiry };
    },
    () => request.integer(sum),
  );
}

function decrby(request: Request): void {
  const decrement = readInteger(request.argv[2]);
  // The one number whose negative does not fit.
  if (decrement === integer64Min) throw new CommandError(errorTexts.decrementOverflow);
  incrementBy(request, -decrement);
}

function incrbyfloat(request: Request): void {
  const { argv, gateway, session } = request;
  const newExpiry = session.defaultExpiry(gateway.clock.nowMs());
  // Redis reads the stored value first, so its fault is reported first; both faults have the same words.
  const increment = parseDecimal(argv[2]);
  if (increment === null) throw new CommandError(errorTexts.notFloat);
  let sum = '';
  modify(
    request,
    (current) => {
      const before = parseDecimal(current?.value ?? zero);
      if (before === null) throw new CommandError(errorTexts.notFloat);
      const after = addDecimals(before, increment);
      if (after === null) throw new CommandError(errorTexts.nanOrInfinity);
      sum = after;
      const value = Buffer.from(sum, 'latin1');
      return { kind: 'put', value, expiresAtMs: current?.expiresAtMs ?? newExpiry };
    },
    () => request.text(sum),
  );
}

const more = { keys: oneKey, exclusive: true } as const;
const flags = ['write', 'denyoom', 'fast'] as const;
const group = 'string';

export const numberCommands: readonly Command[] = [
  defineCommand(group, 'incr', 2, flags, (request) => incrementBy(request, 1), more),
  defineCommand(group, 'decr', 2, flags, (request) => incrementBy(request, -1), more),
  defineCommand(
    group,
    'incrby',
    3,
    flags,
    (request) => incrementBy(request, readInteger(request.argv[2])),
    more,
  ),
  defineCommand(group, 'decrby', 3, flags, decrby, more),
  defineCommand(group, 'incrbyfloat', 3, flags, incrbyfloat, more),
];
