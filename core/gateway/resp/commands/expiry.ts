/** Times to live. A time that has passed deletes at once, as in Redis. */
import type { LiveValue } from '../../../ports/key-value-store.ts';
import { isWord, readExpiry, word } from '../arguments.ts';
import { type Command, defineCommand, oneKey } from '../command.ts';
import { CommandError } from '../errors.ts';
import type { Request } from '../request.ts';
import { modify, noMutation, putOrExpired, readKey } from './strings.ts';

const conditions = [word('nx'), word('xx'), word('gt'), word('lt')];
const nx = 1;
const xx = 2;
const gt = 4;
const lt = 8;

/** A bit set of the conditions named. */
function readConditions(argv: readonly Buffer[]): number {
  let named = 0;
  for (let index = 3; index < argv.length; index++) {
    const found = conditions.findIndex((condition) => isWord(argv[index], condition));
    if (found < 0) throw new CommandError(`ERR Unsupported option ${argv[index].toString('utf8', 0, 128)}`);
    named |= 1 << found;
  }
  if (named & nx && named & (xx | gt | lt)) {
    throw new CommandError('ERR NX and XX, GT or LT options at the same time are not compatible');
  }
  if (named & gt && named & lt) {
    throw new CommandError('ERR GT and LT options at the same time are not compatible');
  }
  return named;
}

/** No expiry counts as infinitely late. */
function conditionsHold(named: number, current: LiveValue, wantedMs: number): boolean {
  const present = current.expiresAtMs;
  if (named & nx && present !== 0) return false;
  if (named & xx && present === 0) return false;
  if (named & gt && (present === 0 || wantedMs <= present)) return false;
  return !(named & lt && present !== 0 && wantedMs >= present);
}

function expire(name: string, unit: 'seconds' | 'milliseconds', absolute: boolean): Command {
  const run = (request: Request): void => {
    const { argv, gateway } = request;
    const nowMs = gateway.clock.nowMs();
    const named = readConditions(argv);
    const wantedMs = readExpiry(argv[2], {
      unit,
      baseMs: absolute ? 0 : nowMs,
      positive: false,
      commandName: name,
    });
    let changed = false;
    modify(
      request,
      (current) => {
        changed = current !== undefined && conditionsHold(named, current, wantedMs);
        // 0 is how the store spells "never"; a time that is exactly 1970 lies in the past like any other.
        return changed ? putOrExpired(current!, wantedMs === 0 ? 1 : wantedMs, nowMs) : noMutation;
      },
      () => request.integer(changed ? 1 : 0),
    );
  };
  return defineCommand('generic', name, -3, ['write', 'fast'], run, { keys: oneKey, exclusive: true });
}

function persist(request: Request): void {
  let changed = false;
  modify(
    request,
    (current) => {
      changed = current !== undefined && current.expiresAtMs !== 0;
      return changed ? putOrExpired(current!, 0, 0) : noMutation;
    },
    () => request.integer(changed ? 1 : 0),
  );
}

function timeCommand(name: string, answer: (expiresAtMs: number, nowMs: number) => number): Command {
  const run = (request: Request): void => {
    readKey(request, ({ siblings: [current] }) => {
      if (current === undefined) request.integer(-2);
      else if (current.expiresAtMs === 0) request.integer(-1);
      else request.integer(answer(current.expiresAtMs, request.gateway.clock.nowMs()));
    });
  };
  return defineCommand('generic', name, 2, ['readonly', 'fast'], run, { keys: oneKey });
}

const leftMs = (expiresAtMs: number, nowMs: number): number => Math.max(0, Math.round(expiresAtMs - nowMs));

export const expiryCommands: readonly Command[] = [
  expire('expire', 'seconds', false),
  expire('pexpire', 'milliseconds', false),
  expire('expireat', 'seconds', true),
  expire('pexpireat', 'milliseconds', true),
  defineCommand('generic', 'persist', 2, ['write', 'fast'], persist, { keys: oneKey, exclusive: true }),
  timeCommand('ttl', (expiresAtMs, nowMs) => Math.floor((leftMs(expiresAtMs, nowMs) + 500) / 1000)),
  timeCommand('pttl', leftMs),
  timeCommand('expiretime', (expiresAtMs) => Math.floor((expiresAtMs + 500) / 1000)),
  timeCommand('pexpiretime', (expiresAtMs) => expiresAtMs),
];
