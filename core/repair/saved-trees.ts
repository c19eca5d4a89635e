/**
 * The file in which an orderly stop leaves its trees, behind a line that names the state of the records they describe. It is
 * deleted before it is used: should the run that took it end badly, it would describe an earlier state. Trees of other records
 * than those that are here would make every comparison find nothing. Nothing here fails loudly, because trees can always be
 * built again.
 */
import { toCoterieError } from '../base/errors.ts';
import { decodeTrees, encodeTrees, type PlacedTree } from '../merkle/tree-file.ts';
import type { Disk } from '../ports/disk.ts';
import type { Log } from '../ports/log.ts';

const folder = 'trees';
const file = `${folder}/merkle`;

/** Before the first change. `stamp`: of the records as they are; null: they are not known to be as they were left. */
export async function takeSavedTrees(
  { disk, log }: { disk: Disk; log: Log },
  stamp: string | null,
): Promise<readonly PlacedTree[]> {
  try {
    const bytes = await disk.readFile(file);
    await disk.remove(file);
    await disk.syncFolder(folder);
    const lineEnd = bytes.indexOf('\n');
    if (stamp === null || bytes.toString('latin1', 0, lineEnd) !== stamp) return [];
    return decodeTrees(bytes.subarray(lineEnd + 1)) ?? [];
  } catch (cause) {
    const { code, message } = toCoterieError(cause, 'disk-failed');
    if (code !== 'not-found') {
      log.warn('The saved trees for comparing replicas are not used.', { cause: message });
    }
    return [];
  }
}

/** After the storage was closed in order, in the state that `stamp` names. */
export async function saveTrees(
  { disk, log }: { disk: Disk; log: Log },
  trees: readonly PlacedTree[],
  stamp: string,
): Promise<void> {
  if (trees.length === 0) return;
  try {
    await disk.makeFolder(folder);
    await disk.replaceFile(file, Buffer.concat([Buffer.from(`${stamp}\n`), encodeTrees(trees)]));
  } catch (cause) {
    log.warn('The trees for comparing replicas were not saved; they will be built again.', {
      cause: toCoterieError(cause, 'disk-failed').message,
    });
  }
}
