/** Why a computer cannot be taken out; null: it can. Pure; the host has the last word. */
import type { ClusterState } from '../api/cluster-state.svelte.ts';

export function whyNotRemove(cluster: ClusterState): string | null {
  const refusal = cluster.refusalFor('computers.remove');
  if (refusal !== null) return refusal;
  return (cluster.snapshot?.computers.length ?? 0) < 2 ? 'It is the only computer of this cluster.' : null;
}
