/** The commands that talk to a running host. Each is one ClusterApi call and one way of showing its answer. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import { CoterieError } from '../base/errors.ts';
import { conflictPolicies, consistencyLevels, durabilities } from '../base/levels.ts';
import { plainLine } from '../base/plain-text.ts';
import type { KeyspaceSettings } from '../contract/api.ts';
import type { KeyspaceView, NodeView } from '../contract/views.ts';
import type { ControlClient } from './control-client.ts';
import { addLossCommand, lossLines } from './loss-commands.ts';
import { formatBytes, type Output, show, table } from './output.ts';
import { addRepairCommands } from './repair-commands.ts';
import { addSessionCommands } from './session-commands.ts';
import { addUserCommands } from './user-commands.ts';
import { addWorkCommand } from './work-command.ts';

export interface CommandContext {
  client(): ControlClient;
  output(): Output;
  readStandardInput(): Promise<Buffer>;
}

/** `3`, or `office=3,warehouse=2`. */
export function parseFactors(text: string): number | Record<string, number> {
  if (/^[0-9]+$/.test(text)) return Number(text);
  const factors: Record<string, number> = {};
  for (const part of text.split(',')) {
    const match = /^([^=]+)=([0-9]+)$/.exec(part.trim());
    if (match === null) {
      throw new InvalidArgumentError('Give one number, or one per data center: office=3,warehouse=2.');
    }
    factors[match[1]] = Number(match[2]);
  }
  return factors;
}

function parseDatabase(text: string): number | null {
  if (text === 'none') return null;
  if (!/^[0-9]+$/.test(text)) throw new InvalidArgumentError('A database is a number from 0 to 15, or none.');
  return Number(text);
}

function nodeRows(nodes: readonly NodeView[]): string {
  const rows = table(
    ['NODE', 'STATE', 'DATA CENTER', 'CLIENTS AT', 'KEYS', 'DISK', 'PID'],
    nodes.map((node) => [
      node.name,
      node.state,
      node.dataCenter,
      node.client ?? '-',
      node.figures === null ? '-' : String(node.figures.keyCount),
      node.figures === null ? '-' : formatBytes(node.figures.diskBytes),
      node.pid === null ? '-' : String(node.pid),
    ]),
  );
  const problems = nodes.filter(({ problem }) => problem !== null);
  return [
    rows,
    ...problems.map(({ name, problem }) => plainLine(`${name}: ${problem}`)),
    ...nodes.flatMap(lossLines),
  ].join('\n');
}

function keyspaceRows(keyspaces: readonly KeyspaceView[]): string {
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

const level = (flags: string, text: string) =>
  new Option(flags, text).choices([...consistencyLevels]).argParser(upper);

function upper(text: string): string {
  const found = consistencyLevels.find((candidate) => candidate === text.toUpperCase());
  if (found === undefined) throw new InvalidArgumentError(`Use one of ${consistencyLevels.join(', ')}.`);
  return found;
}

export function addClusterCommands(program: Command, context: CommandContext): void {
  const api = () => context.client();
  const print = (value: unknown, text: () => string) => show(context.output(), value, text);

  program
    .command('status')
    .description('the cluster at a glance')
    .action(async () => {
      const { cluster, nodes, keyspaces, advice } = await api().call('cluster.snapshot', {});
      const value = { cluster, nodes, keyspaces, advice };
      print(value, () => {
        const up = nodes.filter((node) => node.state === 'up').length;
        const lines = [
          `${plainLine(cluster.name)}: ${up} of ${nodes.length} nodes up`,
          '',
          nodeRows(nodes),
          '',
          keyspaceRows(keyspaces),
        ];
        for (const item of advice) lines.push('', `${item.title}: ${item.detail}`);
        return lines.join('\n');
      });
    });

  program
    .command('nodes')
    .description('the nodes and their states')
    .action(async () => {
      const { nodes } = await api().call('cluster.snapshot', {});
      print(nodes, () => nodeRows(nodes));
    });

  const node = program.command('node').description('act on one node');
  const actions = {
    start: ['nodes.start', 'start a stopped node', 'started'],
    stop: ['nodes.stop', 'let a node finish what it has, and stop it', 'stopped'],
    restart: ['nodes.restart', 'stop and start a node', 'restarted'],
    kill: ['nodes.kill', 'end a node as a power cut would; it starts again by itself', 'killed'],
    pause: ['nodes.pause', 'freeze a node', 'paused'],
    resume: ['nodes.resume', 'let a frozen node go on', 'resumed'],
  } as const;
  for (const [verb, [method, description, past]] of Object.entries(actions)) {
    node
      .command(`${verb} <name>`)
      .description(description)
      .action(async (name: string) => {
        await api().call(method, { name });
        print({ node: name, done: past }, () => `${name} ${past}`);
      });
  }

  addLossCommand(node, context);
  addWorkCommand(node, context);

  addKeyspaceCommands(program, context);
  addDataCommands(program, context);
  addUserCommands(program, context);
  addRepairCommands(program, context);

  program
    .command('ring')
    .description('who owns how much of each ring')
    .action(async () => {
      const { rings } = await api().call('cluster.snapshot', {});
      print(rings, () =>
        table(
          ['DATA CENTER', 'NODE', 'VIRTUAL NODES', 'SHARE'],
          rings.flatMap((ring) =>
            ring.nodes.map((owner) => [
              ring.dataCenter,
              owner.name,
              String(owner.arcCount),
              `${(owner.share * 100).toFixed(1)} %`,
            ]),
          ),
        ),
      );
    });

  program
    .command('login')
    .description('print a new one-time link to the app in the browser')
    .action(async () => {
      const url = await api().loginLink();
      print({ url }, () => url);
    });

  addSessionCommands(program, context);
}

function addKeyspaceCommands(program: Command, context: CommandContext): void {
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
      .option('--ttl <seconds>', 'default time to live, 0 for none', Number);

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

function addDataCommands(program: Command, context: CommandContext): void {
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
      if (found.siblings.length === 0 && !context.output().json) {
        throw new CoterieError('not-found', `${key} holds no value.`);
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
    .option('--ttl <seconds>', 'seconds until it expires', Number)
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
          level: flags.consistency,
        });
        print(written, () => 'written');
      },
    );

  program
    .command('delete <key>')
    .description('delete a key')
    .option('--keyspace <name>', 'its keyspace', 'default')
    .option('--context <context>', 'of the read that this delete answers')
    .addOption(level('--consistency <level>', 'instead of the keyspace’s level'))
    .action(
      async (
        key: string,
        flags: { keyspace: string; context?: string; consistency?: KeyspaceSettings['writeLevel'] },
      ) => {
        const { keyspace, context: basis, consistency } = flags;
        const deleted = await api().call('data.delete', {
          keyspace,
          key,
          context: basis,
          level: consistency,
        });
        print(deleted, () => 'deleted');
      },
    );
}
