/**
 * The disk as a port: what the storage engine may ask of a file system. Paths are relative to a root that the
 * implementation was given, with `/` between parts. Every failure rejects with a CoterieError: `disk-full`, `disk-failed`,
 * `not-found`, or `busy` for what passes by itself (too many open files, an interrupted call): the same may be asked again.
 * Nothing is durable before the named sync has resolved; the simulated disk forgets the rest on a crash.
 */
export interface DiskFile {
  /** Writes all of `bytes` at `position`. A rejected write may have left any part of it behind. */
  write(bytes: Uint8Array, position: number): Promise<void>;
  /** Reads up to `length` bytes; fewer only at the end of the file. */
  read(position: number, length: number): Promise<Buffer>;
  /** Makes the file's bytes and length durable (fdatasync). After one failure the file must not be trusted again. */
  sync(): Promise<void>;
  truncate(length: number): Promise<void>;
  size(): Promise<number>;
  close(): Promise<void>;
}

export interface Disk {
  /** Names (not paths) of the files in a folder, sorted; empty for a missing folder. */
  list(folder: string): Promise<string[]>;
  makeFolder(folder: string): Promise<void>;
  /** `create` fails when the file exists; `write` and `read` fail with `not-found` when it does not. */
  open(path: string, mode: 'create' | 'write' | 'read'): Promise<DiskFile>;
  readFile(path: string): Promise<Buffer>;
  /** Replaces a small file as a whole: temporary file, sync, rename, folder sync. Old or new survives a crash, never a mix. */
  replaceFile(path: string, bytes: Uint8Array): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  remove(path: string): Promise<void>;
  /** A second name for the same bytes, or `unsupported` where the file system has none. */
  link(from: string, to: string): Promise<void>;
  /** Makes names in a folder durable (fsync of the folder). */
  syncFolder(folder: string): Promise<void>;
  freeBytes(): Promise<number>;
}
