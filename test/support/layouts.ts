/** Small layouts for tests: node ids count up from 1, one node on each computer. */
import { firstLayout, type Layout, type LayoutKeyspace } from '../../core/layout/layout.ts';

export function layoutOf(nodesIn: Readonly<Record<string, number>>): Layout {
  let id = 0;
  const nodes = Object.entries(nodesIn).flatMap(([dataCenter, count]) =>
    Array.from({ length: count }, () => {
      id++;
      return { id, name: `node-${id}`, computer: `computer-${id}`, dataCenter, weight: 1 };
    }),
  );
  const computers = nodes.map(({ computer, dataCenter }) => ({ id: computer, name: computer, dataCenter }));
  return firstLayout({ clusterId: 'c', clusterName: 'c', createdAtMs: 0, computers, nodes });
}

/** The same with the only keyspace changed, as the next version. */
export function withKeyspace(layout: Layout, changes: Partial<LayoutKeyspace>): Layout {
  const keyspaces = layout.keyspaces.map((keyspace) => ({ ...keyspace, ...changes }));
  return { ...layout, version: layout.version + 1, keyspaces };
}
