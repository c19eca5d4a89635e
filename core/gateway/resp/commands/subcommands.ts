/** Commands that are a container of others (CLIENT, CLUSTER, CONFIG …): choosing the part by the second word. */
import { lowerText } from '../arguments.ts';
import { type Command, type CommandFlag, defineCommand, type Need, type Subcommands } from '../command.ts';
import { CommandError, unknownSubcommand, wrongArity } from '../errors.ts';
import type { Request } from '../request.ts';

/** `need`: of the parts that do not say it themselves. */
export function defineContainer(
  { group, name, arity }: { group: string; name: string; arity: number },
  flags: readonly CommandFlag[],
  parts: Subcommands,
  more: { need?: Need; keys?: readonly [number, number, number]; summary?: string; since?: string } = {},
): Command {
  return defineCommand(group, name, arity, flags, (request) => runSubcommand(name, parts, request), {
    ...more,
    parts,
  });
}

export function runSubcommand(container: string, subcommands: Subcommands, request: Request): void {
  const { argv } = request;
  const name = lowerText(argv[1]);
  if (name === 'help' && argv.length === 2 && !Object.hasOwn(subcommands, name)) {
    answerHelp(container, subcommands, request);
    return;
  }
  if (!Object.hasOwn(subcommands, name)) throw new CommandError(unknownSubcommand(container, argv[1]));
  const { arity, run } = subcommands[name];
  if (arity >= 0 ? argv.length !== arity : argv.length < -arity) {
    throw new CommandError(wrongArity(`${container}|${name}`));
  }
  run(request);
}

function answerHelp(container: string, subcommands: Subcommands, request: Request): void {
  const lines = [
    `${container.toUpperCase()} <subcommand> [<arg> [value] [opt] ...]. Subcommands are:`,
    ...Object.keys(subcommands).map((name) => name.toUpperCase()),
    'HELP',
  ];
  const encoder = request.begin();
  encoder.array(lines.length);
  for (const line of lines) encoder.simple(line);
  request.end();
}
