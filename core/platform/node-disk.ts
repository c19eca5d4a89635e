/**
 * The Disk port on a real file system. Errors become the port's few kinds; everything else about them stays in the
 * message, because people search for it.
 */

import type { FileHandle } from 'node:fs/promises';
import * as fs from 'node:fs/promises';
import { join } from 'node:path';
import { CoterieError } from '../base/errors.ts';
import type { Disk, DiskFile } from '../ports/disk.ts';

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
    await attempt(() => fs.mkdir(this.#path(folder), { recursive: true }));
  }

  open(path: string, mode: 'create' | 'write' | 'read'): Promise<DiskFile> {
    const flags = { create: 'wx+', write: 'r+', read: 'r' }[mode];
    return attempt(async () => new NodeDiskFile(await fs.open(this.#path(path), flags)));
  }

  readFile(path: string): Promise<Buffer> {
    return attempt(() => fs.readFile(this.#path(path)));
  }

  replaceFile(path: string, bytes: Uint8Array): Promise<void> {
    const target = this.#path(path);
    const temporary = `${target}.new`;
    return attemptMove(async () => {
      const handle = await fs.open(temporary, 'w');
      try {
        await handle.writeFile(bytes);
        await handle.sync();
      } finally {
        await handle.close();
      }
      await fs.rename(temporary, target);
      await this.#syncPath(join(target, '..'));
    });
  }

  async rename(from: string, to: string): Promise<void> {
    await attemptMove(() => fs.rename(this.#path(from), this.#path(to)));
  }

  async remove(path: string): Promise<void> {
    await attemptMove(() => fs.rm(this.#path(path)));
  }

  async link(from: string, to: string): Promise<void> {
    try {
      await fs.link(this.#path(from), this.#path(to));
    } catch (cause) {
      const { code } = cause as NodeJS.ErrnoException;
      if (code === 'EPERM' || code === 'ENOTSUP' || code === 'EXDEV') {
        throw new CoterieError('unsupported', 'This file system has no hard links.');
      }
      throw diskError(cause);
    }
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

  async freeBytes(): Promise<number> {
    const { bavail, bsize } = await attempt(() => fs.statfs(this.#root));
    return bavail * bsize;
  }
}
