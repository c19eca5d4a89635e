/**
 * One owner per data folder. The lock is a small file that names its owner and appears as a whole: it is written under
 * another name and then linked, which fails when the lock is there already. So two starters cannot both win, and a crash
 * leaves no half lock.
 *
 * An owner that no longer runs is succeeded. Removing its lock and taking it anew would let two starters remove each
 * other's, so a successor first claims the succession: a second file, linked in the same way, named after the lock that it
 * replaces. There is one successor per lock, a successor that dies is succeeded in turn, and a starter that comes late with a
 * claim to a lock that is gone finds another lock in its place.
 *
 * A process id alone could have been given to another program since, so on Linux the process' start time and the boot are
 * part of it.
 */
import { randomUUID } from 'node:crypto';
import {
  closeSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { CoterieError } from '../base/errors.ts';

const lockFile = 'owner.lock';
const claimPrefix = `${lockFile}.after-`;
const attemptsMax = 20;
/** Where there are no hard links a lock is seen before it is written; one that is cut short and older than this was never finished. */
const unfinishedMs = 2_000;

interface Owner {
  readonly pid: number;
  readonly startedAt: string;
  readonly boot: string;
  readonly what: string;
  readonly id: string;
}

/** A lock or claim as found. `owner` null: it is cut short. */
interface Held {
  readonly id: string;
  readonly owner: Owner | null;
  readonly writtenAtMs: number;
}

/** Locks of this process, so that its own id in a file of a predecessor is not taken for itself. */
const ownIds = new Set<string>();

/** Field 22 of /proc/PID/stat: start time in clock ticks since boot; '' where there is no such file, or only a zombie's. */
function startOf(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' ? '' : (fields[19] ?? '');
  } catch {
    return '';
  }
}

function bootOf(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim();
  } catch {
    return '';
  }
}

function isRunning({ pid, startedAt, boot, id }: Owner): boolean {
  if (pid === process.pid) return ownIds.has(id);
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false;
  }
  const sameBoot = boot === '' || boot === bootOf();
  return sameBoot && startOf(pid) === startedAt;
}

function parseOwner(text: string, id: string): Owner | null {
  let found: Partial<Record<keyof Owner, unknown>> | null;
  try {
    found = JSON.parse(text);
  } catch {
    return null;
  }
  const { pid, startedAt } = found ?? {};
  if (typeof pid !== 'number' || !Number.isInteger(pid) || pid < 1 || typeof startedAt !== 'string')
    return null;
  const textOr = (value: unknown, other: string) => (typeof value === 'string' ? value : other);
  return {
    pid,
    startedAt,
    boot: textOr(found?.boot, ''),
    what: textOr(found?.what, 'another program'),
    id: textOr(found?.id, id),
  };
}

/** Null: there is no such file. */
function read(path: string): Held | null {
  let text: string;
  let fallbackId: string;
  let writtenAtMs: number;
  try {
    const stat = statSync(path);
    writtenAtMs = stat.mtimeMs;
    // One that names nobody still needs a name of its own, for its succession.
    fallbackId = `${stat.ino}-${Math.floor(stat.mtimeMs)}`;
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
  const owner = parseOwner(text, fallbackId);
  return { owner, id: owner?.id ?? fallbackId, writtenAtMs };
}

function writeWhole(path: string, text: string): void {
  const file = openSync(path, 'wx', 0o600);
  try {
    writeSync(file, text);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

/** Puts a complete file at `path`; false when one is there already. */
function place(path: string, owner: Owner): boolean {
  const text = JSON.stringify(owner);
  const temporary = `${path}.${owner.id}.new`;
  try {
    try {
      writeWhole(temporary, text);
      linkSync(temporary, path);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'EEXIST') return false;
      if (code !== 'EPERM' && code !== 'ENOTSUP' && code !== 'EOPNOTSUPP' && code !== 'ENOSYS') throw error;
      // A file system without hard links.
      writeWhole(path, text);
    } finally {
      rmSync(temporary, { force: true });
    }
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/** The lock's last successor, whether it has put its own file in place yet or not; null: the folder is free. */
function holderOf(folder: string): Held | null {
  let held = read(join(folder, lockFile));
  while (held !== null) {
    const successor: Held | null = read(join(folder, claimPrefix + held.id));
    if (successor === null) return held;
    held = successor;
  }
  return null;
}

function refuseIfHeld(folder: string, { owner, writtenAtMs }: Held): void {
  if (owner === null) {
    if (Math.abs(Date.now() - writtenAtMs) > unfinishedMs) return;
    throw new CoterieError(
      'conflict',
      `The folder ${folder} is being taken by another process. Try again in a moment.`,
    );
  }
  if (!isRunning(owner)) return;
  throw new CoterieError(
    'conflict',
    `The folder ${folder} is in use by ${owner.what} (process ${owner.pid}). Stop it, or choose another folder.`,
    { pid: owner.pid },
  );
}

/**
 * The process that has the folder and still runs; null when nobody does, and when it cannot be looked up (the folder is a file,
 * or somebody else's): whoever wants to take it then learns why it cannot.
 */
export function runningOwner(folder: string): { readonly pid: number; readonly what: string } | null {
  let held: Held | null;
  try {
    held = holderOf(folder);
  } catch {
    return null;
  }
  const owner = held?.owner ?? null;
  return owner !== null && isRunning(owner) ? owner : null;
}

/** What successions before this one have left. Only the owner may look: nobody else's claim counts while it runs. */
function clear(folder: string): void {
  for (const name of readdirSync(folder)) {
    if (name.startsWith(claimPrefix)) rmSync(join(folder, name), { force: true });
  }
}

/** True when `mine` owns the folder now; false when another was quicker. Throws `conflict` while somebody runs. */
function take(folder: string, mine: Owner): boolean {
  const path = join(folder, lockFile);
  const before = holderOf(folder);
  if (before === null) return place(path, mine);
  refuseIfHeld(folder, before);
  const claim = claimPrefix + before.id;
  if (!place(join(folder, claim), mine)) return false;
  // The lock that this succeeds may have been gone before the claim was there: then the claim is to nothing.
  if (holderOf(folder)?.id !== mine.id) {
    rmSync(join(folder, claim), { force: true });
    return false;
  }
  const own = `${path}.${mine.id}.own`;
  writeWhole(own, JSON.stringify(mine));
  renameSync(own, path);
  clear(folder);
  return true;
}

export interface FolderLock {
  release(): void;
}

/** Throws `conflict` with the owner's name while another process has the folder. `what` describes this one to others. */
export function lockFolder(folder: string, what: string): FolderLock {
  const { pid } = process;
  const mine: Owner = { pid, startedAt: startOf(pid), boot: bootOf(), what, id: randomUUID() };
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    for (let attempt = 0; attempt < attemptsMax; attempt++) {
      if (!take(folder, mine)) continue;
      ownIds.add(mine.id);
      return {
        release() {
          const path = join(folder, lockFile);
          if (read(path)?.id === mine.id) rmSync(path, { force: true });
          ownIds.delete(mine.id);
        },
      };
    }
  } catch (error) {
    if (error instanceof CoterieError) throw error;
    throw new CoterieError(
      'disk-failed',
      `The folder ${folder} cannot be used: ${(error as Error).message}. Make it a folder that you may write to, or choose another.`,
    );
  }
  throw new CoterieError('conflict', `The folder ${folder} is being taken by another process. Try again.`);
}

/** Waits while a predecessor that was told to stop still finishes. Throws `busy` when it does not. */
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
      if (!(error instanceof CoterieError) || error.code !== 'conflict') throw error;
      if (performance.now() > deadline) throw new CoterieError('busy', error.message, error.details);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}
