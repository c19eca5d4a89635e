/** `coterie user`: who may use the data, and whether programs have to say who they are. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import { CoterieError } from '../base/errors.ts';
import { accessWords, keyspacesInWords } from '../contract/access-words.ts';
import { type UserAccess, userAccess } from '../contract/views.ts';
import type { CommandContext } from './context.ts';
import { show, table } from './output.ts';

function parseSwitch(text: string): boolean {
  if (text === 'on' || text === 'off') return text === 'on';
  throw new InvalidArgumentError('Say on or off.');
}

interface RightsWish {
  readonly access?: UserAccess;
  readonly keyspace?: readonly string[];
  readonly allKeyspaces?: boolean;
}

const accessOption = () =>
  new Option('--access <level>', 'what it may do: write includes read, admin both').choices([
    ...userAccess.options,
  ]);
const keyspaceOption = () =>
  new Option('--keyspace <name...>', 'in these keyspaces alone, instead of in all');

/** Absent stays absent: it is not asked for then. */
function rightsOf({ access, keyspace, allKeyspaces }: RightsWish): {
  access?: UserAccess;
  keyspaces?: string[] | null;
} {
  if (keyspace !== undefined && allKeyspaces === true)
    throw new CoterieError('bad-input', 'Say --keyspace or --all-keyspaces, not both.');
  return {
    ...(access === undefined ? {} : { access }),
    ...(keyspace === undefined ? {} : { keyspaces: [...keyspace] }),
    ...(allKeyspaces === true ? { keyspaces: null } : {}),
  };
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
        ['USER', 'SINCE', 'RIGHTS', 'KEYSPACES'],
        access.users.map(({ name, createdAtMs, ...rights }) => [
          ...[name, new Date(createdAtMs).toISOString().slice(0, 10)],
          ...[accessWords[rights.access], keyspacesInWords(rights)],
        ]),
      );
      const rule = access.required
        ? 'Programs must log in.'
        : 'Every program of this computer may read and write without a login. To change that: coterie user require on.';
      show(output(), access, () => (access.users.length === 0 ? rule : `${rows}\n${rule}`));
    });

  user
    .command('add <name>')
    .description('a new user, with a password that is made for it; it may read and write in all keyspaces')
    .addOption(accessOption())
    .addOption(keyspaceOption())
    .action(async (name: string, wish: RightsWish) => {
      const made = await client().call('access.addUser', { name, ...rightsOf(wish) });
      const { required } = await client().call('access.view', {});
      const next = required ? '' : '\nA login is not required yet: coterie user require on.';
      show(output(), made, () => `${made.name} has the password ${made.password}\n${passwordNote}${next}`);
    });

  user
    .command('change <name>')
    .description('what a user may do, from its next command on; what is not said stays')
    .addOption(accessOption())
    .addOption(keyspaceOption())
    .option('--all-keyspaces', 'in all keyspaces, also those that are made later')
    .action(async (name: string, wish: RightsWish) => {
      await client().call('access.changeUser', { name, ...rightsOf(wish) });
      const { users } = await client().call('access.view', {});
      const changed = users.find((one) => one.name === name);
      show(output(), changed ?? {}, () =>
        changed === undefined
          ? `${name} was changed.`
          : `${name} ${accessWords[changed.access]}: ${keyspacesInWords(changed)}.`,
      );
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
