/** What every component may reach: the cluster, the address, the theme, dialogs and short messages. */
import { createContext } from 'svelte';
import { toast } from 'svelte-sonner';
import type { MethodInput, MethodName, MethodOutput } from '../../../core/contract/api.ts';
import type { ClientsView, ComputerView, JoinRequest } from '../../../core/contract/computer-views.ts';
import type { ClusterState } from '../api/cluster-state.svelte.ts';
import { messageOf } from '../api/connection.ts';
import { Polled } from '../api/polled.svelte.ts';
import type { Dialogs } from './dialogs.svelte.ts';
import type { Router } from './router.svelte.ts';
import { Standing } from './standing.svelte.ts';
import type { Theme } from './theme.svelte.ts';

const requestsEveryMs = 2000;
const computersEveryMs = 5000;
const clientsEveryMs = 3000;

export class AppContext {
  readonly cluster: ClusterState;
  readonly router: Router;
  readonly theme: Theme;
  readonly dialogs: Dialogs;
  readonly standing: Standing;
  /** Who asks to come in; started by the frame, because its navigation counts them. */
  readonly requests: Polled<readonly JoinRequest[]>;
  /** The computers of the snapshot, renewed while somebody looks at them: no event tells when one was heard of. */
  readonly computers: Polled<readonly ComputerView[]>;
  /** How programs reach the data; asked while its page is open. */
  readonly clients: Polled<ClientsView>;

  constructor(parts: { cluster: ClusterState; router: Router; theme: Theme; dialogs: Dialogs }) {
    this.cluster = parts.cluster;
    this.router = parts.router;
    this.theme = parts.theme;
    this.dialogs = parts.dialogs;
    this.standing = new Standing(parts.cluster);
    this.requests = new Polled(() => this.call('computers.requests', {}), requestsEveryMs);
    this.computers = new Polled(() => this.#renewComputers(), computersEveryMs);
    this.clients = new Polled(() => this.call('clients.view', {}), clientsEveryMs);
  }

  async call<M extends MethodName>(method: M, input: MethodInput<M>): Promise<MethodOutput<M>> {
    try {
      return await this.cluster.api.call(method, input);
    } catch (cause) {
      this.standing.noteFailure(cause);
      throw cause;
    }
  }

  say(message: string): void {
    toast.success(message);
  }

  complain(title: string, cause: unknown): void {
    toast.error(title, { description: messageOf(cause), duration: 12_000 });
  }

  async #renewComputers(): Promise<readonly ComputerView[]> {
    const { computers } = await this.call('cluster.snapshot', {});
    this.cluster.putComputers(computers);
    return computers;
  }
}

export const [useApp, provideApp] = createContext<AppContext>();
