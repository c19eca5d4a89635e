/**
 * What /health says of the keyspaces, and by that of the cluster. `unavailable` (503) asks a load balancer to go elsewhere; `degraded`
 * (200) can be used, and needs a person or time. Whether this program is there at all is told by /health/live, and whether programs
 * can be sent to this computer by /health/ready. Pure.
 */
import { listOf } from '../../base/words.ts';
import type { NodeView } from '../../contract/node-views.ts';
import type { KeyspaceView } from '../../contract/views.ts';

export type HealthStatus = 'healthy' | 'degraded' | 'unavailable';

interface PartitionsOf {
  readonly keyspace: string;
  readonly partitions: number;
}

export interface KeyspaceHealth {
  readonly keyspace: string;
  readonly status: HealthStatus;
  /** At the keyspace's own level; `partitions`: of 1,024, those in which that cannot be done. */
  readonly reads: { readonly level: string; readonly partitions: number };
  readonly writes: { readonly level: string; readonly partitions: number };
  /** Partitions that lack a replica now. */
  readonly underReplicated: number;
}

export interface Health {
  readonly status: HealthStatus;
  readonly healthy: boolean;
  readonly keyspaces: readonly KeyspaceHealth[];
  /** Cannot be read or written at the keyspace's levels now. */
  readonly unavailable: readonly PartitionsOf[];
  /** Acknowledged writes may be gone for good, and nobody has accepted it. */
  readonly possibleLoss: readonly (PartitionsOf & { readonly nodes: readonly string[] })[];
  /** The same in words. */
  readonly reasons: readonly string[];
}

type Keyspace = Pick<
  KeyspaceView,
  | 'name'
  | 'unavailable'
  | 'unreadable'
  | 'unwritable'
  | 'underReplicated'
  | 'possibleLoss'
  | 'readLevel'
  | 'writeLevel'
>;

const ranks: readonly HealthStatus[] = ['healthy', 'degraded', 'unavailable'];

function keyspaceHealthOf(keyspace: Keyspace): KeyspaceHealth {
  const { name, underReplicated, possibleLoss } = keyspace;
  const isWhole = underReplicated === 0 && possibleLoss === null;
  return {
    keyspace: name,
    status: keyspace.unavailable > 0 ? 'unavailable' : isWhole ? 'healthy' : 'degraded',
    reads: { level: keyspace.readLevel, partitions: keyspace.unreadable },
    writes: { level: keyspace.writeLevel, partitions: keyspace.unwritable },
    underReplicated,
  };
}

/** Each state that is not as it should be, in words that end in the node or the action. */
function reasonsOf({ name, possibleLoss, ...keyspace }: Keyspace): string[] {
  const reasons: string[] = [];
  const cannot = (partitions: number, what: string, level: string) => {
    if (partitions > 0) reasons.push(`${partitions} partitions of ${name} cannot be ${what} at ${level}.`);
  };
  cannot(keyspace.unreadable, 'read', keyspace.readLevel);
  cannot(keyspace.unwritable, 'written', keyspace.writeLevel);
  if (keyspace.unavailable > 0 && reasons.length === 0) {
    reasons.push(
      `${keyspace.unavailable} partitions of ${name} can be read in one data center and written in another alone.`,
    );
  }
  if (keyspace.unavailable === 0 && keyspace.underReplicated > 0) {
    reasons.push(`${keyspace.underReplicated} partitions of ${name} lack a replica.`);
  }
  if (possibleLoss !== null) {
    reasons.push(
      `Acknowledged writes may be lost in ${possibleLoss.partitions} partitions of ${name}, until it is accepted at ${listOf(possibleLoss.nodes)}.`,
    );
  }
  return reasons;
}

export function healthOf({ keyspaces }: { readonly keyspaces: readonly Keyspace[] }): Health {
  const each = keyspaces.map(keyspaceHealthOf);
  const worst = Math.max(0, ...each.map(({ status }) => ranks.indexOf(status)));
  return {
    status: ranks[worst],
    healthy: worst === 0,
    keyspaces: each,
    unavailable: keyspaces
      .filter(({ unavailable }) => unavailable > 0)
      .map(({ name, unavailable }) => ({ keyspace: name, partitions: unavailable })),
    possibleLoss: keyspaces.flatMap(({ name, possibleLoss: loss }) =>
      loss === null ? [] : [{ keyspace: name, ...loss }],
    ),
    reasons: keyspaces.flatMap(reasonsOf),
  };
}

/** Whether programs can be sent to this computer: a node of it takes clients. */
export interface Readiness {
  readonly ready: boolean;
  readonly nodes: readonly { readonly node: string; readonly state: NodeView['state'] }[];
  readonly reasons: readonly string[];
}

/** `nodes`: those of this computer. */
export function readinessOf(nodes: readonly Pick<NodeView, 'name' | 'state' | 'problem'>[]): Readiness {
  const ready = nodes.some(({ state }) => state === 'up');
  const reasons =
    nodes.length === 0
      ? ['This computer runs no nodes.']
      : nodes.flatMap(({ name, state, problem }) =>
          state === 'up' ? [] : [`${name} is ${state}${problem === null ? '.' : `: ${problem}`}`],
        );
  return { ready, nodes: nodes.map(({ name, state }) => ({ node: name, state })), reasons };
}
