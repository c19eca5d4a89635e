/** In which order a node fetches what it lacks, so that partitions become whole one after another. Pure. */
import { addTo } from '../base/grouping.ts';
import type { Wanted } from '../replication/replica/read-eligibility.ts';

/** Partitions fetched at a time from everybody who is to be heard. */
const batchSize = 32;

/**
 * Some partitions from everybody, then the next ones. Each time another peer comes first, since that is the one that most of the
 * data comes from. `turn`: another one for each node, so that not all of them begin with the same peer.
 */
export function inBatches(wanted: readonly Wanted[], turn: number): Wanted[] {
  const batches = new Map<string, Wanted[]>();
  for (const { keyspace, peer, partitions } of wanted) {
    const mine = new Map<number, number[]>();
    for (const partition of partitions) addTo(mine, Math.floor(partition / batchSize), partition);
    for (const [batch, some] of mine) {
      addTo(batches, `${keyspace}:${batch}`, { keyspace, peer, partitions: some });
    }
  }
  return [...batches.values()].flatMap((list, index) => {
    const first = (index + turn) % list.length;
    return [...list.slice(first), ...list.slice(0, first)];
  });
}
