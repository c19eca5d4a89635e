import type { CoterieError } from '../base/errors.ts';
import type { Disk } from './disk.ts';

/** Null: there is no such file. Rejects with whatever else keeps it from being read. */
export async function readIfThere(disk: Pick<Disk, 'readFile'>, path: string): Promise<Buffer | null> {
  try {
    return await disk.readFile(path);
  } catch (cause) {
    if ((cause as CoterieError).code === 'not-found') return null;
    throw cause;
  }
}
