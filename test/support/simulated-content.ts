/**
 * What a simulated disk (simulated-disk.ts) holds: bytes of files and names of files, each as readers see them and as a power
 * cut would leave them. Changes wait in a list until a sync takes them over; a sync takes over what was there when it
 * **began**, and nothing that came while it ran.
 */
interface Write {
  readonly order: number;
  readonly atMs: number;
  readonly position: number;
  /** null: a truncation to `position`. */
  readonly bytes: Buffer | null;
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

export class Content {
  bytes: Buffer;
  durable: Buffer;
  #unsynced: Write[] = [];
  #order = 0;

  /** Durable from the beginning. */
  constructor(bytes: Buffer = Buffer.alloc(0)) {
    this.bytes = bytes;
    this.durable = Buffer.from(bytes);
  }

  /** `atMs`: by the monotonic clock. */
  write(position: number, bytes: Buffer | null, atMs: number): void {
    const write = { order: this.#order++, atMs, position, bytes };
    this.bytes = applied(this.bytes, write);
    this.#unsynced.push(write);
  }

  /** When the oldest write was made that no sync has covered; null: all are durable. */
  get unsyncedSinceMs(): number | null {
    return this.#unsynced[0]?.atMs ?? null;
  }

  /** A sync begins: what it returns ends it, and makes durable what was written before this call. */
  beginSync(): () => void {
    const end = this.#order;
    return () => {
      const later = this.#unsynced.filter((write) => write.order >= end);
      if (later.length === 0) this.durable = Buffer.from(this.bytes);
      else {
        for (const write of this.#unsynced) {
          if (write.order < end) this.durable = applied(this.durable, write);
        }
      }
      this.#unsynced = later;
    };
  }

  /** Puts `bytes` in place of everything, durably. */
  set(bytes: Buffer): void {
    this.bytes = bytes;
    this.durable = Buffer.from(bytes);
    this.#unsynced = [];
  }

  /** Only what is durable is left, and of the rest, if `below` is there, a random prefix whose last write is torn. */
  crash(below: ((bound: number) => number) | null): void {
    let survived = this.durable;
    if (below !== null && this.#unsynced.length > 0) {
      const kept = below(this.#unsynced.length + 1);
      for (const write of this.#unsynced.slice(0, kept)) survived = applied(survived, write);
      const next = this.#unsynced[kept];
      if (next?.bytes && next.bytes.length > 0) {
        const cut = Buffer.from(next.bytes.subarray(0, below(next.bytes.length)));
        survived = applied(survived, { ...next, bytes: cut });
      }
    }
    this.set(Buffer.from(survived));
  }
}

interface NameChange {
  readonly order: number;
  readonly name: string;
  /** null: the name is gone. */
  readonly content: Content | null;
}

export class Names {
  #seen = new Map<string, Content>();
  #durable = new Map<string, Content>();
  #unsynced: NameChange[] = [];
  #order = 0;

  get(name: string): Content | undefined {
    return this.#seen.get(name);
  }

  get all(): ReadonlyMap<string, Content> {
    return this.#seen;
  }

  get durable(): ReadonlyMap<string, Content> {
    return this.#durable;
  }

  change(name: string, content: Content | null): void {
    this.#unsynced.push({ order: this.#order++, name, content });
    assign(this.#seen, name, content);
  }

  /** As a change whose folder was synced at once. */
  changeDurably(name: string, content: Content | null): void {
    this.#unsynced = this.#unsynced.filter((change) => change.name !== name);
    assign(this.#seen, name, content);
    assign(this.#durable, name, content);
  }

  /** Names without the folder that they are in, of those that are in it and not deeper. */
  in(folder: string): string[] {
    return [...this.#seen.keys()]
      .filter((name) => isIn(folder, name))
      .map((name) => name.slice(name.lastIndexOf('/') + 1));
  }

  /** As `Content.beginSync`, for the names in one folder. */
  beginSync(folder: string): () => void {
    const end = this.#order;
    return () => {
      const isTaken = ({ order, name }: NameChange) => order < end && isIn(folder, name);
      for (const change of this.#unsynced) {
        if (isTaken(change)) assign(this.#durable, change.name, change.content);
      }
      this.#unsynced = this.#unsynced.filter((change) => !isTaken(change));
    };
  }

  crash(): void {
    this.#seen = new Map(this.#durable);
    this.#unsynced = [];
  }

  clear(): void {
    this.#seen.clear();
    this.#durable.clear();
    this.#unsynced = [];
  }
}

/** '' and '.' are the root. */
function isIn(folder: string, name: string): boolean {
  const parent = name.includes('/') ? name.slice(0, name.lastIndexOf('/')) : '';
  return parent === (folder === '.' ? '' : folder);
}

function assign(names: Map<string, Content>, name: string, content: Content | null): void {
  if (content === null) names.delete(name);
  else names.set(name, content);
}
