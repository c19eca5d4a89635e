/** From what nodes report to samples: one for each node, or one for each thing that a node has several of. */
import type { NodeMeasures } from '../../contract/node-measures.ts';
import type { NodeView } from '../../contract/node-views.ts';
import type { Labels, Sample } from './exposition.ts';

type Figures = NonNullable<NodeView['figures']>;

export const labelsOf = ({ name, dataCenter }: NodeView): Labels => ({ node: name, data_center: dataCenter });

export function perNode(nodes: readonly NodeView[], pick: (figures: Figures) => number | null): Sample[] {
  return nodes.map((node) => [labelsOf(node), node.figures === null ? null : pick(node.figures)]);
}

export function perNodeAnd<T>(
  nodes: readonly NodeView[],
  items: (figures: Figures) => readonly T[],
  sample: (item: T) => readonly [Labels, number],
): Sample[] {
  return nodes.flatMap((node) =>
    (node.figures === null ? [] : items(node.figures)).map((item): Sample => {
      const [labels, value] = sample(item);
      return [{ ...labelsOf(node), ...labels }, value];
    }),
  );
}

/** Of a version that tells them. */
export function perMeasured(
  nodes: readonly NodeView[],
  pick: (measures: NodeMeasures) => number | null,
): Sample[] {
  return perNode(nodes, ({ measures }) => (measures === undefined ? null : pick(measures)));
}
