/** One key: where it lives, what it holds, and writing it. */
import type { Command } from 'commander';
import { CoterieError } from '../base/errors.ts';
import type { KeyspaceSettings } from '../contract/api.ts';
import { type CommandContext, level } from './context.ts';
import { exitCodes } from './exit-codes.ts';
import { show, table } from './output.ts';
import { wholeSeconds } from './parsing.ts';

export function addDataCommands(program: Command, context: CommandContext): void {
  const api = () => context.client();
  const print = (value: unknown, text: () => string) => show(context.output(), value, text);

  program
    .command('replicas <keyspace> <key>')
    .description('where a key lives and which version each replica holds')
    .action(async (keyspace: string, key: string) => {
      const replicas = await api().call('data.replicas', { keyspace, key });
      print(replicas, () =>
        table(
          ['NODE', 'DATA CENTER', 'STATE', 'VERSION', 'SIBLINGS'],
          replicas.map((replica) => [
            replica.node,
            replica.dataCenter,
            replica.tombstone ? 'deleted' : replica.state,
            replica.relation,
            String(replica.siblingCount),
          ]),
        ),
      );
    });

  program
    .command('get <key>')
    .description('read a key')
    .option('--keyspace <name>', 'its keyspace', 'default')
    .addOption(level('--consistency <level>', 'instead of the keyspace’s level'))
    .action(async (key: string, flags: { keyspace: string; consistency?: KeyspaceSettings['readLevel'] }) => {
      const found = await api().call('data.find', {
        keyspace: flags.keyspace,
        key,
        level: flags.consistency,
      });
      if (found.siblings.length === 0) {
        if (!context.output().json) throw new CoterieError('not-found', `${key} holds no value.`);
        // Programs get where the key would be, and the same exit code.
        process.exitCode = exitCodes.notFound;
      }
      print(found, () => {
        const values = found.siblings.map((value) => value.text);
        return values.length === 1
          ? values[0]
          : values.map((text, index) => `sibling ${index + 1}: ${text}`).join('\n');
      });
    });

  program
    .command('put <key> [value]')
    .description('write a key; without a value, standard input is the value')
    .option('--keyspace <name>', 'its keyspace', 'default')
    .option('--context <context>', 'of the read that this write answers')
    .option('--blind', 'without context: keep what is there as a sibling')
    .option('--ttl <seconds>', 'seconds until it expires', wholeSeconds(1))
    .option('--type <type>', 'content type for who reads it over HTTP, such as text/plain')
    .addOption(level('--consistency <level>', 'instead of the keyspace’s level'))
    .action(
      async (
        key: string,
        value: string | undefined,
        flags: {
          keyspace: string;
          context?: string;
          blind?: boolean;
          ttl?: number;
          type?: string;
          consistency?: KeyspaceSettings['writeLevel'];
        },
      ) => {
        const bytes = value === undefined ? await context.readStandardInput() : Buffer.from(value);
        const written = await api().call('data.put', {
          keyspace: flags.keyspace,
          key,
          value: bytes.toString('base64'),
          encoding: 'base64',
          context: flags.context,
          plain: flags.context === undefined && flags.blind !== true,
          expiresInSeconds: flags.ttl,
          contentType: flags.type,
          level: flags.consistency,
        });
        print(written, () => 'written');
      },
    );

  program
    .command('delete <key>')
    .description('delete a key; says whether there was anything')
    .option('--keyspace <name>', 'its keyspace', 'default')
    .option('--context <context>', 'of the read that this delete answers')
    .addOption(level('--consistency <level>', 'instead of the keyspace’s level'))
    .action(
      async (
        key: string,
        flags: { keyspace: string; context?: string; consistency?: KeyspaceSettings['writeLevel'] },
      ) => {
        const { keyspace, context: basis, consistency } = flags;
        const found = await api().call('data.find', { keyspace, key, level: undefined });
        const existed = found.siblings.length > 0;
        // Also where nothing was seen: somebody may have written it meanwhile.
        const deleted = await api().call('data.delete', {
          keyspace,
          key,
          context: basis,
          level: consistency,
        });
        print({ ...deleted, existed }, () => (existed ? 'deleted' : 'There was nothing to delete.'));
      },
    );
}
