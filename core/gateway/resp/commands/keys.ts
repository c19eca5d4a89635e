import { word } from '../arguments.ts';
import { allKeys, type Command, type CommandFlag, defineCommand, oneKey } from '../command.ts';
import { CommandError, wrongArity } from '../errors.ts';
import { GatheredBytes, type Gathering } from '../gathering.ts';
import { integerOf, runParts } from '../parts.ts';
import type { Request } from '../request.ts';
import { deleteMutation, modify, noMutation, readKey } from './strings.ts';

const get = word('get');
const set = word('set');
const exists = word('exists');

/** DEL and UNLINK with one key. It must know whether the key existed, hence the read before the write. */
function deleteOne(request: Request): void {
  let existed = false;
  modify(
    request,
    (current) => {
      existed = current !== undefined;
      return existed ? deleteMutation : noMutation;
    },
    () => request.integer(existed ? 1 : 0),
  );
}

function existsOne(request: Request): void {
  readKey(request, ({ siblings }) => request.integer(siblings.length > 0 ? 1 : 0));
}

function typeOf(request: Request): void {
  readKey(request, ({ siblings }) => {
    request.begin().simple(siblings.length > 0 ? 'string' : 'none');
    request.end();
  });
}

function sumOfParts(
  request: Request,
  count: number,
  at: (index: number) => readonly Buffer[],
  done: (sum: number) => void,
): void {
  let sum = 0;
  const visit = (reply: Buffer[]): void => {
    sum += integerOf(reply);
  };
  runParts(request, { count, at, visit }, () => done(sum));
}

/** A command whose reply is the sum of its replies for each key. */
function summedCommand(name: string, flags: readonly CommandFlag[], runOne: Command['run']): Command {
  const part = word(name);
  const run = (request: Request): void => {
    const { argv } = request;
    sumOfParts(
      request,
      argv.length - 1,
      (index) => [part, argv[index + 1]],
      (sum) => request.integer(sum),
    );
  };
  const oneKeyForm = defineCommand('generic', name, -2, flags, runOne, {
    keys: oneKey,
    exclusive: flags.includes('write'),
  });
  return defineCommand('generic', name, -2, flags, run, { keys: allKeys, oneKeyForm });
}

function mget(request: Request): void {
  const { argv } = request;
  const count = argv.length - 1;
  let values: GatheredBytes | null = null;
  const visit = (reply: Buffer[], gathering: Gathering): void => {
    values ??= new GatheredBytes(gathering);
    values.append(reply);
  };
  runParts(request, { count, at: (index) => [get, argv[index + 1]], visit }, () => {
    const encoder = request.begin();
    encoder.array(count);
    for (const piece of values!.pieces()) encoder.raw(piece);
    request.end();
  });
}

/** [SET, key, value] for each key; a key named twice keeps its last value, whatever order the parts finish in. */
function setParts(request: Request): Buffer[][] {
  const { argv, command } = request;
  if (argv.length % 2 === 0) throw new CommandError(wrongArity(command!.name));
  const byKey = new Map<string, Buffer[]>();
  for (let index = 1; index < argv.length; index += 2) {
    byKey.set(argv[index].toString('latin1'), [set, argv[index], argv[index + 1]]);
  }
  return [...byKey.values()];
}

function writeAll(request: Request, parts: readonly Buffer[][], done: () => void): void {
  runParts(request, { count: parts.length, at: (index) => parts[index], visit: () => {} }, done);
}

function mset(request: Request): void {
  writeAll(request, setParts(request), () => request.ok());
}

/** Not atomic across keys: a key that another client creates between the look and the writes is overwritten. */
function msetnx(request: Request): void {
  const parts = setParts(request);
  sumOfParts(
    request,
    parts.length,
    (index) => [exists, parts[index][1]],
    (found) => {
      if (found > 0) request.integer(0);
      else writeAll(request, parts, () => request.integer(1));
    },
  );
}

const pairs = [1, -1, 2] as const;

export const keyCommands: readonly Command[] = [
  summedCommand('del', ['write'], deleteOne),
  summedCommand('unlink', ['write', 'fast'], deleteOne),
  summedCommand('exists', ['readonly', 'fast'], existsOne),
  summedCommand('touch', ['readonly', 'fast'], existsOne),
  defineCommand('generic', 'type', 2, ['readonly', 'fast'], typeOf, { keys: oneKey }),
  defineCommand('string', 'mget', -2, ['readonly', 'fast'], mget, { keys: allKeys }),
  defineCommand('string', 'mset', -3, ['write', 'denyoom'], mset, { keys: pairs }),
  defineCommand('string', 'msetnx', -3, ['write', 'denyoom'], msetnx, { keys: pairs }),
];
