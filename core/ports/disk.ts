/**
 * The disk as a port: what the storage engine may ask of a file system. Paths are relative to a root that the
 * implementation was given, with `/` between parts. Every failure rejects with a CoterieError: `disk-full`, `disk-failed`,
 * `not-found`, or `busy` for what passes by itself (too many open files, an interrupted call): the same may be asked again.
 * What the disk refuses is `disk-failed` too: to make a name that is there, to change a file that was opened to read, to use
 * one that is closed. Nothing is durable before the named sync has resolved; the simulated disk forgets the rest on a crash.
 *
 * What is asked for at the same time happens in any order. Bytes that were given must not be changed until it is done; bytes
 * that are handed out are the caller's. Folders must have been made before anything in them. A file stays open, and is the
 * same file, when its name is changed, removed or given to another.
 */
export interface DiskFile {
  /**
   * Writes all of `bytes` at `position`; what lies between the end and there becomes zeros. A rejected write may have left any
   * part of it behind.
   */
  write(bytes: Uint8Array, position: number): Promise<void>;
  /** Reads up to `length` bytes; fewer only at the end of the file, none beyond it. */
  read(position: number, length: number): Promise<Buffer>;
  /** Makes the file's bytes and length durable (fdatasync). After one failure the file must not be trusted again. */
  sync(): Promise<void>;
  /** Cuts the file, or makes it longer with zeros. */
  truncate(length: number): Promise<void>;
  size(): Promise<number>;
  /** Once nothing is asked of the file any more: what still runs may fail. A second time does nothing. */
  close(): Promise<void>;
}

export interface Disk {
  /** Names (not paths) of the files in a folder, not of folders in it, sorted; empty for a missing folder. `.` is the root. */
  list(folder: string): Promise<string[]>;
  /** With those above it, durably and for this account alone; does nothing more when it is there. */
  makeFolder(folder: string): Promise<void>;
  /** `create` fails when the file exists; `write` and `read` fail with `not-found` when it does not. */
  open(path: string, mode: 'create' | 'write' | 'read'): Promise<DiskFile>;
  readFile(path: string): Promise<Buffer>;
  /**
   * Replaces a small file as a whole, or makes it: temporary file, sync, rename, folder sync. Old or new is seen and survives
   * a crash, never a mix; of several replacements at the same time, one. A crash may leave the temporary file, `path` with
   * `.new` at its end.
   */
  replaceFile(path: string, bytes: Uint8Array): Promise<void>;
  /** Takes the place of a file that is there. */
  rename(from: string, to: string): Promise<void>;
  remove(path: string): Promise<void>;
  /** Makes names in a folder durable (fsync of the folder). */
  syncFolder(folder: string): Promise<void>;
}
