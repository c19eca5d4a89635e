/** The commands that talk to a running host. Each is one ClusterApi call and one way of showing its answer. */
import { type Command, Option } from 'commander';
import { plainLine } from '../base/plain-text.ts';
import type { NodeView } from '../contract/node-views.ts';
import { lossKind } from '../contract/survival.ts';
import { type SwitchOffQuestion, switchOffInWords } from '../contract/switch-off.ts';
import type { Snapshot } from '../contract/views.ts';
import { addComputerCommands } from './computer-commands.ts';
import type { CommandContext } from './context.ts';
import { addDataCommands } from './data-commands.ts';
import { addKeyspaceCommands, keyspaceRows } from './keyspace-commands.ts';
import { addLayoutCommands } from './layout-commands.ts';
import { addLossCommand, lossLines } from './loss-commands.ts';
import { nodeNamed } from './node-named.ts';
import { formatBytes, show, table } from './output.ts';
import { addRepairCommands } from './repair-commands.ts';
import { addSessionCommands } from './session-commands.ts';
import { addTokenCommands } from './token-commands.ts';
import { addUserCommands } from './user-commands.ts';
import { addWatchCommand } from './watch-command.ts';
import { addWorkCommand } from './work-command.ts';

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

function statusText({ cluster, nodes, keyspaces, advice }: Snapshot): string {
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
}

export function addClusterCommands(program: Command, context: CommandContext): void {
  const api = () => context.client();
  const print = (value: unknown, text: () => string) => show(context.output(), value, text);

  program
    .command('status')
    .description('the cluster at a glance')
    .action(async () => {
      const snapshot = await api().call('cluster.snapshot', {});
      const { cluster, nodes, keyspaces, advice } = snapshot;
      const value = { cluster, nodes, keyspaces, advice };
      print(value, () => statusText(snapshot));
    });

  addWatchCommand(program, context, statusText);

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
        const { name: found } = await nodeNamed(api(), name);
        await api().call(method, { name: found });
        print({ node: found, done: past }, () => `${found} ${past}`);
      });
  }

  addComputerCommands(program, context);
  addLayoutCommands(program, node, context);
  addLossCommand(node, context);
  addWorkCommand(node, context);

  addKeyspaceCommands(program, context);
  addDataCommands(program, context);
  addUserCommands(program, context);
  addTokenCommands(program, context);
  addRepairCommands(program, context);

  program
    .command('without <name>')
    .description('whether a node, a computer or a data center can be switched off now')
    .addOption(new Option('--kind <kind>', 'what it is').choices(lossKind.options).default('node'))
    .action(async (name: string, { kind }: Pick<SwitchOffQuestion, 'kind'>) => {
      const answer = await api().call('cluster.without', { kind, name });
      print(answer, () => switchOffInWords(answer).join('\n'));
    });

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
