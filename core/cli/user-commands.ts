/** `coterie user`: who may use the data, and whether programs have to say who they are. */
import { type Command, InvalidArgumentError } from 'commander';
import type { CommandContext } from './context.ts';
import { show, table } from './output.ts';

function parseSwitch(text: string): boolean {
  if (text === 'on' || text === 'off') return text === 'on';
  throw new InvalidArgumentError('Say on or off.');
}

const passwordNote = 'It is shown this once. Give it to your program; a new one: coterie user password NAME.';

export function addUserCommands(program: Command, { client, output }: CommandContext): void {
  const user = program.command('user').description('who may use the data through Redis and HTTP');

  user
    .command('list')
    .description('the users, and whether a login is required')
    .action(async () => {
      const access = await client().call('access.view', {});
      const rows = table(
        ['USER', 'SINCE'],
        access.users.map(({ name, createdAtMs }) => [name, new Date(createdAtMs).toISOString().slice(0, 10)]),
      );
      const rule = access.required
        ? 'Programs must log in.'
        : 'Every program of this computer may read and write without a login. To change that: coterie user require on.';
      show(output(), access, () => (access.users.length === 0 ? rule : `${rows}\n${rule}`));
    });

  user
    .command('add <name>')
    .description('a new user, with a password that is made for it')
    .action(async (name: string) => {
      const made = await client().call('access.addUser', { name });
      const { required } = await client().call('access.view', {});
      const next = required ? '' : '\nA login is not required yet: coterie user require on.';
      show(output(), made, () => `${made.name} has the password ${made.password}\n${passwordNote}${next}`);
    });

  user
    .command('password <name>')
    .description('a new password for a user; who came in with the old one has to log in again')
    .action(async (name: string) => {
      const made = await client().call('access.renewPassword', { name });
      show(output(), made, () => `${made.name} has the password ${made.password}\n${passwordNote}`);
    });

  user
    .command('remove <name>')
    .description('remove a user; its connections have to log in anew')
    .action(async (name: string) => {
      await client().call('access.removeUser', { name });
      show(output(), {}, () => `${name} can no longer come in.`);
    });

  user
    .command('require')
    .argument('<on|off>', 'on: only users come in', parseSwitch)
    .description('whether programs have to log in')
    .action(async (required: boolean) => {
      await client().call('access.require', { required });
      const text = required
        ? 'Programs must log in now, also those that are connected.'
        : 'Every program of this computer may read and write without a login.';
      show(output(), { required }, () => text);
    });
}
