/** `coterie clients`: how programs reach the data, and whether those on other computers may. */
import type { Command } from 'commander';
import { plainLine } from '../base/plain-text.ts';
import type { ClientInterface, ClientsView } from '../contract/computer-views.ts';
import type { CommandContext } from './context.ts';
import { show, table } from './output.ts';

const noNetwork = 'Only programs of this computer may connect. To open it: coterie clients open';

function interfaceLine({ name, addresses, isOpen, isThere }: ClientInterface): string {
  const known = plainLine([name, ...addresses].join(' '));
  if (!isThere)
    return `  ${known}: open, but not there now, or without an address. It is used again once it is back.`;
  return `  ${known}: ${isOpen ? 'open' : 'closed'}`;
}

function clientsText(view: ClientsView): string {
  const { isOpen, whyNot, nodes, http, httpNetwork, interfaces, loginRequired, users } = view;
  const who = users.length === 0 ? 'no users' : `users: ${users.join(', ')}`;
  return [
    table(
      ['NODE', 'COMPUTER', 'HERE', 'FROM OTHER COMPUTERS (TLS)'],
      nodes.map(({ node, computer, local, network }) => [node, computer, local ?? '-', network ?? '-']),
    ),
    `Keys over HTTP, here: ${http}kv/`,
    ...httpNetwork.map((url) => `Keys over HTTP, from other computers: ${url}kv/`),
    `A login is ${loginRequired ? '' : 'not '}required; ${who}.`,
    isOpen
      ? 'Programs on other computers may connect to this one, through these interfaces:'
      : (whyNot ?? noNetwork),
    ...(isOpen ? interfaces.map(interfaceLine) : []),
  ].join('\n');
}

const listed = (value: string, before: readonly string[] = []) => [...before, value];

export function addClientsCommands(program: Command, { client, output }: CommandContext): void {
  const clients = program
    .command('clients')
    .description('how programs reach the data')
    .action(async () => {
      const view = await client().call('clients.view', {});
      show(output(), view, () => clientsText(view));
    });
  for (const [name, on, words, which] of [
    ['open', true, 'let programs on other computers reach the data here, with a login', 'through this one'],
    ['close', false, 'programs of this computer alone', 'not through this one any more'],
  ] as const) {
    clients
      .command(name)
      .description(words)
      .option('--interface <name|address>', `${which}; may be given again (all)`, listed)
      .action(async ({ interface: interfaces }: { interface?: string[] }) => {
        await client().call('clients.open', { on, interfaces });
        const done = on ? 'Opened' : 'Closed';
        show(
          output(),
          {},
          () =>
            `${done}. The nodes of this computer start anew, which takes some seconds. See what is open: coterie clients`,
        );
      });
  }
}
