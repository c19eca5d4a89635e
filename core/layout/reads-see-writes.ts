/**
 * Whether a read sees the latest acknowledged write, worked out from plain facts: the copies in each data center and the
 * two levels. A local level counts in the data center of the replica that coordinates, so each pair of a writer's and a
 * reader's data center is looked at: two local majorities meet only where both are of one data center.
 *
 * It judges levels alone. Where stand-ins may take writes (sloppy quorum) a read can miss one of theirs whatever is said
 * here; and a local level is that of another data center for clients whose own has no replica to coordinate for them.
 */
import type { ConsistencyLevel } from '../base/levels.ts';
import { canBeMet, quorumsIntersect, type ReplicaPlace, requirementOf } from '../quorum/requirement.ts';

export interface ReadsSeeWrites {
  /** Every read that is answered sees every write that was acknowledged before it, wherever both were coordinated. */
  readonly always: boolean;
  /** The same for reads and writes that are coordinated in this data center; only those that have copies are named. */
  readonly withinCenter: Readonly<Record<string, boolean>>;
  /** By the writer's data center, then the reader's. */
  readonly between: Readonly<Record<string, Readonly<Record<string, boolean>>>>;
}

/**
 * `copies`: how many exist in each data center, which may be fewer than a keyspace asks for. A level that can never be met
 * sees nothing, and is seen by nothing.
 */
export function readsSeeWrites(
  copies: Readonly<Record<string, number>>,
  readLevel: ConsistencyLevel,
  writeLevel: ConsistencyLevel,
): ReadsSeeWrites {
  const replicas = placesOf(copies);
  const centers = [...new Set(replicas.map((replica) => replica.dataCenter))];
  const sees = (writer: string, reader: string): boolean => {
    const read = requirementOf(readLevel, replicas, reader);
    const write = requirementOf(writeLevel, replicas, writer);
    return canBeMet(read, replicas) && canBeMet(write, replicas) && quorumsIntersect(read, write, replicas);
  };
  const between = Object.fromEntries(
    centers.map((writer) => [
      writer,
      Object.fromEntries(centers.map((reader) => [reader, sees(writer, reader)])),
    ]),
  );
  const all = centers.flatMap((writer) => centers.map((reader) => between[writer][reader]));
  return {
    always: all.length > 0 && all.every(Boolean),
    withinCenter: Object.fromEntries(centers.map((center) => [center, between[center][center]])),
    between,
  };
}

/** Stand-in places for so many copies; which nodes hold them does not matter to a count. */
export function placesOf(copies: Readonly<Record<string, number>>): ReplicaPlace[] {
  let nodeId = 0;
  return Object.entries(copies).flatMap(([dataCenter, count]) =>
    Array.from({ length: count }, () => ({ nodeId: nodeId++, dataCenter })),
  );
}
