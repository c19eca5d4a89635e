/**
 * What /health says. `unavailable` (503) asks a load balancer to go elsewhere; `degraded` (200) can be used, and needs a
 * person. Pure.
 */
import type { KeyspaceView } from '../../contract/views.ts';

interface PartitionsOf {
  readonly keyspace: string;
  readonly partitions: number;
}

export interface Health {
  readonly status: 'healthy' | 'degraded' | 'unavailable';
  readonly healthy: boolean;
  /** Cannot be read or written at the keyspace's levels now. */
  readonly unavailable: readonly PartitionsOf[];
  /** Acknowledged writes may be gone for good, and nobody has accepted it. */
  readonly possibleLoss: readonly (PartitionsOf & { readonly nodes: readonly string[] })[];
  /** The same in words. */
  readonly reasons: readonly string[];
}

export function healthOf({
  keyspaces,
}: {
  readonly keyspaces: readonly Pick<KeyspaceView, 'name' | 'unavailable' | 'possibleLoss'>[];
}): Health {
  const unavailable = keyspaces
    .filter((keyspace) => keyspace.unavailable > 0)
    .map(({ name, unavailable: partitions }) => ({ keyspace: name, partitions }));
  const possibleLoss = keyspaces.flatMap(({ name, possibleLoss: loss }) =>
    loss === null ? [] : [{ keyspace: name, ...loss }],
  );
  const reasons = [
    ...unavailable.map(
      ({ keyspace, partitions }) =>
        `${partitions} partitions of ${keyspace} have too few replicas for the levels of the keyspace.`,
    ),
    ...possibleLoss.map(
      ({ keyspace, partitions, nodes }) =>
        `Acknowledged writes may be lost in ${partitions} partitions of ${keyspace}, until it is accepted at ${nodes.join(' and ')}.`,
    ),
  ];
  const status = unavailable.length > 0 ? 'unavailable' : possibleLoss.length > 0 ? 'degraded' : 'healthy';
  return { status, healthy: status === 'healthy', unavailable, possibleLoss, reasons };
}
