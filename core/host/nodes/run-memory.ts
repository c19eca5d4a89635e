/** Which nodes have taken clients before, kept in the catalog: an empty disk of theirs means that data was lost. */
import type { Log } from '../../ports/log.ts';
import type { Catalog } from '../catalog/catalog.ts';
import type { RunMemory } from './local-nodes.ts';

export function runMemory(catalog: Catalog, log: Log): RunMemory {
  const keyOf = (nodeId: number) => `has-run-${nodeId}`;
  const known = new Set<number>();
  return {
    hasRun: (nodeId: number) => known.has(nodeId) || catalog.settings.get(keyOf(nodeId)) !== null,
    noteRun(nodeId: number) {
      if (this.hasRun(nodeId)) return;
      known.add(nodeId);
      catalog.settings.set(keyOf(nodeId), 'yes').catch((error: Error) => {
        log.error('The catalog could not be written.', { cause: error.message });
      });
    },
  };
}
