/** The file of what people have staged, and of the changes that they may take back. */
import { z } from 'zod';
import type { LayoutEntry } from '../../contract/layout-views.ts';
import type { Layout } from '../../layout/layout.ts';
import { checkedLayout } from '../../layout/layout-document.ts';
import type { Disk } from '../../ports/disk.ts';
import { type Staged, stagedSchema } from './staged-change.ts';

const file = 'staged.json';

export interface Applied extends Omit<LayoutEntry, 'ofNodes'> {
  /** Null: it changed no nodes, and is not taken back with them. */
  readonly before: Layout | null;
}

export function canBeTakenBack(entry: Applied): entry is Applied & { readonly before: Layout } {
  return entry.before !== null;
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
