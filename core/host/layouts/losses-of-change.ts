/** What nobody has any more once nodes are given up for dead. Pure. */
import { partitionsInWords } from '../../base/words.ts';
import type { Layout } from '../../layout/layout.ts';
import { placesOf } from '../../layout/places.ts';

/** A sentence for each keyspace with partitions of which nobody is left that has all. */
export function lossesOf(before: Layout, after: Layout): string[] {
  const gone = new Set(after.gone ?? []);
  for (const id of before.gone ?? []) gone.delete(id);
  if (gone.size === 0) return [];
  return before.keyspaces.flatMap((keyspace) => {
    const orphans = placesOf(before, keyspace).filter(
      (places) => places.length > 0 && places.every(({ nodeId }) => gone.has(nodeId)),
    ).length;
    return orphans === 0
      ? []
      : [`${partitionsInWords(orphans)} of ${keyspace.name} have no other copy: what they hold is lost.`];
  });
}
