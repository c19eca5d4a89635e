/**
 * What the index knows of the bytes of keys. It knows next to nothing: token and fingerprint tell keys apart, and every read
 * compares the key itself. But two keys may share both, by chance or by somebody's craft, and then neither may take the
 * other's place. So
 * - an entry that shares its mark (token and fingerprint) with another is **named**: its key is kept here, and
 * - a key that may or may not be an unnamed entry's, because that one's record would have to be read first, is **denied**
 *   to it: whatever the record says, the entry does not stand for this key any more. The key has an entry of its own, or
 *   none; the record is read later (key-settler.ts), and then the old entry is named or dropped.
 *
 * So of the entries of one mark at most one is unnamed, and a key is never looked for in more than one of them.
 */
import type { EntryId } from './key-index.ts';

export class KeyNames {
  readonly #names = new Map<EntryId, Buffer>();
  readonly #denied = new Map<EntryId, Buffer[]>();

  get isEmpty(): boolean {
    return this.#names.size === 0 && this.#denied.size === 0;
  }

  of(id: EntryId): Buffer | null {
    return this.#names.get(id) ?? null;
  }

  /** The same array as long as the entry is neither named nor gone. */
  deniedTo(id: EntryId): readonly Buffer[] | null {
    return this.#denied.get(id) ?? null;
  }

  name(id: EntryId, key: Buffer): void {
    this.#names.set(id, Buffer.from(key));
    this.#denied.delete(id);
  }

  deny(id: EntryId, key: Buffer): void {
    const denied = this.#denied.get(id);
    if (denied === undefined) this.#denied.set(id, [Buffer.from(key)]);
    else if (!denied.some((one) => one.equals(key))) denied.push(Buffer.from(key));
  }

  /** Whether the entry may be this key's, as far as it is known. */
  admits(id: EntryId, key: Buffer): boolean {
    const name = this.#names.get(id);
    if (name !== undefined) return name.equals(key);
    return this.#denied.get(id)?.some((one) => one.equals(key)) !== true;
  }

  /** The entry is gone, or needs no name any more. */
  delete(id: EntryId): void {
    this.#names.delete(id);
    this.#denied.delete(id);
  }

  named(): EntryId[] {
    return [...this.#names.keys()];
  }
}
