/**
 * A disk that waits out what passes by itself: a process that has too many files open, a file that a virus scanner holds, a
 * call that was interrupted. Such operations, which fail with `busy`, are tried again a few times, a little later each. Syncs
 * are not: after a failed one the system may have dropped what it could not write, and a second one would prove nothing.
 */

import { toCoterieError } from '../base/errors.ts';
import type { Timers } from '../ports/clock.ts';
import type { Disk, DiskFile } from '../ports/disk.ts';
import { pause } from '../ports/pause.ts';

/** Doubled each time: eight attempts in about a second and a quarter. */
const firstDelayMs = 10;
const attemptsMax = 8;

export function patientDisk(disk: Disk, timers: Timers): Disk {
  const attempt = async <T>(operation: () => Promise<T>): Promise<T> => {
    for (let count = 1; ; count++) {
      try {
        return await operation();
      } catch (cause) {
        if (count === attemptsMax || toCoterieError(cause, 'disk-failed').code !== 'busy') throw cause;
        await pause(timers, firstDelayMs * 2 ** (count - 1));
      }
    }
  };
  const patientFile = (file: DiskFile): DiskFile => ({
    write: (bytes, position) => attempt(() => file.write(bytes, position)),
    read: (position, length) => attempt(() => file.read(position, length)),
    sync: () => file.sync(),
    truncate: (length) => attempt(() => file.truncate(length)),
    size: () => attempt(() => file.size()),
    close: () => file.close(),
  });
  return {
    list: (folder) => attempt(() => disk.list(folder)),
    makeFolder: (folder) => attempt(() => disk.makeFolder(folder)),
    open: (path, mode) => attempt(() => disk.open(path, mode)).then(patientFile),
    readFile: (path) => attempt(() => disk.readFile(path)),
    replaceFile: (path, bytes) => attempt(() => disk.replaceFile(path, bytes)),
    rename: (from, to) => attempt(() => disk.rename(from, to)),
    remove: (path) => attempt(() => disk.remove(path)),
    syncFolder: (folder) => disk.syncFolder(folder),
  };
}
