/**
 * A data folder is for one account alone: it holds other people's values. So it has mode 0700 and its files 0600, also when
 * it was made by hand, or by a version that did not see to it. Rights are taken from a folder only when it is plainly ours:
 * new, empty, or one that holds our own files; never from a home folder or the root of a disk.
 */
import { chmodSync, lstatSync, mkdirSync, readdirSync, realpathSync, statSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join, parse } from 'node:path';
import { CoterieError } from '../base/errors.ts';

const folderMode = 0o700;
const fileMode = 0o600;
const rightsOfOthers = 0o077;
/** What makes a folder ours: names that we gave to files or folders at its top. */
const ownNames =
  /^(owner\.lock(\..*)?|(layout|access)(\.copy)?\.json|computers\.json|cluster-secret|cluster-keys\.json|key-lock\.json|control\.json|catalog|nodes|identity.*|trust\.json|network\.json|known-computers\.json|join-requests\.json|newcomer\.json)$/;
/** Below these all is ours; beside them, only what bears our names. */
const ownFolders = new Set(['catalog', 'nodes']);
const depthMax = 6;

/** On Windows a folder's own rights hold for what is made in it, and modes mean nothing. */
const hasModes = process.platform !== 'win32';

/** Belt and braces, for whatever makes files without a mode of its own. At the start of each program. */
export function keepFilesPrivate(): void {
  if (hasModes) process.umask(rightsOfOthers);
}

/**
 * Makes the folder, or sees that it is for this account alone. Returns what was changed, in words, and null when nothing was.
 * Throws `disk-failed` when it belongs to somebody else, is not plainly ours, or cannot be kept from others.
 */
export function keepFolderPrivate(folder: string): string | null {
  try {
    mkdirSync(folder, { recursive: true, mode: folderMode });
    if (!hasModes) return null;
    const { uid, mode } = statSync(folder);
    if (uid !== process.getuid?.()) throw refusal(folder, 'it belongs to another account');
    const names = readdirSync(folder);
    const isOpen = (mode & rightsOfOthers) !== 0;
    if (isOpen) {
      const path = realpathSync(folder);
      const isCommon = [homedir(), tmpdir(), parse(path).root].some((common) => isSame(common, path));
      if (isCommon) throw refusal(folder, 'other accounts may look into it, and it is not for Coterie alone');
      if (names.length > 0 && !names.some((name) => ownNames.test(name))) {
        throw refusal(folder, 'other accounts may look into it, and it holds files of something else');
      }
      close(folder, folderMode);
    }
    const count = names
      .filter((name) => ownNames.test(name) || name.endsWith('.new'))
      .reduce((sum, name) => sum + closeAll(join(folder, name), ownFolders.has(name) ? depthMax : 0), 0);
    if (!isOpen && count === 0) return null;
    return `Other accounts could look into ${folder}. They no longer can${count === 0 ? '' : `: ${count} files and folders were closed as well`}.`;
  } catch (cause) {
    if (cause instanceof CoterieError) throw cause;
    throw new CoterieError(
      'disk-failed',
      `The folder ${folder} cannot be used: ${(cause as Error).message}. Make it a folder that you may write to, or choose another.`,
    );
  }
}

function refusal(folder: string, why: string): CoterieError {
  return new CoterieError(
    'disk-failed',
    `The folder ${folder} cannot hold a cluster: ${why}. Choose a new or empty folder of your own: --data FOLDER.`,
  );
}

function isSame(common: string, path: string): boolean {
  try {
    return realpathSync(common) === path;
  } catch {
    return false;
  }
}

/** A file system without rights of its own says yes to a change and forgets it. */
function close(path: string, mode: number): void {
  try {
    chmodSync(path, mode);
  } catch (cause) {
    throw refusal(
      path,
      `other accounts may look into it, and that cannot be changed (${(cause as Error).message})`,
    );
  }
  if ((statSync(path).mode & rightsOfOthers) !== 0) {
    throw refusal(path, 'its file system keeps no rights, so that other accounts may look into it');
  }
}

/** How many were closed. Links lead elsewhere, and are left as they are. */
function closeAll(path: string, depth: number): number {
  const stat = lstatSync(path);
  if (!stat.isFile() && !stat.isDirectory()) return 0;
  let count = 0;
  if ((stat.mode & rightsOfOthers) !== 0) {
    close(path, stat.isFile() ? fileMode : folderMode);
    count++;
  }
  if (!stat.isDirectory() || depth === 0) return count;
  for (const name of readdirSync(path)) count += closeAll(join(path, name), depth - 1);
  return count;
}
