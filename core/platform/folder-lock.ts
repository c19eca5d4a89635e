/**
 * One owner per data folder. The lock is a small file that names its owner; an owner that no longer runs is replaced.
 * A process id alone could have been given to another program since, so on Linux the process' start time is part of it.
 */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CoterieError } from '../base/errors.ts';

const lockFile = 'owner.lock';

interface Owner {
  readonly pid: number;
  readonly startedAt: string;
  readonly what: string;
}

/** Field 22 of /proc/PID/stat: start time in clock ticks since boot; '' where there is no such file. */
function startOf(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
  } catch {
    return '';
  }
}

function isRunning(owner: Owner): boolean {
  try {
    process.kill(owner.pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false;
  }
  return startOf(owner.pid) === owner.startedAt;
}

function readOwner(path: string): Owner | null {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    // Missing, or cut short by a crash while it was written: nobody's.
    return null;
  }
}

export interface FolderLock {
  release(): void;
}

/** Throws `conflict` with the owner's name while another process has the folder. `what` describes this one to others. */
export function lockFolder(folder: string, what: string): FolderLock {
  mkdirSync(folder, { recursive: true });
  const path = join(folder, lockFile);
  const mine: Owner = { pid: process.pid, startedAt: startOf(process.pid), what };
  for (let attempt = 0; attempt < 3; attempt++) {
    try {
      writeFileSync(path, JSON.stringify(mine), { flag: 'wx', mode: 0o600 });
      return {
        release() {
          if (readOwner(path)?.pid === process.pid) rmSync(path, { force: true });
        },
      };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') {
        throw new CoterieError(
          'disk-failed',
          `The folder ${folder} cannot be used: ${(error as Error).message}`,
        );
      }
    }
    const owner = readOwner(path);
    if (owner !== null && owner.pid !== process.pid && isRunning(owner)) {
      throw new CoterieError(
        'conflict',
        `The folder ${folder} is in use by ${owner.what} (process ${owner.pid}). Stop it, or choose another folder.`,
        { pid: owner.pid },
      );
    }
    rmSync(path, { force: true });
  }
  throw new CoterieError('conflict', `The folder ${folder} is being taken by another process. Try again.`);
}

/** Waits while a predecessor that was told to stop still finishes. */
export async function lockFolderPatiently(
  folder: string,
  what: string,
  waitMaxMs: number,
): Promise<FolderLock> {
  const deadline = performance.now() + waitMaxMs;
  for (;;) {
    try {
      return lockFolder(folder, what);
    } catch (error) {
      if (!(error instanceof CoterieError) || error.code !== 'conflict' || performance.now() > deadline)
        throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}
