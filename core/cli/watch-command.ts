/** `coterie watch`: the status, again and again, until somebody ends it. */
import type { Command } from 'commander';
import { CoterieError } from '../base/errors.ts';
import { plainLine } from '../base/plain-text.ts';
import type { Snapshot } from '../contract/views.ts';
import type { CommandContext } from './context.ts';
import { show } from './output.ts';
import { wholeSeconds } from './parsing.ts';

/** Clears the screen and goes to its top: the same place for the same facts. */
const fresh = '\u001b[2J\u001b[H';

export function addWatchCommand(
  program: Command,
  context: CommandContext,
  textOf: (snapshot: Snapshot) => string,
): void {
  program
    .command('watch')
    .description('the cluster at a glance, again and again, until Ctrl-C')
    .option('--every <seconds>', 'how often', wholeSeconds(1), 2)
    .option('--times <n>', 'so often, and then end', wholeSeconds(1))
    .action(async ({ every, times }: { every: number; times?: number }) => {
      const output = context.output();
      for (let turn = 0; times === undefined || turn < times; turn++) {
        if (turn > 0) await new Promise((resolve) => setTimeout(resolve, every * 1_000));
        try {
          const snapshot = await context.client().call('cluster.snapshot', {});
          const { cluster, nodes, keyspaces, advice } = snapshot;
          if (output.terminal && !output.json) output.write(fresh);
          const value = { atMs: Date.now(), cluster, nodes, keyspaces, advice };
          show(output, value, () => `${new Date().toLocaleTimeString()}  ${textOf(snapshot)}\n`);
        } catch (cause) {
          // A host that is being started anew comes back; one that was not there at first is told as everywhere.
          if (turn === 0 || !(cause instanceof CoterieError)) throw cause;
          const { code, message } = cause;
          if (output.terminal && !output.json) output.write(fresh);
          show(output, { atMs: Date.now(), error: { code, message } }, () => plainLine(message));
        }
      }
    });
}
