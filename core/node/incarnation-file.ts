/** The file that keeps a node's incarnation across runs. Small, replaced as a whole, durable when the call resolves. */
import { CoterieError } from '../base/errors.ts';
import { incarnationMax } from '../membership/claims.ts';
import type { Disk } from '../ports/disk.ts';
import type { Log } from '../ports/log.ts';

const incarnationFile = 'membership.json';

/**
 * The highest incarnation that may have been announced; 0 without a file. A damaged file counts as none: the others
 * then say under which number they hold this node, and it goes above that.
 */
export async function readIncarnation(disk: Disk, log: Log): Promise<number> {
  try {
    const { incarnation } = JSON.parse((await disk.readFile(incarnationFile)).toString());
    if (Number.isSafeInteger(incarnation) && incarnation >= 0 && incarnation < incarnationMax) {
      return incarnation;
    }
  } catch (error) {
    if (error instanceof CoterieError && error.code === 'not-found') return 0;
    if (error instanceof CoterieError) throw error;
  }
  log.warn('The file of the incarnation is damaged and starts anew.', { file: incarnationFile });
  return 0;
}

export function writeIncarnation(disk: Disk, incarnation: number): Promise<void> {
  return disk.replaceFile(incarnationFile, Buffer.from(JSON.stringify({ format: 1, incarnation })));
}
