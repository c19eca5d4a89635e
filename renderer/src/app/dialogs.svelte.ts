/** Which dialog is open. One at a time, opened from pages and from the command palette alike. */
import type { JoinRequest } from '../../../core/contract/computer-views.ts';
import type { SwitchOffQuestion } from '../../../core/contract/switch-off.ts';
import type { NodeAction } from '../nodes/node-actions.ts';

export type DialogRequest =
  | { readonly kind: 'node'; readonly action: NodeAction; readonly name: string }
  | {
      readonly kind: 'accept-loss' | 'change-node' | 'computer-role' | 'remove-computer';
      readonly name: string;
    }
  | { readonly kind: 'switch-off'; readonly of: SwitchOffQuestion }
  /** `name` null: a new one. */
  | { readonly kind: 'keyspace'; readonly name: string | null }
  | { readonly kind: 'drop-keyspace'; readonly name: string }
  | { readonly kind: 'new-key'; readonly keyspace: string | null }
  /** `keyspace` null: the first that can be repaired. */
  | { readonly kind: 'run-repair' | 'schedule-repair'; readonly keyspace: string | null }
  | { readonly kind: 'cancel-repair'; readonly id: string }
  | { readonly kind: 'let-in' | 'block'; readonly request: JoinRequest }
  | {
      readonly kind:
        | 'sessions'
        | 'users'
        | 'add-nodes'
        | 'invite'
        | 'close-clients'
        | 'replace-keys'
        | 'new-token';
    }
  | { readonly kind: 'revoke-token'; readonly id: string; readonly name: string }
  | { readonly kind: 'palette' };

export class Dialogs {
  current = $state.raw<DialogRequest | null>(null);

  open(request: DialogRequest): void {
    this.current = request;
  }

  close(): void {
    this.current = null;
  }
}
