/** Whether something can be switched off: asked before somebody does it, and answered in the same words in the window and on the command line. */
import { z } from 'zod';
import { listOf } from '../base/words.ts';
import { lossKind } from './survival.ts';

export const switchOffQuestion = z.object({
  kind: lossKind,
  name: z.string().min(1).max(200),
});
export type SwitchOffQuestion = z.infer<typeof switchOffQuestion>;

export const switchOffAnswer = z.object({
  /** What goes with it, by name. */
  nodes: z.array(z.string()),
  /** Not up as it is. */
  alreadyAway: z.array(z.string()),
  /** Up, but getting back what they lost: they take writes and do not answer reads. */
  rebuilding: z.array(z.string()),
  /** Those that would not go on as they are; of 1,024 partitions. */
  stopped: z.array(z.object({ keyspace: z.string(), unreadable: z.number(), unwritable: z.number() })),
});
export type SwitchOffAnswer = z.infer<typeof switchOffAnswer>;

/** The verdict, then what it rests on, a sentence each. */
export function switchOffInWords({ nodes, alreadyAway, rebuilding, stopped }: SwitchOffAnswer): string[] {
  const also = [
    ...about(alreadyAway, 'away already, and counted as such.'),
    ...about(rebuilding, 'getting lost data back, and not counted for reads until that is done.'),
  ];
  if (stopped.length === 0) {
    return [`Yes. Reads and writes of every keyspace go on without ${listOf(nodes)}.`, ...also];
  }
  return [
    `Not without a gap. ${listOf(nodes)} ${nodes.length === 1 ? 'is' : 'are'} needed.`,
    ...stopped.map(gapInWords),
    `Nothing is lost by that: it works again once ${nodes.length === 1 ? 'it is' : 'they are'} back.`,
    ...also,
  ];
}

function about(names: readonly string[], what: string): string[] {
  return names.length === 0 ? [] : [`${listOf(names)} ${names.length === 1 ? 'is' : 'are'} ${what}`];
}

function gapInWords({ keyspace, unreadable, unwritable }: SwitchOffAnswer['stopped'][number]): string {
  const share = (count: number) => `${count.toLocaleString('en-US')} of 1,024 partitions`;
  if (unreadable === unwritable)
    return `${keyspace}: ${share(unreadable)} could be neither read nor written at its levels.`;
  if (unreadable === 0) return `${keyspace}: ${share(unwritable)} could not be written at its level.`;
  if (unwritable === 0) return `${keyspace}: ${share(unreadable)} could not be read at its level.`;
  return `${keyspace}: ${share(unreadable)} could not be read and ${unwritable.toLocaleString('en-US')} could not be written at its levels.`;
}
