/** `coterie sessions` and `coterie logout`: the browsers that are logged in. */
import type { Command } from 'commander';
import { CoterieError } from '../base/errors.ts';
import type { SessionView } from '../contract/views.ts';
import type { CommandContext } from './context.ts';
import { show, table } from './output.ts';

function sessionRows(sessions: readonly SessionView[]): string {
  if (sessions.length === 0) return 'No browser is logged in. For a link: coterie login';
  const at = (ms: number) => new Date(ms).toISOString();
  return table(
    ['SESSION', 'BROWSER', 'SINCE', 'LAST SEEN', 'ENDS', 'OPEN PAGES'],
    sessions.map(({ id, browser, createdAtMs, lastSeenMs, expiresAtMs, openPages }) => [
      ...[id, browser, at(createdAtMs), at(lastSeenMs), at(expiresAtMs)],
      String(openPages),
    ]),
  );
}

export function addSessionCommands(program: Command, context: CommandContext): void {
  const api = () => context.client();

  program
    .command('sessions')
    .description('the browsers that are logged in')
    .action(async () => {
      const sessions = await api().call('sessions.list', {});
      show(context.output(), sessions, () => sessionRows(sessions));
    });

  program
    .command('logout [session]')
    .description('log out a browser; without a name the only one')
    .option('--all', 'all of them, and take back links that were not used')
    .action(async (named: string | undefined, { all }: { all?: boolean }) => {
      const { ended } = await api().call('sessions.end', { id: all ? undefined : await idOf(named) });
      show(context.output(), { ended }, () => (ended === 1 ? 'logged out' : `${ended} logged out`));
    });

  async function idOf(named: string | undefined): Promise<string> {
    if (named !== undefined) return named;
    const sessions = await api().call('sessions.list', {});
    if (sessions.length === 1) return sessions[0].id;
    const words =
      sessions.length === 0
        ? 'No browser is logged in.'
        : `${sessions.length} browsers are logged in. Name one of coterie sessions, or add --all.`;
    throw new CoterieError(sessions.length === 0 ? 'not-found' : 'bad-input', words);
  }
}
