/** COMMAND: the command table as clients ask for it. */
import type { RespEncoder } from '../../../wire/resp/encoder.ts';
import { lowerText } from '../arguments.ts';
import { categoriesOf, isInCategory } from '../categories.ts';
import {
  arityFits,
  type Command,
  type CommandTable,
  defineCommand,
  needs,
  partNameOf,
  type Subcommand,
  type Subcommands,
} from '../command.ts';
import { CommandError, errorTexts } from '../errors.ts';
import { Glob } from '../glob.ts';
import { type KeyUse, keysUsedBy, keyUsesOf } from '../key-use.ts';
import type { Request } from '../request.ts';
import { refusedNames } from './refused.ts';
import { runSubcommand } from './subcommands.ts';

const unlisted = ['post', 'host:', 'ct.host', ...refusedNames];

function visible(table: CommandTable): Command[] {
  return table.commands.filter((command) => !command.internal && !unlisted.includes(command.name));
}

/** What is said of the whole table, in each protocol. It never changes, is large, and tools ask for it on each connection. */
const wholeReplies = new WeakMap<CommandTable, Map<string, Buffer>>();

function answerWhole(
  request: Request,
  name: 'docs' | 'info',
  write: (encoder: RespEncoder, commands: readonly Command[]) => void,
): void {
  const { table } = request.gateway;
  const known = wholeReplies.get(table) ?? new Map<string, Buffer>();
  wholeReplies.set(table, known);
  const key = `${name} ${request.session.protocol}`;
  let reply = known.get(key);
  if (reply === undefined) {
    const encoder = request.begin();
    write(encoder, visible(table));
    reply = Buffer.concat(encoder.take());
    known.set(key, reply);
  }
  request.raw([reply]);
}

function writeInformation(encoder: RespEncoder, commands: readonly (Command | null)[]): void {
  encoder.array(commands.length);
  for (const command of commands) {
    if (command === null) {
      encoder.nilArray();
      continue;
    }
    encoder.array(10);
    encoder.text(command.name);
    encoder.integer(command.arity);
    encoder.set(command.flags.length);
    for (const flag of command.flags) encoder.simple(flag);
    encoder.integer(command.firstKey);
    encoder.integer(command.lastKey);
    encoder.integer(command.keyStep);
    const categories = categoriesOf(command);
    encoder.set(categories.length);
    for (const category of categories) encoder.simple(`@${category}`);
    // Tips and subcommands: clients do without.
    encoder.array(0);
    const uses = keyUsesOf(command);
    encoder.set(uses.length);
    for (const use of uses) writeKeyUse(encoder, use);
    encoder.array(0);
  }
}

/** Where keys are, as Redis writes it down: from which word on, and how far. */
function writeKeyUse(encoder: RespEncoder, { flags, notes, first, last, step }: KeyUse): void {
  encoder.map(notes === null ? 3 : 4);
  if (notes !== null) {
    encoder.text('notes');
    encoder.text(notes);
  }
  encoder.text('flags');
  encoder.set(flags.length);
  for (const flag of flags) encoder.simple(flag);
  const write = (name: string, type: string, numbers: Record<string, number>): void => {
    encoder.text(name);
    encoder.map(2);
    encoder.text('type');
    encoder.text(type);
    encoder.text('spec');
    encoder.map(Object.keys(numbers).length);
    for (const [word, number] of Object.entries(numbers)) {
      encoder.text(word);
      encoder.integer(number);
    }
  };
  write('begin_search', 'index', { index: first });
  write('find_keys', 'range', { lastkey: last, keystep: step, limit: 0 });
}

function findVisible(request: Request, name: Buffer): Command | null {
  const command = request.gateway.table.find(name);
  return command === null || command.internal ? null : command;
}

/** Each name may be answered with some hundred bytes: a million of them would be a reply of gigabytes. */
const namesMax = 1_000;

function namedCommands(request: Request): (Command | null)[] {
  const names = request.argv.slice(2);
  if (names.length > namesMax) {
    throw new CommandError(`ERR at most ${namesMax} commands can be named at once`);
  }
  return names.map((name) => findVisible(request, name));
}

/** Null for a command that is no container; undefined where the container has no such part. */
function partOf(command: Command, words: readonly Buffer[]): Subcommand | 'help' | null | undefined {
  const { parts } = command;
  if (parts === null) return null;
  const name = partNameOf(command, words);
  if (name !== null) return parts[name];
  return lowerText(words[1]) === 'help' ? 'help' : undefined;
}

/** Throws what the client is to be told when these are no words of a command with keys. */
function readKeyUses(request: Request): ReturnType<typeof keysUsedBy> {
  const words = request.argv.slice(2);
  const command = findVisible(request, words[0]);
  const part = command === null ? null : partOf(command, words);
  if (command === null || part === undefined) throw new CommandError('ERR Invalid command specified');
  if (command.firstKey === 0 || part === 'help')
    throw new CommandError('ERR The command has no key arguments');
  if (!arityFits(part ?? command, words.length)) {
    throw new CommandError('ERR Invalid number of arguments specified for command');
  }
  return keysUsedBy(command, words);
}

function getKeys(request: Request): void {
  const uses = readKeyUses(request);
  const encoder = request.begin();
  encoder.array(uses.length);
  for (const { key } of uses) encoder.bulk(key);
  request.end();
}

function getKeysAndFlags(request: Request): void {
  const uses = readKeyUses(request);
  const encoder = request.begin();
  encoder.array(uses.length);
  for (const { key, flags } of uses) {
    encoder.array(2);
    encoder.bulk(key);
    encoder.set(flags.length);
    for (const flag of flags) encoder.simple(flag);
  }
  request.end();
}

function information(request: Request): void {
  if (request.argv.length <= 2) {
    answerWhole(request, 'info', writeInformation);
    return;
  }
  const commands = namedCommands(request);
  writeInformation(request.begin(), commands);
  request.end();
}

function writeDocumentation(encoder: RespEncoder, commands: readonly Command[]): void {
  encoder.map(commands.length);
  for (const command of commands) {
    encoder.text(command.name);
    encoder.map(3);
    encoder.text('summary');
    encoder.text(command.summary ?? `See the reference of ${command.name.toUpperCase()}.`);
    encoder.text('since');
    encoder.text(command.since);
    encoder.text('group');
    encoder.text(command.group);
  }
}

function documentation(request: Request): void {
  if (request.argv.length === 2) {
    answerWhole(request, 'docs', writeDocumentation);
    return;
  }
  const commands = namedCommands(request).filter((command) => command !== null);
  writeDocumentation(request.begin(), commands);
  request.end();
}

function list(request: Request): void {
  const { argv, gateway } = request;
  let shown = visible(gateway.table);
  if (argv.length > 2) {
    if (argv.length !== 5 || lowerText(argv[2]) !== 'filterby') throw new CommandError(errorTexts.syntax);
    const filter = lowerText(argv[3]);
    if (filter === 'module') shown = [];
    else if (filter === 'aclcat') {
      const category = lowerText(argv[4]);
      shown = shown.filter((command) => isInCategory(command, category));
    } else if (filter === 'pattern') {
      const pattern = new Glob(Buffer.from(lowerText(argv[4]), 'latin1'));
      shown = shown.filter((command) => pattern.matches(Buffer.from(command.name, 'latin1')));
    } else throw new CommandError(errorTexts.syntax);
  }
  const encoder = request.begin();
  encoder.array(shown.length);
  for (const command of shown) encoder.text(command.name);
  request.end();
}

const subcommands: Subcommands = {
  count: { arity: 2, run: (request) => request.integer(visible(request.gateway.table).length) },
  docs: { arity: -2, run: documentation },
  info: { arity: -2, run: information },
  list: { arity: -2, run: list },
  getkeys: { arity: -4, run: getKeys },
  getkeysandflags: { arity: -4, run: getKeysAndFlags },
};

function command(request: Request): void {
  if (request.argv.length === 1) information(request);
  else runSubcommand('command', subcommands, request);
}

export const introspectionCommands: readonly Command[] = [
  defineCommand('server', 'command', -1, ['stale'], command, { need: needs.nothing, parts: subcommands }),
];
