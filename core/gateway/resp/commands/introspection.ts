/** COMMAND: the command table as clients ask for it. */
import { lowerText } from '../arguments.ts';
import { arityFits, type Command, type CommandTable, defineCommand, keyPositions } from '../command.ts';
import { CommandError, errorTexts } from '../errors.ts';
import { globMatches } from '../glob.ts';
import type { Request } from '../request.ts';
import { runSubcommand, type Subcommand } from './subcommands.ts';

function visible(table: CommandTable): Command[] {
  return table.commands.filter(
    (command) => !command.internal && command.name !== 'post' && command.name !== 'host:',
  );
}

function writeInformation(request: Request, commands: readonly (Command | null)[]): void {
  const encoder = request.begin();
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
    // Access categories, tips, key specifications, subcommands: clients do without.
    encoder.set(1);
    encoder.simple(`@${command.flags.includes('write') ? 'write' : 'read'}`);
    encoder.array(0);
    encoder.array(0);
    encoder.array(0);
  }
  request.end();
}

function findVisible(request: Request, name: Buffer): Command | null {
  const command = request.gateway.table.find(name);
  return command === null || command.internal ? null : command;
}

function getKeys(request: Request): void {
  const words = request.argv.slice(2);
  const command = findVisible(request, words[0]);
  if (command === null) throw new CommandError('ERR Invalid command specified');
  if (command.firstKey === 0) throw new CommandError('ERR The command has no key arguments');
  if (!arityFits(command, words.length)) {
    throw new CommandError('ERR Invalid number of arguments specified for command');
  }
  const positions = keyPositions(command, words.length);
  const encoder = request.begin();
  encoder.array(positions.length);
  for (const position of positions) encoder.bulk(words[position]);
  request.end();
}

function documentation(request: Request): void {
  const { argv, gateway } = request;
  const named = argv.slice(2).map((name) => findVisible(request, name));
  const shown = argv.length === 2 ? visible(gateway.table) : named.filter((command) => command !== null);
  const encoder = request.begin();
  encoder.map(shown.length);
  for (const command of shown) {
    encoder.text(command.name);
    encoder.map(3);
    encoder.text('summary');
    encoder.text(`See the reference of ${command.name.toUpperCase()}.`);
    encoder.text('since');
    encoder.text('1.0.0');
    encoder.text('group');
    encoder.text(command.group);
  }
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
      const write = lowerText(argv[4]) === 'write';
      shown = shown.filter((command) => command.flags.includes('write') === write);
    } else if (filter === 'pattern') {
      const pattern = Buffer.from(lowerText(argv[4]), 'latin1');
      shown = shown.filter((command) => globMatches(pattern, Buffer.from(command.name, 'latin1')));
    } else throw new CommandError(errorTexts.syntax);
  }
  const encoder = request.begin();
  encoder.array(shown.length);
  for (const command of shown) encoder.text(command.name);
  request.end();
}

const subcommands: Readonly<Record<string, Subcommand>> = {
  count: { arity: 2, run: (request) => request.integer(visible(request.gateway.table).length) },
  docs: { arity: -2, run: documentation },
  info: {
    arity: -2,
    run: (request) => {
      const { argv, gateway } = request;
      const named = argv.slice(2).map((name) => findVisible(request, name));
      writeInformation(request, argv.length === 2 ? visible(gateway.table) : named);
    },
  },
  list: { arity: -2, run: list },
  getkeys: { arity: -3, run: getKeys },
};

function command(request: Request): void {
  if (request.argv.length === 1) writeInformation(request, visible(request.gateway.table));
  else runSubcommand('command', subcommands, request);
}

export const introspectionCommands: readonly Command[] = [
  defineCommand('server', 'command', -1, ['stale'], command),
];
