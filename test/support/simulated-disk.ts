/**
 * A Disk in memory that can fail. It keeps, beside what readers see, what would survive a power cut: a write survives for
 * sure once its file was synced; a name survives once its folder was. `crash` keeps the durable part and, if asked, any
 * prefix of the unsynced writes, the last of them torn.
 */
import { CoterieError } from '../../core/base/errors.ts';
import type { Timers } from '../../core/ports/clock.ts';
import type { Disk, DiskFile } from '../../core/ports/disk.ts';
import type { SeededRandom } from './seeded-random.ts';

interface Write {
  readonly position: number;
  /** null: a truncation to `position`. */
  readonly bytes: Buffer | null;
}

class Content {
  bytes: Buffer = Buffer.alloc(0);
  durable: Buffer = Buffer.alloc(0);
  unsynced: Write[] = [];

  apply(write: Write): void {
    this.bytes = applied(this.bytes, write);
    this.unsynced.push(write);
  }

  sync(): void {
    this.durable = Buffer.from(this.bytes);
    this.unsynced = [];
  }
}

function applied(before: Buffer, { position, bytes }: Write): Buffer {
  if (bytes === null) {
    const after = Buffer.alloc(position);
    before.copy(after);
    return after;
  }
  const after = Buffer.alloc(Math.max(before.length, position + bytes.length));
  before.copy(after);
  bytes.copy(after, position);
  return after;
}

export interface DiskFaults {
  /** Each operation takes up to this long. */
  delayMaxMs: number;
  /** Bytes that fit; beyond it writes fail with `disk-full`. */
  capacityBytes: number;
  writeFails: boolean;
  /** No new file can be made. */
  createFails: boolean;
  /** A failing write leaves a part of its bytes. */
  shortWrites: boolean;
  syncFails: boolean;
  /** A crash keeps a random prefix of the unsynced writes, the last one cut at a random byte. */
  tornWrites: boolean;
}

const noFaults: DiskFaults = {
  delayMaxMs: 0,
  capacityBytes: Number.POSITIVE_INFINITY,
  writeFails: false,
  createFails: false,
  shortWrites: false,
  syncFails: false,
  tornWrites: false,
};

export class SimulatedDisk implements Disk {
  readonly #timers: Timers;
  readonly #random: SeededRandom;
  /** Names that readers see, and names that survive a crash. */
  #names = new Map<string, Content>();
  #durableNames = new Map<string, Content>();
  readonly faults: DiskFaults;
  bytesRead = 0;
  #generation = 0;

  constructor(components: { timers: Timers; random: SeededRandom }, faults: Partial<DiskFaults> = {}) {
    this.#timers = components.timers;
    this.#random = components.random;
    this.faults = { ...noFaults, ...faults };
  }

  /** The power goes: handles die, what was not durable is gone. */
  crash(): void {
    this.#generation++;
    this.#names = new Map(this.#durableNames);
    for (const content of new Set(this.#names.values())) {
      let survived = content.durable;
      if (this.faults.tornWrites && content.unsynced.length > 0) {
        const kept = this.#random.below(content.unsynced.length + 1);
        for (const write of content.unsynced.slice(0, kept)) survived = applied(survived, write);
        const next = content.unsynced[kept];
        if (next?.bytes && next.bytes.length > 0) {
          const cut = next.bytes.subarray(0, this.#random.below(next.bytes.length));
          survived = applied(survived, { position: next.position, bytes: Buffer.from(cut) });
        }
      }
      content.bytes = Buffer.from(survived);
      content.sync();
    }
  }

  /** Everything is gone: a new disk in the same place. */
  wipe(): void {
    this.#generation++;
    this.#names.clear();
    this.#durableNames.clear();
  }

  flipBit(path: string, offset: number, bit = 0): void {
    const content = this.#names.get(path)!;
    content.bytes[offset] ^= 1 << bit;
    content.sync();
  }

  /** Cuts a file, durably: a log that ends anywhere. */
  cut(path: string, length: number): void {
    const content = this.#names.get(path)!;
    content.bytes = Buffer.from(content.bytes.subarray(0, length));
    content.sync();
  }

  contentOf(path: string): Buffer {
    return Buffer.from(this.#names.get(path)!.bytes);
  }

  /** An independent disk with the same durable and visible content. */
  copy(): SimulatedDisk {
    const twin = new SimulatedDisk({ timers: this.#timers, random: this.#random });
    for (const [name, content] of this.#names) {
      const same = new Content();
      same.bytes = Buffer.from(content.bytes);
      same.sync();
      twin.#names.set(name, same);
      twin.#durableNames.set(name, same);
    }
    return twin;
  }

  /** An independent disk with what a crash at this moment would leave for sure. This one goes on. */
  afterCrash(): SimulatedDisk {
    const twin = new SimulatedDisk({ timers: this.#timers, random: this.#random });
    for (const [name, content] of this.#durableNames) {
      const same = new Content();
      same.bytes = Buffer.from(content.durable);
      same.sync();
      twin.#names.set(name, same);
      twin.#durableNames.set(name, same);
    }
    return twin;
  }

  get usedBytes(): number {
    let used = 0;
    for (const content of this.#names.values()) used += content.bytes.length;
    return used;
  }

  async #operation<T>(work: () => T): Promise<T> {
    const generation = this.#generation;
    const delayMs = this.faults.delayMaxMs > 0 ? this.#random.next() * this.faults.delayMaxMs : 0;
    await new Promise<void>((resolve) => this.#timers.after(delayMs, resolve));
    // The machine that asked is gone; its program must not go on.
    if (generation !== this.#generation) return new Promise<T>(() => {});
    return work();
  }

  #content(path: string): Content {
    const content = this.#names.get(path);
    if (content === undefined) throw new CoterieError('not-found', `${path} is not there`);
    return content;
  }

  list(folder: string): Promise<string[]> {
    return this.#operation(() =>
      [...this.#names.keys()]
        .filter((name) => name.startsWith(`${folder}/`) && !name.slice(folder.length + 1).includes('/'))
        .map((name) => name.slice(folder.length + 1))
        .sort(),
    );
  }

  async makeFolder(): Promise<void> {}

  open(path: string, mode: 'create' | 'write' | 'read'): Promise<DiskFile> {
    return this.#operation(() => {
      if (mode === 'create') {
        if (this.faults.createFails) throw new CoterieError('disk-failed', 'The disk refuses a new file.');
        if (this.#names.has(path)) throw new CoterieError('disk-failed', `${path} is there already`);
        this.#names.set(path, new Content());
      }
      return new SimulatedFile(this, this.#content(path), (work) => this.#operation(work));
    });
  }

  readFile(path: string): Promise<Buffer> {
    return this.#operation(() => {
      const { bytes } = this.#content(path);
      this.bytesRead += bytes.length;
      return Buffer.from(bytes);
    });
  }

  replaceFile(path: string, bytes: Uint8Array): Promise<void> {
    return this.#operation(() => {
      if (this.usedBytes + bytes.length > this.faults.capacityBytes) {
        throw new CoterieError('disk-full', 'The disk is full.');
      }
      if (this.faults.writeFails) throw new CoterieError('disk-failed', 'The disk failed.');
      const content = new Content();
      content.bytes = Buffer.from(bytes);
      content.sync();
      this.#names.set(path, content);
      this.#durableNames.set(path, content);
    });
  }

  rename(from: string, to: string): Promise<void> {
    return this.#operation(() => {
      const content = this.#content(from);
      this.#names.delete(from);
      this.#names.set(to, content);
    });
  }

  remove(path: string): Promise<void> {
    return this.#operation(() => {
      this.#content(path);
      this.#names.delete(path);
    });
  }

  link(from: string, to: string): Promise<void> {
    return this.#operation(() => {
      this.#names.set(to, this.#content(from));
    });
  }

  syncFolder(folder: string): Promise<void> {
    return this.#operation(() => {
      const inside = (name: string) => name.startsWith(`${folder}/`);
      for (const name of [...this.#durableNames.keys()]) {
        if (inside(name) && !this.#names.has(name)) this.#durableNames.delete(name);
      }
      for (const [name, content] of this.#names) if (inside(name)) this.#durableNames.set(name, content);
    });
  }

  freeBytes(): Promise<number> {
    return this.#operation(() => this.faults.capacityBytes - this.usedBytes);
  }

  /** Used by files: whether this write may happen; throws as the disk would. */
  admit(content: Content, bytes: Buffer, position: number): void {
    const grows = Math.max(0, position + bytes.length - content.bytes.length);
    const full = this.usedBytes + grows > this.faults.capacityBytes;
    if (!full && !this.faults.writeFails) return;
    if (this.faults.shortWrites && bytes.length > 1) {
      const part = Buffer.from(bytes.subarray(0, this.#random.below(bytes.length)));
      content.apply({ position, bytes: part });
    }
    if (full) throw new CoterieError('disk-full', 'The disk is full.');
    throw new CoterieError('disk-failed', 'The disk failed.');
  }
}

class SimulatedFile implements DiskFile {
  readonly #disk: SimulatedDisk;
  readonly #content: Content;
  readonly #operation: <T>(work: () => T) => Promise<T>;
  #closed = false;

  constructor(disk: SimulatedDisk, content: Content, operation: <T>(work: () => T) => Promise<T>) {
    this.#disk = disk;
    this.#content = content;
    this.#operation = operation;
  }

  #run<T>(work: () => T): Promise<T> {
    return this.#operation(() => {
      if (this.#closed) throw new CoterieError('disk-failed', 'The file is closed.');
      return work();
    });
  }

  write(bytes: Uint8Array, position: number): Promise<void> {
    const copy = Buffer.from(bytes);
    return this.#run(() => {
      this.#disk.admit(this.#content, copy, position);
      this.#content.apply({ position, bytes: copy });
    });
  }

  read(position: number, length: number): Promise<Buffer> {
    return this.#run(() => {
      const found = Buffer.from(this.#content.bytes.subarray(position, position + length));
      this.#disk.bytesRead += found.length;
      return found;
    });
  }

  sync(): Promise<void> {
    return this.#run(() => {
      if (this.#disk.faults.syncFails) throw new CoterieError('disk-failed', 'The disk failed to sync.');
      this.#content.sync();
    });
  }

  truncate(length: number): Promise<void> {
    return this.#run(() => this.#content.apply({ position: length, bytes: null }));
  }

  size(): Promise<number> {
    return this.#run(() => this.#content.bytes.length);
  }

  async close(): Promise<void> {
    this.#closed = true;
  }
}
