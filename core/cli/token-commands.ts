/** `coterie token`: what programs show over HTTP instead of a password. */
import { type Command, InvalidArgumentError } from 'commander';
import type { TokenView } from '../contract/views.ts';
import type { CommandContext } from './context.ts';
import { show, table } from './output.ts';

function parseDays(text: string): number {
  const days = Number(text);
  if (Number.isInteger(days) && days >= 1 && days <= 3_650) return days;
  throw new InvalidArgumentError('This is a number of days, 1 to 3650.');
}

const dayOf = (atMs: number) => new Date(atMs).toISOString().slice(0, 10);

function endOf({ expired, expiresAtMs }: TokenView): string {
  if (expiresAtMs === null) return expired ? 'no user' : '-';
  return `${dayOf(expiresAtMs)}${expired ? ' (over)' : ''}`;
}

const tokenRows = (tokens: readonly TokenView[]) =>
  tokens.length === 0
    ? 'There is no token. To make one: coterie token create --user NAME'
    : table(
        ['TOKEN', 'USER', 'NAME', 'SINCE', 'UNTIL', 'USED HERE'],
        tokens.map((token) => [
          ...[token.id, token.user, token.name, dayOf(token.createdAtMs), endOf(token)],
          token.usedAtMs === null
            ? '-'
            : new Date(token.usedAtMs).toISOString().slice(0, 16).replace('T', ' '),
        ]),
      );

export function addTokenCommands(program: Command, { client, output }: CommandContext): void {
  const token = program
    .command('token')
    .description('what programs show over HTTP instead of the password of their user');

  token
    .command('list')
    .description('the tokens, and when each was used last at this computer')
    .action(async () => {
      const tokens = await client().call('access.tokens', {});
      show(output(), tokens, () => tokenRows(tokens));
    });

  token
    .command('create')
    .description('a new token; it may do what its user may')
    .requiredOption('--user <name>', 'of whom')
    .option('--name <name>', 'what it is for, to know it again', '')
    .option('--days <n>', 'it ends by itself after so many days (never)', parseDays)
    .action(async ({ user, name, days }: { user: string; name: string; days?: number }) => {
      const made = await client().call('access.createToken', { user, name, days });
      show(output(), made, () =>
        [
          `${made.user} has the token ${made.token}`,
          'It is shown this once. A program sends it with each request: Authorization: Bearer TOKEN',
          `To end it: coterie token revoke ${made.id}`,
        ].join('\n'),
      );
    });

  token
    .command('revoke <token>')
    .description('let nobody in with it any more; the id, or the beginning of it')
    .action(async (id: string) => {
      await client().call('access.revokeToken', { id });
      show(output(), {}, () => 'It was revoked: nobody comes in with it any more.');
    });
}
