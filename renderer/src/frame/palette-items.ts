/** What the command palette offers for a typed text. Pure but for the actions that items carry. */
import type { MethodName } from '../../../core/contract/api.ts';
import type { AppContext } from '../app/app-context.ts';
import { whyNotRemove } from '../computers/why-not-remove.ts';
import { whyNotAccept } from '../nodes/loss-words.ts';
import { nodeActions, nodeActionWords, nodeStateWords, whyNot } from '../nodes/node-actions.ts';
import { requestNodeAction } from '../nodes/run-node-action.ts';
import { nothingToCompare } from '../repair/coverage.ts';

export interface PaletteItem {
  readonly id: string;
  readonly group:
    | 'Keys'
    | 'Pages'
    | 'Nodes'
    | 'Computers'
    | 'Keyspaces'
    | 'Repair'
    | 'Sessions'
    | 'Users'
    | 'Appearance';
  readonly label: string;
  readonly hint: string;
  run(): void;
}

const itemCountMax = 40;

function matches(item: PaletteItem, words: readonly string[]): boolean {
  const text = `${item.label} ${item.hint} ${item.group}`.toLowerCase();
  return words.every((word) => text.includes(word));
}

function fixedItems(app: AppContext): PaletteItem[] {
  const { cluster, dialogs, router, theme } = app;
  const items: PaletteItem[] = [];
  const add: Add = (group, label, hint, run) =>
    items.push({ id: `${group}-${label}-${items.length}`, group, label, hint, run });
  add('Pages', 'Overview', 'page', () => router.open('overview'));
  add('Pages', 'Ring & nodes', 'page', () => router.open('ring'));
  add('Pages', 'Computers', 'page', () => router.open('computers'));
  add('Pages', 'Keyspaces', 'page', () => router.open('keyspaces'));
  add('Pages', 'Data', 'page', () => router.open('data'));
  add('Pages', 'Clients', 'page', () => router.open('clients'));
  add('Pages', 'Repair', 'page', () => router.open('repair'));
  add('Pages', 'Activity', 'page', () => router.open('activity'));
  const may = (method: MethodName) => cluster.refusalFor(method) === null;
  if (may('keyspaces.create'))
    add('Keyspaces', 'New keyspace…', 'create', () => dialogs.open({ kind: 'keyspace', name: null }));
  if (may('data.put') && cluster.keyspaces.length > 0)
    add('Keys', 'New key…', 'write', () => dialogs.open({ kind: 'new-key', keyspace: null }));
  if (may('repairs.run') && cluster.keyspaces.some((keyspace) => nothingToCompare(keyspace) === null)) {
    add('Repair', 'Run a repair…', 'compare replicas', () =>
      dialogs.open({ kind: 'run-repair', keyspace: null }),
    );
    add('Repair', 'Schedule repairs…', 'every few days', () =>
      dialogs.open({ kind: 'schedule-repair', keyspace: null }),
    );
  }
  for (const node of cluster.nodes) {
    add('Nodes', node.name, `${nodeStateWords[node.state].toLowerCase()}, ${node.dataCenter}`, () =>
      router.open('ring', node.name),
    );
    for (const action of nodeActions) {
      if (whyNot(action, node, cluster.refusalFor(`nodes.${action}`)) !== null) continue;
      add('Nodes', `${nodeActionWords[action].verb} ${node.name}`, 'node action', () =>
        requestNodeAction(app, action, node.name),
      );
    }
    if (whyNotAccept(node, cluster.nodes, cluster.refusalFor('nodes.acceptLoss')) === null) {
      add('Nodes', `Accept the loss at ${node.name}…`, 'node action', () =>
        dialogs.open({ kind: 'accept-loss', name: node.name }),
      );
    }
  }
  addComputers(app, add);
  for (const { name } of cluster.keyspaces) {
    add('Keyspaces', name, 'browse its keys', () => router.open('data', name));
    if (may('keyspaces.alter'))
      add('Keyspaces', `Edit ${name}…`, 'settings', () => dialogs.open({ kind: 'keyspace', name }));
  }
  add('Sessions', 'Sessions…', 'who is logged in, log out', () => dialogs.open({ kind: 'sessions' }));
  add('Users', 'Users…', 'passwords for Redis and HTTP, require a login', () =>
    dialogs.open({ kind: 'users' }),
  );
  add('Appearance', 'Light theme', 'appearance', () => theme.choose('light'));
  add('Appearance', 'Dark theme', 'appearance', () => theme.choose('dark'));
  add('Appearance', 'Theme as the system has it', 'appearance', () => theme.choose('system'));
  return items;
}

type Add = (group: PaletteItem['group'], label: string, hint: string, run: () => void) => void;

function addComputers({ cluster, dialogs, requests, router }: AppContext, add: Add): void {
  const computers = cluster.snapshot?.computers ?? [];
  for (const { name, dataCenter } of computers)
    add('Computers', name, `computer, ${dataCenter}`, () => router.open('computers'));
  if (cluster.refusalFor('computers.invite') !== null) return;
  add('Computers', 'Invite a computer…', 'a code to join with', () => dialogs.open({ kind: 'invite' }));
  for (const request of requests.value ?? [])
    add('Computers', `Let ${request.computer} in…`, 'asks to come in', () =>
      dialogs.open({ kind: 'let-in', request }),
    );
  if (computers.length > 1)
    for (const { name } of computers)
      add('Computers', `Change what ${name} may do…`, 'computer action', () =>
        dialogs.open({ kind: 'computer-role', name }),
      );
  if (whyNotRemove(cluster) !== null) return;
  for (const { name } of computers)
    add('Computers', `Remove ${name}…`, 'computer action', () =>
      dialogs.open({ kind: 'remove-computer', name }),
    );
}

export function paletteItems(app: AppContext, typed: string): PaletteItem[] {
  const text = typed.trim();
  const words = text
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== '');
  // Without a text the pages and names are enough; actions appear once they are asked for.
  const found = fixedItems(app).filter((item) =>
    words.length === 0 ? !item.hint.endsWith(' action') && item.hint !== 'settings' : matches(item, words),
  );
  const key = text.replace(/^(find\s+)?key\s+/i, '');
  const keys: PaletteItem[] =
    key === ''
      ? []
      : app.cluster.keyspaces.slice(0, 6).map(({ name }) => ({
          id: `find-${name}`,
          group: 'Keys',
          label: `Find key ${key}`,
          hint: `in ${name}`,
          run: () => app.router.open('data', name, key),
        }));
  return [...found.slice(0, itemCountMax), ...keys];
}
