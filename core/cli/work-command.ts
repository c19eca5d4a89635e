/** `coterie node work`: what nodes do in the background now, and how much they have done. */
import type { Command } from 'commander';
import { CoterieError } from '../base/errors.ts';
import type { NodeView } from '../contract/node-views.ts';
import { workerWords, workNow } from '../contract/worker-words.ts';
import type { CommandContext } from './context.ts';
import { show, table } from './output.ts';

function workRows(nodes: readonly Pick<NodeView, 'name' | 'figures'>[]): string {
  const rows = nodes.flatMap(({ name, figures }) =>
    (figures?.work ?? []).map((worker) => [
      name,
      workerWords[worker.name].what,
      workNow(worker, (ms) => `${Math.ceil(ms / 1_000)} s`),
      worker.partition === null ? '-' : String(worker.partition),
      `${worker.done} ${workerWords[worker.name].done}`,
    ]),
  );
  if (rows.length === 0) return 'No node that runs has told yet.';
  return table(['NODE', 'WORK', 'NOW', 'AT PARTITION', 'SINCE IT STARTED'], rows);
}

export function addWorkCommand(node: Command, context: CommandContext): void {
  node
    .command('work [name]')
    .description('what a node, or every node, does in the background now')
    .action(async (name: string | undefined) => {
      const { nodes } = await context.client().call('cluster.snapshot', {});
      const chosen = name === undefined ? nodes : nodes.filter((candidate) => candidate.name === name);
      if (chosen.length === 0) throw new CoterieError('not-found', `There is no node "${name}".`);
      const work = chosen.map(({ name: of, figures }) => ({ node: of, work: figures?.work ?? [] }));
      show(context.output(), work, () => workRows(chosen));
    });
}
