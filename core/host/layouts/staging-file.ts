/** The file of what people have staged, and of the changes that they may take back. */
import { z } from 'zod';
import { CoterieError } from '../../base/errors.ts';
import { listOf } from '../../base/words.ts';
import type { LayoutEntry } from '../../contract/layout-views.ts';
import { nodesOf } from '../../layout/history.ts';
import type { Layout } from '../../layout/layout.ts';
import { checkedLayout } from '../../layout/layout-document.ts';
import type { Disk } from '../../ports/disk.ts';
import { type Staged, stagedSchema } from './staged-change.ts';

const file = 'staged.json';

export interface Applied extends Omit<LayoutEntry, 'ofNodes'> {
  /** Null: it changed no nodes, and is not taken back with them. */
  readonly before: Layout | null;
  /** Ids of the computers that went with it, as their last nodes did. */
  readonly out: readonly string[];
}

type OfNodes = Applied & { readonly before: Layout };

/** The change that is taken back next. `live`: oldest first. Throws `not-found`, and `conflict` with the reason why it stays. */
export function lastToTakeBack(applied: readonly Applied[], live: readonly Layout[]): OfNodes {
  const last = applied.findLast((entry): entry is OfNodes => entry.before !== null);
  if (last === undefined) throw new CoterieError('not-found', 'There is no change of nodes to take back.');
  const { version, before, out } = last;
  const stays = (reason: string) =>
    new CoterieError('conflict', `The change to layout ${version} cannot be taken back: ${reason}`);
  const nodes = nodesOf(live);
  const missing = before.nodes.filter(({ id }) => !nodes.has(id)).map(({ name }) => name);
  if (missing.length > 0) throw stays(`${listOf(missing)} left the cluster with it. Add nodes instead.`);
  const known = new Set([...out, ...live[live.length - 1].computers.map(({ id }) => id)]);
  const removed = before.computers.filter(({ id }) => !known.has(id)).map(({ name }) => name);
  if (removed.length > 0) {
    throw stays(
      `${listOf(removed)} would be let in again, and was taken out since. Change the nodes anew instead.`,
    );
  }
  return last;
}

export interface KeptStaging {
  /** In the order in which they were staged. */
  readonly staged: readonly Staged[];
  /** The oldest first. */
  readonly applied: readonly Applied[];
}

const schema = z.object({
  staged: z.array(stagedSchema),
  applied: z.array(
    z.object({
      version: z.number(),
      atMs: z.number(),
      by: z.string().default(''),
      changes: z.array(z.string()),
      before: z.unknown(),
      out: z.array(z.string()).default([]),
    }),
  ),
});

/** A file that is missing, damaged, or of another version holds nothing: people stage anew, and nothing can be taken back. */
export async function readStaged(disk: Disk): Promise<KeptStaging> {
  try {
    const kept = schema.parse(JSON.parse((await disk.readFile(file)).toString()));
    const applied = kept.applied.map(
      (entry): Applied => ({ ...entry, before: entry.before === null ? null : checkedLayout(entry.before) }),
    );
    return { ...kept, applied };
  } catch {
    return { staged: [], applied: [] };
  }
}

export function writeStaged(disk: Disk, kept: KeptStaging): Promise<void> {
  return disk.replaceFile(file, Buffer.from(JSON.stringify(kept)));
}
