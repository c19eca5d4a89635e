/**
 * The host of a computer, whatever it is at the moment: one without a cluster, one of a cluster, or one that was opened anew. Whoever
 * calls or listens need not know that it has become another.
 */
import type { ClusterApi, ClusterEvent } from '../contract/api.ts';
import type { Host } from './create-host.ts';

export class HostSlot implements Host {
  #current: Host;
  /** With what ends each subscription at the present host. */
  readonly #listeners = new Map<(event: ClusterEvent) => void, () => void>();
  readonly api: ClusterApi = {
    call: (method, input) => this.#current.api.call(method, input),
    subscribe: (listener) => {
      // The same function may listen twice.
      const own = (event: ClusterEvent) => listener(event);
      this.#listeners.set(own, this.#current.api.subscribe(own));
      return () => {
        this.#listeners.get(own)?.();
        this.#listeners.delete(own);
      };
    },
  };

  constructor(host: Host) {
    this.#current = host;
  }

  /** Listeners go on with a snapshot of the new one. */
  replace(host: Host): void {
    this.#current = host;
    for (const [listener, end] of this.#listeners) {
      end();
      this.#listeners.set(listener, host.api.subscribe(listener));
    }
  }

  get data(): Host['data'] {
    return this.#current.data;
  }

  get logins(): Host['logins'] {
    return this.#current.logins;
  }

  get admission(): Host['admission'] {
    return this.#current.admission;
  }

  get network(): Host['network'] {
    return this.#current.network;
  }

  dispatch(...[method, input, caller]: Parameters<Host['dispatch']>): Promise<unknown> {
    return this.#current.dispatch(method, input, caller);
  }

  snapshot(): ReturnType<Host['snapshot']> {
    return this.#current.snapshot();
  }

  start(withinMs: number): Promise<void> {
    return this.#current.start(withinMs);
  }

  stop(): Promise<void> {
    return this.#current.stop();
  }
}
