/** What a person has typed to join a cluster; it outlives the form, so that a refusal costs no typing. */
import type { JoinWish } from '../../../core/contract/computer-views.ts';
import type { FoundCluster } from '../computers/computer-words.ts';

/** Not one of those that were found. */
export const elsewhere = 'elsewhere';

export class JoinDraft {
  code = $state('');
  address = $state('');
  nodes = $state(1);
  /** The id of a cluster that was found, or `elsewhere`. */
  where = $state<string>(elsewhere);
  /** Every cluster heard so far: one that is silent for a moment does not vanish under the pointer. */
  clusters = $state.raw<readonly FoundCluster[]>([]);
  #isChosen = false;

  choose(where: string): void {
    this.where = where;
    this.#isChosen = true;
  }

  hear(clusters: readonly FoundCluster[]): void {
    const silent = this.clusters.filter((known) => !clusters.some(({ id }) => id === known.id));
    this.clusters = [...clusters, ...silent].sort((a, b) => a.name.localeCompare(b.name, 'en'));
    // One alone is most likely meant; among several a person chooses, and nobody's choice is changed.
    if (this.#isChosen) return;
    this.where = this.clusters.length === 1 ? this.clusters[0].id : elsewhere;
  }

  /** Null: nothing is missing. */
  get lacks(): string | null {
    if (this.code.trim() === '') return 'Type the code or paste the link.';
    if (!(Number.isInteger(this.nodes) && this.nodes >= 1 && this.nodes <= 16)) return 'Take 1 to 16 nodes.';
    return null;
  }

  get wish(): JoinWish {
    const chosen = this.clusters.find(({ id }) => id === this.where);
    const address = chosen === undefined ? this.address.trim() : chosen.computers[0].address;
    return { code: this.code.trim(), nodes: this.nodes, ...(address === '' ? {} : { address }) };
  }
}
