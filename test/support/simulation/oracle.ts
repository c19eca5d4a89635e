/**
 * What a keyspace promises, worked out from first principles and not from the product's own arithmetic: every least set of
 * replicas that can acknowledge a write, held against every least set that can answer a read.
 */
import { type ConsistencyLevel, consistencyLevels } from '../../../core/base/levels.ts';

export interface OracleReplica {
  readonly dataCenter: string;
}

const majority = (count: number) => Math.floor(count / 2) + 1;

/** Whether these replicas, named by bits, meet a level that is asked for from `local`. */
function meets(
  level: ConsistencyLevel,
  replicas: readonly OracleReplica[],
  chosen: number,
  local: string,
): boolean {
  const count = (within: (dataCenter: string) => boolean) =>
    replicas.filter(({ dataCenter }, index) => (chosen & (1 << index)) !== 0 && within(dataCenter)).length;
  const total = (within: (dataCenter: string) => boolean) =>
    replicas.filter(({ dataCenter }) => within(dataCenter)).length;
  const all = () => true;
  const here = (dataCenter: string) => dataCenter === local;
  switch (level) {
    case 'ANY':
    case 'ONE':
      return count(all) >= 1;
    case 'TWO':
      return count(all) >= 2;
    case 'THREE':
      return count(all) >= 3;
    case 'QUORUM':
      return count(all) >= majority(total(all));
    case 'ALL':
      return count(all) >= Math.max(1, total(all));
    case 'LOCAL_ONE':
      return count(here) >= 1;
    case 'LOCAL_QUORUM':
      return count(here) >= majority(total(here));
    case 'EACH_QUORUM':
      return [...new Set(replicas.map(({ dataCenter }) => dataCenter))].every(
        (one) => count((other) => other === one) >= majority(total((other) => other === one)),
      );
  }
}

/** Whether a read from `reader` must ask a replica that acknowledged a write from `writer`. Eight replicas at most. */
export function mustMeet(
  replicas: readonly OracleReplica[],
  read: { readonly level: ConsistencyLevel; readonly from: string },
  write: { readonly level: ConsistencyLevel; readonly from: string },
): boolean {
  const sets = 1 << replicas.length;
  for (let writers = 0; writers < sets; writers++) {
    if (!meets(write.level, replicas, writers, write.from)) continue;
    // Whoever did not acknowledge: can they answer the read without the others?
    if (meets(read.level, replicas, sets - 1 - writers, read.from)) return false;
  }
  return true;
}

/** How many replicas hold a write at least, once it was acknowledged. */
export function leastCopies(
  replicas: readonly OracleReplica[],
  write: { readonly level: ConsistencyLevel; readonly from: string },
): number {
  let least = replicas.length;
  for (let writers = 0; writers < 1 << replicas.length; writers++) {
    if (!meets(write.level, replicas, writers, write.from)) continue;
    const size = replicas.filter((_, index) => (writers & (1 << index)) !== 0).length;
    least = Math.min(least, size);
  }
  return write.level === 'ANY' ? 1 : least;
}

/** Levels that these replicas can meet at all, from every data center. */
export function possibleLevels(replicas: readonly OracleReplica[]): ConsistencyLevel[] {
  const centers = [...new Set(replicas.map(({ dataCenter }) => dataCenter))];
  const everyone = (1 << replicas.length) - 1;
  return consistencyLevels.filter((level) =>
    centers.every((local) => meets(level, replicas, everyone, local)),
  );
}
