/**
 * The secret of the cluster as a process holds it, while it may be on its way from one to the next: what is made is made with one,
 * what comes from others may be of several. Keys for single purposes are derived from each.
 */
import { derivedKey } from './derived-key.ts';

/** In hexadecimal. */
export interface SecretSet {
  /** With this one seals and proofs are made. */
  readonly use: string;
  /** Others of which seals and proofs are taken, too. */
  readonly accepted: readonly string[];
  /** Of these only what a client of this cluster was once given. */
  readonly kept: readonly string[];
}

/** 32 bytes each. */
export interface PurposeKeys {
  readonly use: Buffer;
  /** `use` first. */
  readonly accepted: readonly Buffer[];
  readonly kept: readonly Buffer[];
}

export class Secrets {
  #set: SecretSet;
  readonly #keys = new Map<string, PurposeKeys>();

  constructor(set: SecretSet) {
    this.#set = set;
  }

  /** One that does not change. */
  static of(secret: Buffer): Secrets {
    return new Secrets({ use: secret.toString('hex'), accepted: [], kept: [] });
  }

  get set(): SecretSet {
    return this.#set;
  }

  change(set: SecretSet): void {
    this.#set = set;
    this.#keys.clear();
  }

  for(purpose: string): PurposeKeys {
    const known = this.#keys.get(purpose);
    if (known !== undefined) return known;
    const keyOf = (secret: string) => derivedKey(Buffer.from(secret, 'hex'), purpose);
    const use = keyOf(this.#set.use);
    const keys = { use, accepted: [use, ...this.#set.accepted.map(keyOf)], kept: this.#set.kept.map(keyOf) };
    this.#keys.set(purpose, keys);
    return keys;
  }
}
