/** The help of the command line: a list of commands is of no use where one says nothing of itself. */
import { Command } from 'commander';
import { expect, it } from 'vitest';
import { addClusterCommands } from '../../../core/cli/commands.ts';
import type { CommandContext } from '../../../core/cli/context.ts';

function allCommands(parent: Command): Command[] {
  return parent.commands.flatMap((command) => [command, ...allCommands(command)]);
}

it('says of every command what it does', () => {
  const program = new Command('coterie');
  addClusterCommands(program, {} as CommandContext);
  const silent = allCommands(program).filter((command) => command.description() === '');
  expect(silent.map((command) => `${command.parent?.name()} ${command.name()}`)).toEqual([]);
});
