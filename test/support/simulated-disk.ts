/**
 * A Disk in memory that can fail. It keeps, beside what readers see, what would survive a power cut: a write survives for
 * sure once its file was synced; a name survives once its folder was. `crash` keeps the durable part and, if asked, any
 * prefix of the unsynced writes, the last of them torn.
 */
import { CoterieError } from '../../core/base/errors.ts';
import type { Clock, Timers } from '../../core/ports/clock.ts';
import type { Disk, DiskFile } from '../../core/ports/disk.ts';
import type { SeededRandom } from './seeded-random.ts';
import { Content, Names } from './simulated-content.ts';

/** Each by itself: any of them may be set together with any other. */
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
  /** So many of the next writes (of files already open, and replacements) fail with `disk-failed`, as after one EIO. */
  failNextWrites: number;
  /** So many of the next reads fail with `disk-failed`. */
  failNextReads: number;
  /** So many of the next syncs, of files and of folders, fail with `disk-failed`. */
  failNextSyncs: number;
  /** So many of the next attempts to open or make a file fail with `disk-failed`. */
  failNextOpens: number;
  /** No file can be opened, made or read as a whole, for the moment: `busy`, as when a process has too many (EMFILE). */
  opensBusy: boolean;
  /** Everything but a sync fails with `busy`, for the moment (EBUSY, EAGAIN). */
  busy: boolean;
  /** `replaceFile` says that it is done, and the old file is still there. */
  replaceLost: boolean;
}

const noFaults: DiskFaults = {
  delayMaxMs: 0,
  capacityBytes: Number.POSITIVE_INFINITY,
  writeFails: false,
  createFails: false,
  shortWrites: false,
  syncFails: false,
  tornWrites: false,
  failNextWrites: 0,
  failNextReads: 0,
  failNextSyncs: 0,
  failNextOpens: 0,
  opensBusy: false,
  busy: false,
  replaceLost: false,
};

type OneShot = 'failNextWrites' | 'failNextReads' | 'failNextSyncs' | 'failNextOpens';

const failed = () => new CoterieError('disk-failed', 'The disk failed.');
const busy = () => new CoterieError('busy', 'The disk is busy for the moment.');

/** Files of one folder, or one file, as they were. */
export interface DiskSnapshot {
  readonly prefix: string;
  readonly files: ReadonlyMap<string, Buffer>;
}

export class SimulatedDisk implements Disk {
  readonly #timers: Timers & Partial<Clock>;
  readonly #random: SeededRandom;
  readonly #names = new Names();
  readonly faults: DiskFaults;
  bytesRead = 0;
  #generation = 0;

  constructor(
    components: { timers: Timers & Partial<Clock>; random: SeededRandom },
    faults: Partial<DiskFaults> = {},
  ) {
    this.#timers = components.timers;
    this.#random = components.random;
    this.faults = { ...noFaults, ...faults };
  }

  /** The power goes: handles die, what was not durable is gone. */
  crash(): void {
    this.#generation++;
    this.#names.crash();
    const below = this.faults.tornWrites ? (bound: number) => this.#random.below(bound) : null;
    for (const content of new Set(this.#names.all.values())) content.crash(below);
  }

  /** When the oldest write was made that no sync has covered, of files that have a name; null: all are durable. */
  get unsyncedSinceMs(): number | null {
    const times = [...this.#names.all.values()].map((content) => content.unsyncedSinceMs);
    const waiting = times.filter((time) => time !== null);
    return waiting.length === 0 ? null : Math.min(...waiting);
  }

  #nowMs(): number {
    return this.#timers.monotonicMs?.() ?? 0;
  }

  /** Everything is gone: a new disk in the same place. */
  wipe(): void {
    this.#generation++;
    this.#names.clear();
  }

  /** Sets faults for so long, then puts back what was. */
  during(faults: Partial<DiskFaults>, durationMs: number): void {
    const before = { ...this.faults };
    Object.assign(this.faults, faults);
    const changed = Object.keys(faults) as (keyof DiskFaults)[];
    this.#timers.after(durationMs, () => {
      for (const name of changed) Object.assign(this.faults, { [name]: before[name] });
    });
  }

  flipBit(path: string, offset: number, bit = 0): void {
    const bytes = this.contentOf(path);
    bytes[offset] ^= 1 << bit;
    this.#names.get(path)!.set(bytes);
  }

  /** Cuts a file, durably: a log that ends anywhere. */
  cut(path: string, length: number): void {
    this.#names.get(path)!.set(this.contentOf(path).subarray(0, length));
  }

  /** Takes the last `bytes` off a file, durably. */
  cutTail(path: string, bytes: number): void {
    this.cut(path, Math.max(0, this.contentOf(path).length - bytes));
  }

  contentOf(path: string): Buffer {
    return Buffer.from(this.#names.get(path)!.bytes);
  }

  /** Removes a folder with all in it, or one file, durably: somebody did it by hand. Only while nobody uses it. */
  removeFolder(prefix: string): void {
    for (const name of this.#namesIn(prefix)) this.#names.changeDurably(name, null);
  }

  /** A copy of a folder, or of one file, as readers see it now. */
  snapshot(prefix: string): DiskSnapshot {
    return { prefix, files: new Map(this.#namesIn(prefix).map((name) => [name, this.contentOf(name)])) };
  }

  /** An old copy is put back, durably, in place of all that is there. Only while nobody uses it. */
  restore({ prefix, files }: DiskSnapshot): void {
    this.removeFolder(prefix);
    for (const [name, bytes] of files) this.#names.changeDurably(name, new Content(Buffer.from(bytes)));
  }

  #namesIn(prefix: string): string[] {
    return [...this.#names.all.keys()].filter((name) => name === prefix || name.startsWith(`${prefix}/`));
  }

  /** An independent disk with the same durable and visible content. */
  copy(): SimulatedDisk {
    return this.#twin(this.#names.all, ({ bytes }) => bytes);
  }

  /** An independent disk with what a crash at this moment would leave for sure. This one goes on. */
  afterCrash(): SimulatedDisk {
    return this.#twin(this.#names.durable, ({ durable }) => durable);
  }

  #twin(names: ReadonlyMap<string, Content>, bytesOf: (content: Content) => Buffer): SimulatedDisk {
    const twin = new SimulatedDisk({ timers: this.#timers, random: this.#random });
    for (const [name, content] of names) {
      twin.#names.changeDurably(name, new Content(Buffer.from(bytesOf(content))));
    }
    return twin;
  }

  get usedBytes(): number {
    let used = 0;
    for (const content of this.#names.all.values()) used += content.bytes.length;
    return used;
  }

  async #operation<T>(work: () => T, generation = this.#generation): Promise<T> {
    const delayMs = this.faults.delayMaxMs > 0 ? this.#random.next() * this.faults.delayMaxMs : 0;
    await new Promise<void>((resolve) => this.#timers.after(delayMs, resolve));
    // The machine that asked is gone; its program must not go on.
    if (generation !== this.#generation) return new Promise<T>(() => {});
    return work();
  }

  /** Every operation but a sync. */
  #work<T>(work: () => T, generation = this.#generation): Promise<T> {
    return this.#operation(() => {
      if (this.faults.busy) throw busy();
      return work();
    }, generation);
  }

  /** This disk for one process: after a crash or a wipe nothing that it still asks for is done, or answered. */
  forProcess(): Disk {
    const generation = this.#generation;
    return new Proxy<Disk>(this, {
      get: (_, name: keyof Disk) => {
        const method = this[name].bind(this) as (...parts: unknown[]) => Promise<unknown>;
        return (...parts: unknown[]) =>
          generation === this.#generation ? method(...parts) : new Promise(() => {});
      },
    });
  }

  /** Throws while the counter of this fault says so, and counts it down. */
  #failOnce(fault: OneShot): void {
    if (this.faults[fault] <= 0) return;
    this.faults[fault]--;
    throw failed();
  }

  #content(path: string): Content {
    const content = this.#names.get(path);
    if (content === undefined) throw new CoterieError('not-found', `${path} is not there`);
    return content;
  }

  list(folder: string): Promise<string[]> {
    return this.#work(() => this.#names.in(folder).sort());
  }

  /** There are no folders here, only names with `/` in them. */
  async makeFolder(): Promise<void> {}

  open(path: string, mode: 'create' | 'write' | 'read'): Promise<DiskFile> {
    return this.#work(() => {
      if (this.faults.opensBusy) throw busy();
      this.#failOnce('failNextOpens');
      if (mode === 'create') {
        if (this.faults.createFails) throw new CoterieError('disk-failed', 'The disk refuses a new file.');
        if (this.#names.get(path) !== undefined) {
          throw new CoterieError('disk-failed', `${path} is there already`);
        }
        this.#names.change(path, new Content());
      }
      return this.#fileOf(this.#content(path), mode);
    });
  }

  #fileOf(content: Content, mode: 'create' | 'write' | 'read'): DiskFile {
    let isClosed = false;
    const generation = this.#generation;
    const whileOpen = <T>(work: () => T) => {
      if (isClosed) throw new CoterieError('disk-failed', 'The file is closed.');
      return work();
    };
    const run = <T>(work: () => T) => this.#work(() => whileOpen(work), generation);
    const change = (work: () => void) =>
      run(() => {
        if (mode === 'read') throw new CoterieError('disk-failed', 'The file was opened to read.');
        work();
      });
    return {
      write: (bytes, position) => {
        const copy = Buffer.from(bytes);
        return change(() => {
          this.#failOnce('failNextWrites');
          this.#admit(content, copy, position);
          if (copy.length > 0) content.write(position, copy, this.#nowMs());
        });
      },
      read: (position, length) =>
        run(() => {
          this.#failOnce('failNextReads');
          const found = Buffer.from(content.bytes.subarray(position, position + length));
          this.bytesRead += found.length;
          return found;
        }),
      sync: () => {
        const end = content.beginSync();
        return this.#operation(() => whileOpen(() => this.#sync(end)), generation);
      },
      truncate: (length) => change(() => content.write(length, null, this.#nowMs())),
      size: () => run(() => content.bytes.length),
      close: async () => {
        isClosed = true;
      },
    };
  }

  #sync(end: () => void): void {
    this.#failOnce('failNextSyncs');
    if (this.faults.syncFails) throw new CoterieError('disk-failed', 'The disk failed to sync.');
    end();
  }

  readFile(path: string): Promise<Buffer> {
    return this.#work(() => {
      if (this.faults.opensBusy) throw busy();
      const { bytes } = this.#content(path);
      this.#failOnce('failNextReads');
      this.bytesRead += bytes.length;
      return Buffer.from(bytes);
    });
  }

  replaceFile(path: string, bytes: Uint8Array): Promise<void> {
    const copy = Buffer.from(bytes);
    return this.#work(() => {
      if (this.faults.opensBusy) throw busy();
      this.#failOnce('failNextWrites');
      if (this.usedBytes + copy.length > this.faults.capacityBytes) {
        throw new CoterieError('disk-full', 'The disk is full.');
      }
      if (this.faults.writeFails) throw failed();
      if (!this.faults.replaceLost) this.#names.changeDurably(path, new Content(copy));
    });
  }

  rename(from: string, to: string): Promise<void> {
    return this.#work(() => {
      const content = this.#content(from);
      this.#names.change(from, null);
      this.#names.change(to, content);
    });
  }

  remove(path: string): Promise<void> {
    return this.#work(() => {
      this.#content(path);
      this.#names.change(path, null);
    });
  }

  syncFolder(folder: string): Promise<void> {
    const end = this.#names.beginSync(folder);
    return this.#operation(() => this.#sync(end));
  }

  /** Whether this write may happen; throws as the disk would. */
  #admit(content: Content, bytes: Buffer, position: number): void {
    const grows = Math.max(0, position + bytes.length - content.bytes.length);
    const full = this.usedBytes + grows > this.faults.capacityBytes;
    if (!full && !this.faults.writeFails) return;
    if (this.faults.shortWrites && bytes.length > 1) {
      content.write(
        position,
        Buffer.from(bytes.subarray(0, this.#random.below(bytes.length))),
        this.#nowMs(),
      );
    }
    if (full) throw new CoterieError('disk-full', 'The disk is full.');
    throw failed();
  }
}
