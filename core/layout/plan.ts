/**
 * What a change of the layout will do, before it is done: which partitions move and how many bytes, what each node holds before
 * and after, and what speaks against it. Pure. A copy is one partition of one keyspace at one node.
 */
import { nodesOf } from './history.ts';
import type { Layout, LayoutKeyspace } from './layout.ts';
import { copiesOf, placesOf } from './places.ts';
import { type Survival, survivalOf } from './survival.ts';

export interface NodePlan {
  readonly name: string;
  readonly dataCenter: string;
  readonly copiesBefore: number;
  readonly copiesAfter: number;
  /** Copies that it gets, and that it lets go. */
  readonly gained: number;
  readonly released: number;
  /** Partitions of which it gets a copy, in ascending order: where on the ring. */
  readonly gains: number[];
  /** Partitions of which it lets its copy go, in ascending order. */
  readonly releases: number[];
  readonly bytesBefore: number;
  readonly bytesAfter: number;
}

export interface LayoutPlan {
  /** Partitions (of 1,024) of which some copy moves. */
  readonly partitions: number;
  /** Copies that are made anew, over all keyspaces. */
  readonly copies: number;
  readonly bytes: number;
  /** As many bytes would move if only what has to be somewhere else moved. */
  readonly minimumBytes: number;
  readonly nodes: readonly NodePlan[];
  /** Reasons against it, each a sentence; none: it may be applied. */
  readonly blocked: readonly string[];
}

/** `bytesOf`: about what one copy of a partition of a keyspace takes. */
export function planOf(
  before: Layout,
  after: Layout,
  bytesOf: (keyspace: LayoutKeyspace) => number,
): LayoutPlan {
  const rows = new Map(
    [...nodesOf([before, after]).values()].map(({ id, name, dataCenter }) => [
      id,
      {
        ...{ name, dataCenter, copiesBefore: 0, copiesAfter: 0 },
        ...{ gained: 0, released: 0, bytesBefore: 0, bytesAfter: 0 },
        ...{ gains: new Set<number>(), releases: new Set<number>() },
      },
    ]),
  );
  const moving = new Set<number>();
  let copies = 0;
  let bytes = 0;
  let minimumBytes = 0;
  for (const keyspace of after.keyspaces) {
    const old = before.keyspaces.find(({ id }) => id === keyspace.id);
    const now = placesOf(after, keyspace);
    const former = old === undefined ? now.map(() => []) : placesOf(before, old);
    const size = bytesOf(keyspace);
    const balance = new Map<number, number>();
    now.forEach((places, partition) => {
      const had = new Set(former[partition].map(({ nodeId }) => nodeId));
      const has = new Set(places.map(({ nodeId }) => nodeId));
      for (const id of had) {
        const row = rows.get(id)!;
        row.copiesBefore++;
        row.bytesBefore += size;
        balance.set(id, (balance.get(id) ?? 0) - 1);
        if (has.has(id)) continue;
        row.released++;
        row.releases.add(partition);
      }
      for (const id of has) {
        const row = rows.get(id)!;
        row.copiesAfter++;
        row.bytesAfter += size;
        balance.set(id, (balance.get(id) ?? 0) + 1);
        if (had.has(id) || old === undefined) continue;
        row.gained++;
        row.gains.add(partition);
        copies++;
        bytes += size;
        moving.add(partition);
      }
    });
    // Whoever ends with more than it had must get at least the difference.
    if (old !== undefined) {
      for (const more of balance.values()) if (more > 0) minimumBytes += more * size;
    }
  }
  return {
    partitions: moving.size,
    copies,
    bytes: Math.round(bytes),
    minimumBytes: Math.round(minimumBytes),
    nodes: [...rows.values()].map((row) => ({
      ...row,
      gains: inOrder(row.gains),
      releases: inOrder(row.releases),
    })),
    blocked: reasonsAgainst(before, after),
  };
}

const inOrder = (partitions: ReadonlySet<number>) => [...partitions].sort((a, b) => a - b);

type NodeMoves = Pick<NodePlan, 'name' | 'dataCenter' | 'gained' | 'gains' | 'releases'>;

/** Nodes that get copies or let some go, and of which partitions. */
export function movesBetween(before: Layout, after: Layout): NodeMoves[] {
  if (before === after) return [];
  return planOf(before, after, () => 0)
    .nodes.filter(({ gains, releases }) => gains.length + releases.length > 0)
    .map(({ name, dataCenter, gained, gains, releases }) => ({ name, dataCenter, gained, gains, releases }));
}

/** Keyspaces that would be nowhere, and factors that could be met before and could not any more. */
function reasonsAgainst(before: Layout, after: Layout): string[] {
  return after.keyspaces.flatMap((keyspace) => {
    const old = before.keyspaces.find(({ id }) => id === keyspace.id);
    const copies = copiesOf(after, keyspace.factors);
    const total = Object.values(copies).reduce((sum, count) => sum + count, 0);
    if (total === 0)
      return [`${keyspace.name} would have no copy left. Give it a factor in another data center first.`];
    const short = Object.entries(copies).filter(([dataCenter, count]) => {
      const had = old === undefined ? 0 : (copiesOf(before, old.factors)[dataCenter] ?? 0);
      return count < (keyspace.factors[dataCenter] ?? 0) && count < had;
    });
    return short.map(
      ([dataCenter, count]) =>
        `${keyspace.name} asks for ${keyspace.factors[dataCenter]} copies in ${dataCenter}, and only ${count} ${count === 1 ? 'node' : 'nodes'} would be left there. Lower its factor first, or keep the node.`,
    );
  });
}

export interface SurvivalChange {
  readonly keyspace: string;
  readonly before: Survival[];
  readonly after: Survival[];
}

/** What each keyspace survives, before and after. */
export function survivalChanges(before: Layout, after: Layout): SurvivalChange[] {
  return after.keyspaces.flatMap((keyspace) => {
    const old = before.keyspaces.find(({ id }) => id === keyspace.id);
    if (old === undefined) return [];
    return [{ keyspace: keyspace.name, before: survivalOf(before, old), after: survivalOf(after, keyspace) }];
  });
}
