/** What keyspaces survive, and what a change of the cluster makes of that: the same words in the window and on the command line. */
import { z } from 'zod';
import { listOf } from '../base/words.ts';

/** What can go at once. */
export const lossKind = z.enum(['node', 'computer', 'data-center']);

/** For one loss, whether reads and writes at the keyspace's levels still work. */
export const survivalView = z.object({
  loss: lossKind,
  readable: z.boolean(),
  writable: z.boolean(),
});
export type SurvivalView = z.infer<typeof survivalView>;

export const survivalChange = z.object({
  keyspace: z.string(),
  before: z.array(survivalView),
  after: z.array(survivalView),
});
type SurvivalChange = z.infer<typeof survivalChange>;

function survived(losses: readonly SurvivalView[]): string {
  const names = losses
    .filter(({ readable, writable }) => readable && writable)
    .map(({ loss }) => `a ${loss.replace('-', ' ')}`);
  return names.length === 0 ? 'the loss of nothing' : `the loss of ${listOf(names)}`;
}

/** One sentence for each keyspace that will survive something else than now. */
export function survivalInWords(changes: readonly SurvivalChange[]): string[] {
  return changes.flatMap(({ keyspace, before, after }) => {
    const [was, will] = [survived(before), survived(after)];
    return was === will ? [] : [`${keyspace} survives ${was} now, and ${will} afterwards.`];
  });
}
