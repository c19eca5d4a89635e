/**
 * What the tray says, as a function of the cluster's events: the worst state that needs a person, then each node. Pure.
 * It answers only when the words change: nodes report figures every second, and a menu that is replaced while somebody
 * reads it closes under their hand.
 */
import type { ClusterEvent } from '../core/contract/api.ts';
import type { NodeView } from '../core/contract/node-views.ts';
import type { Advice } from '../core/contract/views.ts';

export interface TrayText {
  /** Something is wrong that does not mend itself. */
  readonly needsPerson: boolean;
  readonly tip: string;
  readonly summary: string;
  readonly nodes: readonly string[];
}

const severityOrder = { error: 0, warning: 1, info: 2 } as const;

export class TrayWords {
  #clusterName = '';
  #nodes: readonly NodeView[] = [];
  #advice: readonly Advice[] = [];
  #last = '';

  /** The new words, or null where the event changes none. */
  after(event: ClusterEvent): TrayText | null {
    switch (event.type) {
      case 'snapshot':
        this.#clusterName = event.snapshot.cluster.name;
        this.#nodes = event.snapshot.nodes;
        this.#advice = event.snapshot.advice;
        break;
      case 'cluster':
        this.#clusterName = event.cluster.name;
        break;
      case 'node':
        this.#nodes = this.#nodes.map((node) => (node.id === event.node.id ? event.node : node));
        break;
      case 'advice':
        this.#advice = event.advice;
        break;
      default:
        return null;
    }
    const text = this.#text();
    const written = JSON.stringify(text);
    if (written === this.#last) return null;
    this.#last = written;
    return text;
  }

  #text(): TrayText {
    const up = this.#nodes.filter((node) => node.state === 'up').length;
    const [worst] = this.#advice
      .filter((item) => item.severity !== 'info')
      .sort((a, b) => severityOrder[a.severity] - severityOrder[b.severity]);
    const summary = worst?.title ?? `${up} of ${this.#nodes.length} nodes up`;
    return {
      needsPerson: worst !== undefined,
      tip: `${this.#clusterName}: ${summary}`,
      summary,
      nodes: this.#nodes.map((node) => `${node.name}: ${node.state}`),
    };
  }
}
