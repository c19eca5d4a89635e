/** `coterie keyspace …`: which there are, and their settings. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import { CoterieError } from '../base/errors.ts';
import { conflictPolicies, durabilities } from '../base/levels.ts';
import type { KeyspaceSettings } from '../contract/api.ts';
import type { KeyspaceView } from '../contract/views.ts';
import { type CommandContext, level } from './context.ts';
import { show, table } from './output.ts';
import { parseFactors, wholeSeconds } from './parsing.ts';

function parseDatabase(text: string): number | null {
  if (text === 'none') return null;
  if (!/^[0-9]+$/.test(text)) throw new InvalidArgumentError('A database is a number from 0 to 15, or none.');
  return Number(text);
}

export function keyspaceRows(keyspaces: readonly KeyspaceView[]): string {
  return table(
    ['KEYSPACE', 'DATABASE', 'FACTOR', 'READ', 'WRITE', 'CONFLICTS', 'SLOPPY', 'UNDER-REPLICATED'],
    keyspaces.map((keyspace) => [
      keyspace.name,
      keyspace.database === null ? '-' : String(keyspace.database),
      Object.entries(keyspace.factors)
        .map(([dataCenter, factor]) => `${dataCenter}=${factor}`)
        .join(','),
      keyspace.readLevel,
      keyspace.writeLevel,
      keyspace.conflicts,
      keyspace.sloppy ? 'on' : 'off',
      `${keyspace.underReplicated} of 1024`,
    ]),
  );
}

export function addKeyspaceCommands(program: Command, context: CommandContext): void {
  const api = () => context.client();
  const print = (value: unknown, text: () => string) => show(context.output(), value, text);
  const keyspace = program.command('keyspace').description('keyspaces and their replication');

  keyspace
    .command('list')
    .description('all keyspaces with their settings')
    .action(async () => {
      const { keyspaces } = await api().call('cluster.snapshot', {});
      print(keyspaces, () => keyspaceRows(keyspaces));
    });

  interface Flags {
    factor?: number | Record<string, number>;
    read?: KeyspaceSettings['readLevel'];
    write?: KeyspaceSettings['writeLevel'];
    conflicts?: KeyspaceSettings['conflicts'];
    durability?: KeyspaceSettings['durability'];
    sloppy?: 'on' | 'off';
    database?: number | null;
    ttl?: number;
    notify?: string;
  }
  const settingsOf = (flags: Flags) => ({
    factors: flags.factor,
    readLevel: flags.read,
    writeLevel: flags.write,
    conflicts: flags.conflicts,
    durability: flags.durability,
    sloppy: flags.sloppy === undefined ? undefined : flags.sloppy === 'on',
    database: flags.database,
    defaultTimeToLiveMs: flags.ttl === undefined ? undefined : flags.ttl * 1000,
    notifications: flags.notify === 'none' ? '' : flags.notify,
  });
  const withSettings = (command: Command) =>
    command
      .option('--factor <n|dc=n,…>', 'replicas in each data center', parseFactors)
      .addOption(level('--read <level>', 'consistency of reads'))
      .addOption(level('--write <level>', 'consistency of writes'))
      .addOption(new Option('--conflicts <policy>', 'concurrent writes').choices([...conflictPolicies]))
      .addOption(
        new Option('--durability <when>', 'sync before or after the answer').choices([...durabilities]),
      )
      .addOption(new Option('--sloppy <on|off>', 'let stand-ins take writes').choices(['on', 'off']))
      .option('--database <number|none>', 'number for Redis clients', parseDatabase)
      .option('--notify <letters|none>', 'tell who listens what changes: KEA for all, as in Redis')
      .option('--ttl <seconds>', 'default time to live, 0 for none', wholeSeconds(0));

  withSettings(
    keyspace
      .command('create <name>')
      .description('make a keyspace: 3 replicas, QUORUM both ways unless told otherwise'),
  ).action(async (name: string, flags: Flags) => {
    const created = await api().call('keyspaces.create', { name, ...settingsOf(flags) });
    print(created, () => keyspaceRows([created]));
  });
  withSettings(
    keyspace.command('alter <name>').description('change the settings that are named, and leave the others'),
  ).action(async (name: string, flags: Flags) => {
    const altered = await api().call('keyspaces.alter', { name, ...settingsOf(flags) });
    print(altered, () => keyspaceRows([altered]));
  });
  keyspace
    .command('drop <name>')
    .alias('delete')
    .description('remove a keyspace and all data in it')
    .option('--yes', 'the data is not needed any more')
    .action(async (name: string, flags: { yes?: boolean }) => {
      if (flags.yes !== true) {
        throw new CoterieError('bad-input', `This deletes all data of ${name}. If you mean it, add --yes.`);
      }
      await api().call('keyspaces.drop', { name, confirm: name });
      print({ dropped: name }, () => `${name} dropped`);
    });
}
