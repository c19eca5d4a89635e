/** Finds one key and changes it: the last answer, how old it is, and what failed. Writes carry the read's context. */
import type { ConsistencyLevel } from '../../../core/contract/levels.ts';
import type { KeyView, ValueView } from '../../../core/contract/views.ts';
import { messageOf } from '../api/connection.ts';
import type { AppContext } from '../app/app-context.ts';

export interface NewValue {
  readonly value: string;
  readonly encoding: 'utf8' | 'base64';
  /** Null: it stays until it is deleted. */
  readonly expiresInSeconds: number | null;
}

export interface KeyAddress {
  readonly keyspace: string;
  readonly key: string;
}

export class KeyFinder {
  readonly #app: AppContext;
  /** For reads and for the writes that answer them. Undefined: the keyspace's own. */
  level = $state<ConsistencyLevel | undefined>(undefined);
  address = $state.raw<KeyAddress | null>(null);
  found = $state.raw<KeyView | null>(null);
  foundAtMs = $state(0);
  loading = $state(false);
  busy = $state(false);
  problem = $state<string | null>(null);
  /** Grows with each key deleted here. */
  deletionCount = $state(0);
  #request = 0;

  constructor(app: AppContext) {
    this.#app = app;
  }

  async find(address: KeyAddress | null): Promise<void> {
    const request = ++this.#request;
    if (address === null || address.key !== this.address?.key || address.keyspace !== this.address.keyspace) {
      this.found = null;
    }
    this.address = address;
    this.problem = null;
    this.loading = address !== null;
    if (address === null) return;
    try {
      const found = await this.#app.call('data.find', { ...address, level: this.level });
      if (request !== this.#request) return;
      this.found = found;
      this.foundAtMs = Date.now();
    } catch (cause) {
      if (request === this.#request) this.problem = messageOf(cause);
    } finally {
      if (request === this.#request) this.loading = false;
    }
  }

  refresh(): Promise<void> {
    return this.find(this.address);
  }

  /** Replaces everything that the last read saw, by a value of the same type, if they have one. True when it was written. */
  write(value: NewValue, done: string, type?: string): Promise<boolean> {
    const { found, level } = this;
    if (found === null) return Promise.resolve(false);
    const types = new Set(found.siblings.map((sibling) => sibling.contentType));
    const contentType = type ?? (types.size === 1 ? [...types][0] : '');
    return this.#change('The value was not written', done, () =>
      this.#app.call('data.put', {
        keyspace: found.keyspace,
        key: found.key,
        value: value.value,
        encoding: value.encoding,
        context: found.context,
        contentType,
        ...(value.expiresInSeconds === null ? {} : { expiresInSeconds: value.expiresInSeconds }),
        level,
      }),
    );
  }

  keep(sibling: ValueView): Promise<boolean> {
    return this.write(
      { value: sibling.text, encoding: sibling.encoding, expiresInSeconds: secondsLeft(sibling, Date.now()) },
      'Resolved: one value is left.',
      sibling.contentType,
    );
  }

  async delete(): Promise<boolean> {
    const { found, level } = this;
    if (found === null) return false;
    const { keyspace, key, context } = found;
    const deleted = await this.#change('The key was not deleted', `${key} was deleted.`, () =>
      this.#app.call('data.delete', { keyspace, key, context, level }),
    );
    if (deleted) this.deletionCount++;
    return deleted;
  }

  async #change(failed: string, done: string, act: () => Promise<unknown>): Promise<boolean> {
    this.busy = true;
    try {
      await act();
      this.#app.say(done);
      await this.refresh();
      return true;
    } catch (cause) {
      this.#app.complain(failed, cause);
      return false;
    } finally {
      this.busy = false;
    }
  }
}

/** Whole seconds until the value expires; null when it does not. */
export function secondsLeft({ expiresAtMs }: ValueView, nowMs: number): number | null {
  return expiresAtMs === 0 ? null : Math.max(1, Math.ceil((expiresAtMs - nowMs) / 1000));
}
