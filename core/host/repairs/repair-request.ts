/** What a repair has to be like before it is begun. */
import { CoterieError } from '../../base/errors.ts';
import type { RepairRequest } from '../../contract/repair-views.ts';
import { keyspaceNamed, type Layout } from '../../layout/layout.ts';
import { replicasOf } from './segments.ts';

/** Throws `not-found`, `bad-input`. */
export function checkRequest(layout: Layout, request: Required<RepairRequest>): void {
  const { keyspace, dataCenters, firstPartition, lastPartition } = request;
  keyspaceNamed(layout, keyspace);
  for (const dataCenter of dataCenters) {
    if (layout.dataCenters.includes(dataCenter)) continue;
    const known = layout.dataCenters.join(', ');
    throw new CoterieError('not-found', `There is no data center "${dataCenter}". Data centers: ${known}.`);
  }
  if (lastPartition < firstPartition) {
    throw new CoterieError('bad-input', 'The last partition lies before the first one.');
  }
  if (replicasOf(layout, keyspace, dataCenters).every((replicas) => replicas.length < 2)) {
    throw new CoterieError('bad-input', 'There is one replica only: nothing to compare it with.');
  }
}
