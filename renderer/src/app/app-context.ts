/** What every component may reach: the cluster, the address, the theme, dialogs and short messages. */
import { createContext } from 'svelte';
import { toast } from 'svelte-sonner';
import type { MethodInput, MethodName, MethodOutput } from '../../../core/contract/api.ts';
import type { ClusterState } from '../api/cluster-state.svelte.ts';
import { messageOf } from '../api/connection.ts';
import type { Dialogs } from './dialogs.svelte.ts';
import type { Router } from './router.svelte.ts';
import type { Theme } from './theme.svelte.ts';

export class AppContext {
  readonly cluster: ClusterState;
  readonly router: Router;
  readonly theme: Theme;
  readonly dialogs: Dialogs;

  constructor(parts: { cluster: ClusterState; router: Router; theme: Theme; dialogs: Dialogs }) {
    this.cluster = parts.cluster;
    this.router = parts.router;
    this.theme = parts.theme;
    this.dialogs = parts.dialogs;
  }

  call<M extends MethodName>(method: M, input: MethodInput<M>): Promise<MethodOutput<M>> {
    return this.cluster.api.call(method, input);
  }

  say(message: string): void {
    toast.success(message);
  }

  complain(title: string, cause: unknown): void {
    toast.error(title, { description: messageOf(cause), duration: 12_000 });
  }
}

export const [useApp, provideApp] = createContext<AppContext>();
