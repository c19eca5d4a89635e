/** The keys of a keyspace that match a pattern, page after page. A page may repeat a key; it is shown once. */
import { messageOf } from '../api/connection.ts';
import type { AppContext } from '../app/app-context.ts';

const pageSize = 100;
/** A page may be empty though more follow: this many are asked for before a person has to ask again. */
const emptyPageCountMax = 40;

export class KeyList {
  readonly #app: AppContext;
  keyspace = $state<string | null>(null);
  pattern = $state('');
  keys = $state.raw<readonly string[]>([]);
  loading = $state(false);
  problem = $state<string | null>(null);
  /** Null: the end was reached. */
  #cursor = $state<string | null>(null);
  readonly hasMore = $derived(this.#cursor !== null);
  #request = 0;

  constructor(app: AppContext) {
    this.#app = app;
  }

  async start(keyspace: string | null): Promise<void> {
    if (keyspace !== this.keyspace) this.keys = [];
    this.keyspace = keyspace;
    this.#cursor = null;
    await this.#load('0', []);
  }

  async more(): Promise<void> {
    if (this.#cursor !== null) await this.#load(this.#cursor, this.keys);
  }

  async #load(cursor: string, before: readonly string[]): Promise<void> {
    const request = ++this.#request;
    this.problem = null;
    if (this.keyspace === null) return;
    this.loading = true;
    try {
      const match = this.pattern.trim() === '' ? '*' : this.pattern.trim();
      const { keyspace } = this;
      let page = await this.#app.call('data.list', { keyspace, cursor, match, countMax: pageSize });
      for (
        let asked = 1;
        page.keys.length === 0 && page.cursor !== '0' && asked < emptyPageCountMax;
        asked++
      ) {
        if (request !== this.#request) return;
        page = await this.#app.call('data.list', {
          keyspace,
          cursor: page.cursor,
          match,
          countMax: pageSize,
        });
      }
      if (request !== this.#request) return;
      this.keys = [...new Set([...before, ...page.keys])];
      this.#cursor = page.cursor === '0' ? null : page.cursor;
    } catch (cause) {
      if (request === this.#request) this.problem = messageOf(cause);
    } finally {
      if (request === this.#request) this.loading = false;
    }
  }
}
