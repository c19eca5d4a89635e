/** `coterie node accept-loss`: what may be lost at a node, shown first, and let go when a person says so. */
import type { Command } from 'commander';
import { CoterieError } from '../base/errors.ts';
import { listOf, partitionsInWords } from '../base/words.ts';
import type { NodeView } from '../contract/node-views.ts';
import type { CommandContext } from './context.ts';
import { nodeNamed } from './node-named.ts';
import { show } from './output.ts';

/** What a node's figures say of losses, a line each; none where there is nothing to say. */
export function lossLines({ name, figures }: Pick<NodeView, 'name' | 'figures'>): string[] {
  const lines = (figures?.possibleLoss ?? []).map(
    ({ keyspace, partitions }) =>
      `${name}: acknowledged writes may be lost in ${partitionsInWords(partitions)} of ${keyspace}`,
  );
  const waitsFor = figures?.waitsFor ?? [];
  if (waitsFor.length > 0) lines.push(`${name}: lacks data, and waits for ${listOf(waitsFor)}`);
  return lines;
}

export function addLossCommand(node: Command, context: CommandContext): void {
  node
    .command('accept-loss <name>')
    .description(
      'accept that writes may be lost at a node, and wait no more for nodes that are gone for good',
    )
    .option('--yes', 'what is shown without it may be lost')
    .action(async (name: string, flags: { yes?: boolean }) => {
      const api = context.client();
      const output = context.output();
      if (flags.yes !== true) {
        const found = await nodeNamed(api, name);
        const lines = lossLines(found);
        if (lines.length === 0) throw new CoterieError('conflict', `There is nothing to accept at ${name}.`);
        if (!output.json) show(output, null, () => lines.join('\n'));
        const shown = output.json ? ` ${lines.join('; ')}.` : '';
        throw new CoterieError(
          'bad-input',
          `Accepting this cannot be undone.${shown} First start every node that may still have the data, or restore a backup of its data folder. If it is gone for good, add --yes.`,
        );
      }
      const accepted = await api.call('nodes.acceptLoss', { name });
      show(output, { node: name, ...accepted }, () =>
        [
          ...accepted.losses.map(
            ({ keyspace, partitions }) =>
              `accepted: writes may be lost in ${partitionsInWords(partitions)} of ${keyspace}`,
          ),
          ...accepted.notHeard.map(
            (wanted) =>
              `no longer waited for: ${wanted.node}, in ${partitionsInWords(wanted.partitions)} of ${wanted.keyspace}`,
          ),
        ].join('\n'),
      );
    });
}
