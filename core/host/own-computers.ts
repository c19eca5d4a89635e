/**
 * Which computers of the layout this data folder is: one, or several where a person plays data centers on one machine. It is kept
 * in a file; where that is missing or says nothing usable, the nodes whose folders are here tell.
 */
import { z } from 'zod';
import { plainLine } from '../base/plain-text.ts';
import type { Layout } from '../layout/layout.ts';
import type { Disk } from '../ports/disk.ts';
import { nodeNamesIn } from './node-folders.ts';

const file = 'computers.json';
const schema = z.object({ clusterId: z.string(), computers: z.array(z.string()) });

/**
 * Ids of computers in the layout, or, on one that was taken out of it, of what it was: it is none of the others. Never none. The file is
 * written where it does not say the same.
 */
export async function ownComputers(disk: Disk, layout: Layout, folder: string): Promise<Set<string>> {
  const said = await readSaid(disk);
  const present = new Set(layout.computers.map(({ id }) => id));
  const known = said?.clusterId === layout.clusterId ? said.computers : [];
  const usable = known.filter((id) => present.has(id));
  const own = new Set(usable.length > 0 ? usable : computersWithFolders(layout, folder, known));
  if (usable.length !== own.size || said?.computers.length !== own.size) {
    await keepOwnComputers(disk, layout.clusterId, own);
  }
  return own;
}

export const takenOut =
  'This computer was taken out of the cluster. To let it join again, or use it for something else, end Coterie and move its data folder away.';

/** As which of them it acts for the cluster: any rule that all computers know would do. */
export function selfIn({ computers }: Layout, own: ReadonlySet<string>): { id: string; name: string } {
  const [id] = [...own].sort();
  return {
    id,
    name: plainLine(computers.find((one) => one.id === id)?.name ?? 'a computer that was taken out'),
  };
}

export async function keepOwnComputers(
  disk: Disk,
  clusterId: string,
  own: ReadonlySet<string>,
): Promise<void> {
  const body = { clusterId, computers: [...own] };
  await disk.replaceFile(file, Buffer.from(`${JSON.stringify(body)}\n`));
}

async function readSaid(disk: Disk): Promise<z.output<typeof schema> | null> {
  try {
    return schema.parse(JSON.parse((await disk.readFile(file)).toString()));
  } catch {
    // Missing, damaged, or of another version: it can be told again.
    return null;
  }
}

/** A cluster that has just been made has no folders yet: all of it is here. One that was taken out has none any more: `left`, where it was. */
function computersWithFolders(layout: Layout, folder: string, left: readonly string[]): readonly string[] {
  const names = nodeNamesIn(folder);
  const here = layout.computers.filter(({ id }) =>
    layout.nodes.some((node) => node.computer === id && names.includes(node.name)),
  );
  if (here.length === 0 && left.length > 0) return left;
  return (here.length > 0 ? here : layout.computers).map(({ id }) => id);
}
