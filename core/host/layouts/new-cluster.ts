/** The first layout of a cluster that a host makes, and whether one that is there is the one that was asked for. */
import { randomBytes, randomUUID } from 'node:crypto';
import { CoterieError } from '../../base/errors.ts';
import { firstLayout, type Layout } from '../../layout/layout.ts';
import type { HostSettings } from '../host-settings.ts';

type ClusterWish = Pick<HostSettings, 'nodes' | 'clusterName' | 'computerName'>;

const defaultNodes: Readonly<Record<string, number>> = { office: 3 };

export function newLayout(settings: ClusterWish, nowMs: number): Layout {
  const wanted = settings.nodes ?? defaultNodes;
  const computers = Object.keys(wanted).map((dataCenter, index) => ({
    id: randomUUID(),
    name: index === 0 ? settings.computerName : `${settings.computerName} (${dataCenter})`,
    dataCenter,
  }));
  let number = 0;
  const nodes = computers.flatMap((computer) =>
    Array.from({ length: wanted[computer.dataCenter] }, () => ({
      id: randomBytes(4).readUInt32BE(),
      name: `node-${++number}`,
      computer: computer.id,
      dataCenter: computer.dataCenter,
      weight: 1,
    })),
  );
  if (new Set(nodes.map((node) => node.id)).size !== nodes.length) return newLayout(settings, nowMs);
  return firstLayout({
    clusterId: randomUUID(),
    clusterName: settings.clusterName,
    createdAtMs: nowMs,
    computers,
    nodes,
  });
}

/** Throws `conflict` when this computer, which is `own` in the layout, has other nodes than somebody asks for. */
export function checkSameNodes(
  layout: Layout,
  own: ReadonlySet<string>,
  settings: Pick<ClusterWish, 'nodes'>,
): void {
  if (settings.nodes === null) return;
  const here = layout.nodes.filter(({ computer }) => own.has(computer));
  for (const [dataCenter, count] of Object.entries(settings.nodes)) {
    const present = here.filter((node) => node.dataCenter === dataCenter).length;
    if (present !== count) {
      throw new CoterieError(
        'conflict',
        `This data folder holds a cluster with ${here.length} nodes (${present} in ${dataCenter}), not ${count}. Leave the number out, or choose another folder for a new cluster.`,
      );
    }
  }
}
