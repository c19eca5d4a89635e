/** Redis's categories of commands, as far as the table tells them: for ACL CAT, COMMAND INFO and COMMAND LIST. */
import type { Command } from './command.ts';

/** About the keys of a keyspace as a whole, and in Redis of the group of the server all the same. */
const keyspaceCommands = new Set(['dbsize', 'flushdb', 'flushall', 'swapdb']);
/** Harmless to data, and yet nothing for everybody: they tell of others, or hold others up. */
const dangerousCommands = new Set(['keys', 'info', 'sort']);
const connectionCommands = new Set(['wait', 'command']);

const categories = {
  keyspace: ({ group, name }) => group === 'generic' || keyspaceCommands.has(name),
  read: ({ flags }) => flags.includes('readonly'),
  write: ({ flags }) => flags.includes('write'),
  string: ({ group }) => group === 'string',
  bitmap: ({ group }) => group === 'bitmap',
  admin: ({ flags }) => flags.includes('admin'),
  fast: ({ flags }) => flags.includes('fast'),
  slow: ({ flags }) => !flags.includes('fast'),
  blocking: ({ flags }) => flags.includes('blocking'),
  dangerous: ({ need, name }) => need.access === 'admin' || dangerousCommands.has(name),
  pubsub: ({ group }) => group === 'pubsub',
  transaction: ({ group }) => group === 'transactions',
  connection: ({ group, name }) => group === 'connection' || connectionCommands.has(name),
} satisfies Record<string, (command: Command) => boolean>;

export const categoryNames: readonly string[] = Object.keys(categories);

export function isCategory(name: string): name is keyof typeof categories {
  return Object.hasOwn(categories, name);
}

/** False for a category that Redis has and we have no commands for, too. */
export function isInCategory(command: Command, category: string): boolean {
  return isCategory(category) && categories[category](command);
}

export function categoriesOf(command: Command): string[] {
  return categoryNames.filter((name) => isInCategory(command, name));
}
