/** `coterie layout …`, and the commands that stage a change of the cluster's nodes: `node add`, `data-center remove`, and so on. */
import { Argument, type Command, InvalidArgumentError } from 'commander';
import { CoterieError } from '../base/errors.ts';
import { type Intensity, intensities } from '../base/levels.ts';
import type { LayoutChange, LayoutPreview } from '../contract/layout-views.ts';
import { survivalInWords } from '../contract/survival.ts';
import type { CommandContext } from './context.ts';
import { viewText } from './layout-text.ts';
import { nodeNamed } from './node-named.ts';
import { formatBytes, show, table } from './output.ts';

const pollMs = 250;
const defaultTimeoutSeconds = 3_600;

function positive(what: string): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (Number.isFinite(value) && value > 0) return value;
    throw new InvalidArgumentError(`${what} is a number above 0.`);
  };
}

/** What the host then checks in full. */
function parseChanges(text: string): LayoutChange[] {
  try {
    const changes = JSON.parse(text);
    if (Array.isArray(changes)) return changes;
  } catch {
    // Told below.
  }
  throw new InvalidArgumentError(
    'Changes are a JSON array, such as [{"kind":"add-nodes","count":1,"weight":1}].',
  );
}

function previewText(preview: LayoutPreview): string {
  const { changes, moves, nodes, durationMs, losses, blocked, survival } = preview;
  if (changes.length === 0) return 'Nothing is staged.';
  const lines = [
    ...changes.map((words) => `- ${words}`),
    '',
    `${moves.partitions} of 1024 partitions move, about ${formatBytes(moves.bytes)} (the least possible: ${formatBytes(moves.minimumBytes)})${durationMs === null ? '' : `, some ${Math.ceil(durationMs / 1_000)} s`}.`,
    '',
    table(
      ['NODE', 'DATA CENTER', 'COPIES', 'AFTERWARDS', 'GETS', 'LETS GO'],
      nodes.map((node) => [
        node.name,
        node.dataCenter,
        String(node.copiesBefore),
        String(node.copiesAfter),
        String(node.gained),
        String(node.released),
      ]),
    ),
  ];
  for (const words of survivalInWords(survival)) lines.push('', words);
  for (const loss of losses) lines.push('', `Lost: ${loss}`);
  for (const reason of blocked) lines.push('', `Cannot be applied: ${reason}`);
  if (blocked.length === 0) lines.push('', 'Apply it: coterie layout apply');
  return lines.join('\n');
}

export function addLayoutCommands(program: Command, node: Command, context: CommandContext): void {
  const api = () => context.client();
  const print = (value: unknown, text: () => string) => show(context.output(), value, text);

  const printApplied = (version: number) =>
    print({ version }, () => `Applied as layout ${version}. Follow it: coterie layout wait`);
  const applyStaged = async (): Promise<void> => {
    const { version } = await api().call('layout.apply', {});
    printApplied(version);
  };
  /** Stages, and applies at once where that is asked for. */
  const stage = (change: LayoutChange, isApplied: boolean | undefined) => stageAll([change], isApplied);
  const stageAll = async (changes: LayoutChange[], isApplied: boolean | undefined): Promise<void> => {
    const preview = await api().call('layout.stage', { changes });
    if (preview.appliedAs !== null) printApplied(preview.appliedAs);
    else if (isApplied === true) await applyStaged();
    else print(preview, () => previewText(preview));
  };
  const named = async (text: string) => (await nodeNamed(api(), text)).name;
  const applies = '--apply';
  const appliesText = 'apply it at once, with whatever else is staged';

  node
    .command('add')
    .description('stage one or several new nodes, on this computer or another one')
    .option('--count <number>', 'how many', positive('A count'), 1)
    .option('--data-center <name>', 'one that does not exist yet is made')
    .option('--computer <name>', 'another computer of the cluster')
    .option('--weight <number>', 'share of the data relative to the others', positive('A weight'), 1)
    .option(applies, appliesText)
    .action(({ count, dataCenter, computer, weight, apply }) =>
      stage({ kind: 'add-nodes', count, dataCenter, computer, weight }, apply),
    );
  node
    .command('remove <name>')
    .description('stage that a node hands over what it has and leaves')
    .option('--dead', 'it is gone for good: nobody waits for it, and what only it held is lost')
    .option(applies, appliesText)
    .action(async (name: string, { dead, apply }) =>
      stage({ kind: 'remove-node', node: await named(name), dead: dead === true }, apply),
    );
  node
    .command('replace <name>')
    .description('stage a new node of this computer in the place of one that is dead')
    .option(applies, appliesText)
    .action(async (name: string, { apply }) =>
      stage({ kind: 'replace-node', node: await named(name) }, apply),
    );
  node
    .command('weight')
    .argument('<name>', 'the node')
    .argument('<weight>', 'relative to the others', positive('A weight'))
    .description('stage another share of the data for a node')
    .option(applies, appliesText)
    .action(async (name: string, weight: number, { apply }) =>
      stage({ kind: 'weigh-node', node: await named(name), weight }, apply),
    );
  node
    .command('move <name> <data-center>')
    .description('stage that a node belongs to another data center')
    .option(applies, appliesText)
    .action(async (name: string, dataCenter: string, { apply }) =>
      stage({ kind: 'move-node', node: await named(name), dataCenter }, apply),
    );

  const center = program.command('data-center').description('data centers');
  center
    .command('add <name>')
    .description('stage a new data center with nodes on this computer')
    .option('--count <number>', 'how many nodes', positive('A count'), 1)
    .option(applies, appliesText)
    .action((name: string, { count, apply }) =>
      stage({ kind: 'add-nodes', count, dataCenter: name, weight: 1 }, apply),
    );
  center
    .command('remove <name>')
    .description('stage that all nodes of a data center leave')
    .option(applies, appliesText)
    .action((name: string, { apply }) => stage({ kind: 'remove-data-center', dataCenter: name }, apply));
  center
    .command('rename <name> <to>')
    .description('stage another name for a data center')
    .option(applies, appliesText)
    .action((name: string, to: string, { apply }) =>
      stage({ kind: 'rename-data-center', dataCenter: name, to }, apply),
    );

  const layout = program
    .command('layout')
    .description('changes of the cluster: staged, applied, followed, taken back');
  layout
    .command('show')
    .description('the present layout, what is staged, and how far a change is')
    .action(async () => {
      const view = await api().call('layout.show', {});
      print(view, () => viewText(view));
    });
  layout
    .command('stage <changes>')
    .description('stage several changes at once: a JSON array as ClusterApi has it, or - to read it')
    .addHelpText(
      'after',
      '\nExample: coterie layout stage \'[{"kind":"weigh-node","node":"node-1","weight":2}]\'',
    )
    .option(applies, appliesText)
    .action(async (text: string, { apply }) => {
      const given = text === '-' ? (await context.readStandardInput()).toString() : text;
      await stageAll(parseChanges(given), apply);
    });
  layout
    .command('preview')
    .description('what applying the staged changes will do')
    .action(async () => {
      const preview = await api().call('layout.preview', {});
      print(preview, () => previewText(preview));
    });
  layout
    .command('unstage')
    .description('forget what is staged')
    .action(async () => {
      await api().call('layout.unstage', {});
      print({ staged: 0 }, () => 'Nothing is staged any more.');
    });
  layout.command('apply').description('carry out what is staged').action(applyStaged);
  layout
    .command('revert')
    .description('take back the last change of nodes')
    .action(async () => {
      const { version } = await api().call('layout.revert', {});
      print({ version }, () => `Taken back with layout ${version}. Follow it: coterie layout wait`);
    });
  layout
    .command('join-by-itself')
    .description('whether nodes that are added take their share without being applied')
    .addArgument(new Argument('<answer>').choices(['on', 'off']))
    .action(async (answer: string) => {
      const joinsByItself = answer === 'on';
      await api().call('layout.settings', { joinsByItself });
      print({ joinsByItself }, () =>
        joinsByItself
          ? 'Nodes that are added join by themselves.'
          : 'Nodes that are added wait for: coterie layout apply',
      );
    });
  layout
    .command('intensity')
    .description('how much of a computer moving data may take while clients are served')
    .addArgument(new Argument('<how>').choices([...intensities]))
    .action(async (transfer: Intensity) => {
      await api().call('layout.settings', { transfer });
      print({ transfer }, () => `Data moves at the pace "${transfer}".`);
    });
  layout
    .command('history')
    .description('changes that were applied, the newest first')
    .action(async () => {
      const entries = await api().call('layout.history', {});
      print(entries, () =>
        table(
          ['LAYOUT', 'WHEN', 'BY', 'CHANGE'],
          entries.map(({ version, atMs, by, changes }) => [
            String(version),
            new Date(atMs).toLocaleString(),
            by,
            changes.join('; '),
          ]),
        ),
      );
    });
  layout
    .command('wait')
    .description('return once no change is under way')
    .option('--timeout <seconds>', 'give up after this long', positive('A time-out'), defaultTimeoutSeconds)
    .action(async ({ timeout }: { timeout: number }) => {
      const untilMs = Date.now() + timeout * 1_000;
      for (;;) {
        const view = await api().call('layout.show', {});
        if (view.state === 'settled') {
          print(view, () => `Layout ${view.version} is settled.`);
          return;
        }
        if (Date.now() >= untilMs) {
          throw new CoterieError(
            'unavailable',
            `Layout ${view.version} is not settled yet. ${view.waitsFor.join(' ')}`,
          );
        }
        await new Promise((resolve) => setTimeout(resolve, pollMs));
      }
    });
}
