/** Reading and plain writing of strings: GET, SET and their relatives. Numbers are in numbers.ts, parts in ranges.ts. */
import type { LiveValue, Mutation, ReadResult } from '../../../ports/key-value-store.ts';
import { isWord, readExpiry, word } from '../arguments.ts';
import { type Command, defineCommand, oneKey } from '../command.ts';
import { CommandError, errorTexts } from '../errors.ts';
import type { Request } from '../request.ts';

export const noMutation: Mutation = { kind: 'none' };
export const deleteMutation: Mutation = { kind: 'delete' };

/** A put, or the delete that Redis makes of a value whose time has passed already. */
export function putOrExpired(
  { value, contentType }: Pick<LiveValue, 'value' | 'contentType'>,
  expiresAtMs: number,
  nowMs: number,
): Mutation {
  if (expiresAtMs !== 0 && expiresAtMs <= nowMs) return deleteMutation;
  return { kind: 'put', value, expiresAtMs, ...(contentType === undefined ? {} : { contentType }) };
}

export function warnIfLarge(request: Request, value: Buffer): void {
  const { settings, log } = request.gateway;
  if (value.length <= settings.valueBytesWarning) return;
  log.warn('a large value is written: every replica keeps it and moves it whole', {
    bytes: value.length,
    client: request.sink.client?.id ?? null,
  });
}

/** Reads the command's key at the session's level. */
export function readKey(request: Request, answer: (result: ReadResult) => void): void {
  const { session } = request;
  session.store.read(request.address!, session.readOptions, request.onAnswer(answer));
}

/** Read-modify-write of one key: `decide` after a quorum read, `answer` after the write. */
export function modify(
  request: Request,
  decide: (current: LiveValue | undefined) => Mutation,
  answer: () => void,
): void {
  const { store } = request.session;
  let mutation = noMutation;
  let keepsExpiry = false;
  store.write(
    request.address!,
    request.session.quorumWrite,
    (siblings) =>
      request.decide(() => {
        mutation = decide(siblings[0]);
        if (mutation.kind === 'put') {
          warnIfLarge(request, mutation.value);
          keepsExpiry = mutation.expiresAtMs !== 0 && mutation.expiresAtMs === siblings[0]?.expiresAtMs;
        }
        return mutation;
      }),
    request.onAnswer((result) => {
      if (result.written) request.noteWrite(result, mutation, { keepsExpiry });
      answer();
    }),
  );
}

/** A write that need not know what was there: SET, SETEX, MSET's parts. */
function put(request: Request, value: Buffer, expiresAtMs: number): void {
  const { gateway, session } = request;
  warnIfLarge(request, value);
  const mutation =
    expiresAtMs === 0
      ? { kind: 'put' as const, value, expiresAtMs }
      : putOrExpired({ value }, expiresAtMs, gateway.clock.nowMs());
  session.store.write(
    request.address!,
    session.heldWrite,
    () => mutation,
    request.onAnswer((result) => {
      request.noteWrite(result, mutation);
      request.ok();
    }),
  );
}

export function answerValue(request: Request, value: Buffer | null): void {
  if (value === null) request.nil();
  else request.bulk(value);
}

function get(request: Request): void {
  readKey(request, ({ siblings }) => {
    if (siblings.length === 0) request.nil();
    else request.bulk(siblings[0].value);
  });
}

function strlen(request: Request): void {
  readKey(request, ({ siblings }) => request.integer(siblings[0]?.value.length ?? 0));
}

const wordNx = word('nx');
const wordXx = word('xx');
const wordGet = word('get');
const wordKeepTtl = word('keepttl');
const wordPersist = word('persist');
const timeWords = [
  { word: word('ex'), unit: 'seconds', absolute: false },
  { word: word('px'), unit: 'milliseconds', absolute: false },
  { word: word('exat'), unit: 'seconds', absolute: true },
  { word: word('pxat'), unit: 'milliseconds', absolute: true },
] as const;

interface StringOptions {
  condition: 'nx' | 'xx' | null;
  get: boolean;
  keepTtl: boolean;
  persist: boolean;
  /** Null when no time is named. */
  expiresAtMs: number | null;
}

/** The options of SET and GETEX, with Redis's rules on which exclude each other. */
function readOptions(request: Request, from: number, commandName: 'set' | 'getex'): StringOptions {
  const { argv } = request;
  const options: StringOptions = {
    condition: null,
    get: false,
    keepTtl: false,
    persist: false,
    expiresAtMs: null,
  };
  const isSet = commandName === 'set';
  let time: { bytes: Buffer; kind: (typeof timeWords)[number] } | null = null;
  for (let index = from; index < argv.length; index++) {
    const option = argv[index];
    const timeKind = timeWords.find((candidate) => isWord(option, candidate.word));
    // The same kind again is taken, as Redis does: the last one counts.
    const hasOther = (time !== null && time.kind !== timeKind) || options.keepTtl || options.persist;
    if (isSet && isWord(option, wordNx) && options.condition !== 'xx') options.condition = 'nx';
    else if (isSet && isWord(option, wordXx) && options.condition !== 'nx') options.condition = 'xx';
    else if (isSet && isWord(option, wordGet)) options.get = true;
    else if (isSet && isWord(option, wordKeepTtl) && time === null) options.keepTtl = true;
    else if (!isSet && isWord(option, wordPersist) && time === null) options.persist = true;
    else if (timeKind !== undefined && !hasOther && index + 1 < argv.length) {
      index += 1;
      time = { bytes: argv[index], kind: timeKind };
    } else throw new CommandError(errorTexts.syntax);
  }
  if (time !== null) {
    options.expiresAtMs = readExpiry(time.bytes, {
      unit: time.kind.unit,
      baseMs: time.kind.absolute ? 0 : request.gateway.clock.nowMs(),
      positive: true,
      commandName,
    });
  }
  return options;
}

/** SET reads what is there only for NX, XX, GET and KEEPTTL: with times alone it stays a plain write. */
function setIsExclusive(argv: readonly Buffer[]): boolean {
  if (argv.length === 3) return false;
  for (let index = 3; index < argv.length; index++) {
    const option = argv[index];
    if (isWord(option, wordNx) || isWord(option, wordXx) || isWord(option, wordGet)) return true;
    if (isWord(option, wordKeepTtl)) return true;
  }
  return false;
}

function set(request: Request): void {
  const { argv, gateway, session } = request;
  const nowMs = gateway.clock.nowMs();
  const newExpiry = session.defaultExpiry(nowMs);
  if (argv.length === 3) {
    put(request, argv[2], newExpiry);
    return;
  }
  const options = readOptions(request, 3, 'set');
  const expiresAtMs = options.expiresAtMs ?? newExpiry;
  if (options.condition === null && !options.get && !options.keepTtl) {
    put(request, argv[2], expiresAtMs);
    return;
  }
  let previous: Buffer | null = null;
  let written = false;
  modify(
    request,
    (current) => {
      previous = current?.value ?? null;
      written = options.condition === null || (options.condition === 'nx') === (current === undefined);
      if (!written) return noMutation;
      const kept = options.keepTtl && current !== undefined ? current.expiresAtMs : expiresAtMs;
      return putOrExpired({ value: argv[2] }, kept, nowMs);
    },
    () => {
      if (options.get) answerValue(request, previous);
      else if (written) request.ok();
      else request.nil();
    },
  );
}

function setex(unit: 'seconds' | 'milliseconds', commandName: string): Command['run'] {
  return (request) => {
    const { argv, gateway } = request;
    const baseMs = gateway.clock.nowMs();
    put(request, argv[3], readExpiry(argv[2], { unit, baseMs, positive: true, commandName }));
  };
}

function setnx(request: Request): void {
  const { argv, gateway, session } = request;
  const expiresAtMs = session.defaultExpiry(gateway.clock.nowMs());
  let written = false;
  modify(
    request,
    (current) => {
      written = current === undefined;
      return written ? { kind: 'put', value: argv[2], expiresAtMs } : noMutation;
    },
    () => request.integer(written ? 1 : 0),
  );
}

function getset(request: Request): void {
  const { argv, gateway, session } = request;
  const expiresAtMs = session.defaultExpiry(gateway.clock.nowMs());
  let previous: Buffer | null = null;
  modify(
    request,
    (current) => {
      previous = current?.value ?? null;
      return { kind: 'put', value: argv[2], expiresAtMs };
    },
    () => answerValue(request, previous),
  );
}

function getdel(request: Request): void {
  let previous: Buffer | null = null;
  modify(
    request,
    (current) => {
      previous = current?.value ?? null;
      return current === undefined ? noMutation : deleteMutation;
    },
    () => answerValue(request, previous),
  );
}

function getex(request: Request): void {
  const options = readOptions(request, 2, 'getex');
  if (options.expiresAtMs === null && !options.persist) {
    get(request);
    return;
  }
  const nowMs = request.gateway.clock.nowMs();
  const wanted = options.expiresAtMs ?? 0;
  let value: Buffer | null = null;
  modify(
    request,
    (current) => {
      value = current?.value ?? null;
      if (current === undefined || current.expiresAtMs === wanted) return noMutation;
      return putOrExpired(current, wanted, nowMs);
    },
    () => answerValue(request, value),
  );
}

const group = 'string';

export const stringCommands: readonly Command[] = [
  defineCommand(group, 'get', 2, ['readonly', 'fast'], get, { keys: oneKey }),
  defineCommand(group, 'set', -3, ['write', 'denyoom'], set, { keys: oneKey, exclusive: setIsExclusive }),
  defineCommand(group, 'setex', 4, ['write', 'denyoom'], setex('seconds', 'setex'), { keys: oneKey }),
  defineCommand(group, 'psetex', 4, ['write', 'denyoom'], setex('milliseconds', 'psetex'), { keys: oneKey }),
  defineCommand(group, 'setnx', 3, ['write', 'denyoom', 'fast'], setnx, { keys: oneKey, exclusive: true }),
  defineCommand(group, 'getset', 3, ['write', 'denyoom', 'fast'], getset, { keys: oneKey, exclusive: true }),
  defineCommand(group, 'getdel', 2, ['write', 'fast'], getdel, { keys: oneKey, exclusive: true }),
  defineCommand(group, 'getex', -2, ['write', 'fast'], getex, {
    keys: oneKey,
    exclusive: (argv) => argv.length > 2,
  }),
  defineCommand(group, 'strlen', 2, ['readonly', 'fast'], strlen, { keys: oneKey }),
];
