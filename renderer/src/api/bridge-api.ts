/** ClusterApi through the desktop app's bridge (`window.coterie`). The host lives in the same program: never lost. */
import type {
  ClusterEvent,
  DesktopBridge,
  MethodInput,
  MethodName,
  MethodOutput,
} from '../../../core/contract/api.ts';
import { CallError, type ConnectedApi, type Connection } from './connection.ts';

export class BridgeApi implements ConnectedApi {
  readonly #bridge: DesktopBridge;
  readonly #subscriptions = new Map<(event: ClusterEvent) => void, () => void>();

  constructor(bridge: DesktopBridge) {
    this.#bridge = bridge;
  }

  async call<M extends MethodName>(method: M, input: MethodInput<M>): Promise<MethodOutput<M>> {
    const answer = await this.#bridge.invoke(method, input);
    if ('error' in answer) throw new CallError(answer.error.code, answer.error.message);
    return answer.output as MethodOutput<M>;
  }

  subscribe(listener: (event: ClusterEvent) => void): () => void {
    this.#subscriptions.set(listener, this.#bridge.subscribe(listener));
    return () => {
      this.#subscriptions.get(listener)?.();
      this.#subscriptions.delete(listener);
    };
  }

  watchConnection(listener: (connection: Connection) => void): () => void {
    listener({ state: 'open' });
    return () => {};
  }

  restartEvents(): void {
    for (const [listener, unsubscribe] of [...this.#subscriptions]) {
      unsubscribe();
      this.#subscriptions.set(listener, this.#bridge.subscribe(listener));
    }
  }

  retryNow(): void {}
}
