/** What a computer tells the others of itself. */
import { productVersion } from '../../base/version.ts';
import type { JoinRequest } from '../../contract/computer-views.ts';
import { newestOf } from '../../layout/history.ts';
import type { Clock } from '../../ports/clock.ts';
import type { AccessService } from '../access/access-service.ts';
import type { LayoutService } from '../layouts/layout-service.ts';
import type { Staging } from '../layouts/staging.ts';
import type { LocalNodes } from '../nodes/local-nodes.ts';
import type { RepairExchange } from '../repairs/repair-exchange.ts';
import type { ClientNetwork } from './client-network.ts';
import type { ClusterKeys } from './cluster-keys.ts';
import { appliedMax, type ComputerNews, changeLengthMax, changesMax, type KnownPlace } from './messages.ts';

/** What is told comes from there. */
export interface NewsSources {
  readonly clock: Clock;
  readonly layouts: LayoutService;
  readonly nodes: LocalNodes;
  readonly own: ReadonlySet<string>;
  /** Where other computers reach this one; without a host at each of its addresses. */
  readonly at: () => { readonly host: string | null; readonly port: number };
  readonly requests: () => readonly JoinRequest[];
  readonly access: AccessService;
  readonly keys: ClusterKeys;
  readonly network: ClientNetwork | null;
  readonly repairs: RepairExchange;
  readonly staging: Staging;
}

export function newsOf(
  { clock, layouts, nodes, own, at, requests, access, keys, network, repairs, staging }: NewsSources,
  places: readonly KnownPlace[],
): ComputerNews {
  const { layout, digest } = newestOf(layouts.history);
  return {
    computers: [...own],
    version: productVersion,
    ...at(),
    clientHosts: network?.addresses ?? undefined,
    nodes: [...nodes].map((local) => ({
      id: local.node.id,
      status: local.status(),
      members: local.members,
      layouts: local.layouts,
    })),
    places,
    layout: { version: layout.version, digest },
    requests: requests(),
    access: access.rules,
    keys: keys.mark,
    repairs: { digest: repairs.digest, nowMs: clock.nowMs() },
    applied: staging
      .history()
      .slice(0, appliedMax)
      .map(({ version, by, changes }) => ({
        ...{ version, by },
        changes: changes.slice(0, changesMax).map((change) => change.slice(0, changeLengthMax)),
      })),
  };
}
