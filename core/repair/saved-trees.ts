/**
 * The file in which an orderly stop leaves its trees. It is deleted before it is used: should the run that took it end
 * badly, it would describe an earlier state. Nothing here fails loudly, because trees can always be built again.
 */
import { toCoterieError } from '../base/errors.ts';
import { decodeTrees, encodeTrees, type PlacedTree } from '../merkle/tree-file.ts';
import type { Disk } from '../ports/disk.ts';
import type { Log } from '../ports/log.ts';

const folder = 'trees';
const file = `${folder}/merkle`;

/** Before the first change. `isClean`: the storage holds exactly what it held when the file was saved. */
export async function takeSavedTrees(
  { disk, log }: { disk: Disk; log: Log },
  isClean: boolean,
): Promise<readonly PlacedTree[]> {
  try {
    const bytes = await disk.readFile(file);
    await disk.remove(file);
    await disk.syncFolder(folder);
    return (isClean ? decodeTrees(bytes) : null) ?? [];
  } catch (cause) {
    const { code, message } = toCoterieError(cause, 'disk-failed');
    if (code !== 'not-found') {
      log.warn('The saved trees for comparing replicas are not used.', { cause: message });
    }
    return [];
  }
}

/** After the storage was closed in order. */
export async function saveTrees(
  { disk, log }: { disk: Disk; log: Log },
  trees: readonly PlacedTree[],
): Promise<void> {
  if (trees.length === 0) return;
  try {
    await disk.makeFolder(folder);
    await disk.replaceFile(file, encodeTrees(trees));
  } catch (cause) {
    log.warn('The trees for comparing replicas were not saved; they will be built again.', {
      cause: toCoterieError(cause, 'disk-failed').message,
    });
  }
}
