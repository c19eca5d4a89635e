/** One event applied to a snapshot. Pure: parts that did not change stay the same objects. */
import type { ClusterEvent } from '../../../core/contract/api.ts';
import type { Snapshot } from '../../../core/contract/views.ts';

const activityCountMax = 200;

export function applyEvent(snapshot: Snapshot, event: ClusterEvent): Snapshot {
  switch (event.type) {
    case 'snapshot':
      return event.snapshot;
    case 'cluster':
      return { ...snapshot, cluster: event.cluster };
    case 'node': {
      const known = snapshot.nodes.some((node) => node.id === event.node.id);
      const nodes = known
        ? snapshot.nodes.map((node) => (node.id === event.node.id ? event.node : node))
        : [...snapshot.nodes, event.node];
      return { ...snapshot, nodes };
    }
    case 'keyspaces':
      return { ...snapshot, keyspaces: event.keyspaces };
    case 'rings':
      return { ...snapshot, rings: event.rings };
    case 'layout':
      return { ...snapshot, layout: event.layout };
    case 'advice':
      return { ...snapshot, advice: event.advice };
    case 'repairs':
      return { ...snapshot, repairs: event.repairs };
    case 'activity':
      return { ...snapshot, activity: [...snapshot.activity, event.entry].slice(-activityCountMax) };
  }
}
