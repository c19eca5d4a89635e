/**
 * The Disk port on a real file system. Errors become the port's few kinds; everything else about them stays in the
 * message, because people search for it. What it makes is for this account alone: files hold other people's values.
 */
import type { FileHandle } from 'node:fs/promises';
import * as fs from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { CoterieError } from '../base/errors.ts';
import type { Disk, DiskFile } from '../ports/disk.ts';

/** On Windows a folder's own rights hold for what is made in it, and these mean nothing. */
const fileMode = 0o600;
const folderMode = 0o700;
const rightsOfOthers = 0o077;

/** What passes by itself. */
const passing = new Set(['EMFILE', 'ENFILE', 'EAGAIN', 'EBUSY', 'EINTR']);
/** On Windows a virus scanner or an indexer that has a file open keeps it from being renamed or removed, for a moment. */
const heldOnWindows = new Set(['EPERM', 'EACCES']);

export function diskError(cause: unknown): CoterieError {
  const { code, message } = cause as NodeJS.ErrnoException;
  if (code === 'ENOENT') return new CoterieError('not-found', message);
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return new CoterieError('disk-full', 'The disk is full. Free some space; writing goes on by itself.');
  }
  if (passing.has(code ?? '')) return new CoterieError('busy', `The disk is busy: ${message}`);
  return new CoterieError('disk-failed', `The disk failed: ${message}`);
}

async function attemptMove<T>(operation: () => Promise<T>): Promise<T> {
  try {
    return await operation();
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    if (process.platform === 'win32' && heldOnWindows.has(code ?? '')) {
      throw new CoterieError('busy', `Another program holds a file: ${message}`);
    }
    throw diskError(cause);
  }
}

async function attempt<T>(operation: () => Promise<T>): Promise<T> {
  try {
    return await operation();
  } catch (cause) {
    throw diskError(cause);
  }
}

class NodeDiskFile implements DiskFile {
  readonly #handle: FileHandle;

  constructor(handle: FileHandle) {
    this.#handle = handle;
  }

  write(bytes: Uint8Array, position: number): Promise<void> {
    return attempt(async () => {
      // The operating system may take fewer bytes than it was given.
      for (let done = 0; done < bytes.length; ) {
        const { bytesWritten } = await this.#handle.write(bytes, done, bytes.length - done, position + done);
        done += bytesWritten;
      }
    });
  }

  read(position: number, length: number): Promise<Buffer> {
    return attempt(async () => {
      const buffer = Buffer.allocUnsafe(length);
      let done = 0;
      while (done < length) {
        const { bytesRead } = await this.#handle.read(buffer, done, length - done, position + done);
        if (bytesRead === 0) break;
        done += bytesRead;
      }
      return buffer.subarray(0, done);
    });
  }

  sync(): Promise<void> {
    return attempt(() => this.#handle.datasync());
  }

  truncate(length: number): Promise<void> {
    return attempt(() => this.#handle.truncate(length));
  }

  size(): Promise<number> {
    return attempt(async () => (await this.#handle.stat()).size);
  }

  close(): Promise<void> {
    return attempt(() => this.#handle.close());
  }
}

export class NodeDisk implements Disk {
  readonly #root: string;
  /** The last replacement of each file that is being replaced: they take turns, since they use one temporary name. */
  readonly #replacing = new Map<string, Promise<void>>();

  constructor(root: string) {
    this.#root = root;
  }

  #path(path: string): string {
    return join(this.#root, path);
  }

  async list(folder: string): Promise<string[]> {
    try {
      const entries = await fs.readdir(this.#path(folder), { withFileTypes: true });
      return entries
        .filter((entry) => entry.isFile())
        .map((entry) => entry.name)
        .sort();
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return [];
      throw diskError(cause);
    }
  }

  async makeFolder(folder: string): Promise<void> {
    const path = resolve(this.#path(folder));
    await attempt(async () => {
      const first = await fs.mkdir(path, { recursive: true, mode: folderMode });
      if (first === undefined) {
        await this.#keepForOwner(path);
        return;
      }
      // A folder's name is durable once the folder that it is in was synced, for each of those that were made.
      const above = resolve(first, '..');
      for (let made = path; made !== above && made !== dirname(made); made = dirname(made)) {
        await this.#syncPath(dirname(made));
      }
    });
  }

  /** One that was there before: made by hand, or by a version that let others look into it. */
  async #keepForOwner(folder: string): Promise<void> {
    if (process.platform === 'win32') return;
    const { mode } = await fs.stat(folder);
    if ((mode & rightsOfOthers) === 0) return;
    try {
      await fs.chmod(folder, folderMode);
    } catch (cause) {
      // Another account's folder, or a file system without rights: whoever set it up decides.
      if ((cause as NodeJS.ErrnoException).code !== 'EPERM') throw cause;
    }
  }

  open(path: string, mode: 'create' | 'write' | 'read'): Promise<DiskFile> {
    const flags = { create: 'wx+', write: 'r+', read: 'r' }[mode];
    return attempt(async () => new NodeDiskFile(await fs.open(this.#path(path), flags, fileMode)));
  }

  readFile(path: string): Promise<Buffer> {
    return attempt(() => fs.readFile(this.#path(path)));
  }

  replaceFile(path: string, bytes: Uint8Array): Promise<void> {
    const target = this.#path(path);
    const before = this.#replacing.get(target) ?? Promise.resolve();
    const replaced = before.catch(() => {}).then(() => attemptMove(() => this.#replace(target, bytes)));
    this.#replacing.set(target, replaced);
    return replaced.finally(() => {
      if (this.#replacing.get(target) === replaced) this.#replacing.delete(target);
    });
  }

  async #replace(target: string, bytes: Uint8Array): Promise<void> {
    const temporary = `${target}.new`;
    const handle = await fs.open(temporary, 'w', fileMode);
    try {
      try {
        // One that a crash left behind may have let others read it.
        if (process.platform !== 'win32') await handle.chmod(fileMode);
        await handle.writeFile(bytes);
        await handle.sync();
      } finally {
        await handle.close();
      }
      await fs.rename(temporary, target);
    } catch (cause) {
      // On a full disk its bytes are wanted back.
      await fs.rm(temporary, { force: true }).catch(() => {});
      throw cause;
    }
    await this.#syncPath(dirname(target));
  }

  async rename(from: string, to: string): Promise<void> {
    await attemptMove(() => fs.rename(this.#path(from), this.#path(to)));
  }

  async remove(path: string): Promise<void> {
    await attemptMove(() => fs.rm(this.#path(path)));
  }

  async syncFolder(folder: string): Promise<void> {
    await attempt(() => this.#syncPath(this.#path(folder)));
  }

  async #syncPath(path: string): Promise<void> {
    // Windows makes names durable with the file itself and refuses to open folders.
    if (process.platform === 'win32') return;
    const handle = await fs.open(path, 'r');
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  }
}
