/** The list of everything that a client can say. Each family is in its own file under commands/. */
import { CommandTable } from './command.ts';
import { aclCommands } from './commands/acl.ts';
import { bitCommands } from './commands/bits.ts';
import { clientCommands } from './commands/client.ts';
import { clusterCommands } from './commands/cluster.ts';
import { configCommands } from './commands/config.ts';
import { connectionCommands } from './commands/connection.ts';
import { expiryCommands } from './commands/expiry.ts';
import { extensionCommands } from './commands/extensions.ts';
import { hostCommands } from './commands/host.ts';
import { informationCommands } from './commands/information.ts';
import { introspectionCommands } from './commands/introspection.ts';
import { keyCommands } from './commands/keys.ts';
import { keyspaceCommands } from './commands/keyspace.ts';
import { lcsCommands } from './commands/lcs.ts';
import { movingCommands } from './commands/moving.ts';
import { numberCommands } from './commands/numbers.ts';
import { objectCommands } from './commands/object.ts';
import { publishingCommands } from './commands/publishing.ts';
import { rangeCommands } from './commands/ranges.ts';
import { refusedCommands } from './commands/refused.ts';
import { serverCommands } from './commands/server.ts';
import { stringCommands } from './commands/strings.ts';
import { transactionCommands } from './commands/transactions.ts';
import { watchingCommands } from './commands/watching.ts';

export function createCommandTable(): CommandTable {
  return new CommandTable([
    ...stringCommands,
    ...numberCommands,
    ...rangeCommands,
    ...bitCommands,
    ...lcsCommands,
    ...keyCommands,
    ...movingCommands,
    ...expiryCommands,
    ...keyspaceCommands,
    ...objectCommands,
    ...connectionCommands,
    ...clientCommands,
    ...aclCommands,
    ...introspectionCommands,
    ...informationCommands,
    ...configCommands,
    ...serverCommands,
    ...transactionCommands,
    ...publishingCommands,
    ...watchingCommands,
    ...refusedCommands,
    ...clusterCommands,
    ...extensionCommands,
    ...hostCommands,
  ]);
}
