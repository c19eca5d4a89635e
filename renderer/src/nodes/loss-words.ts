/**
 * What a node says of losses, in words, and whether a person may accept them now. Pure; the host has the last word.
 */
import type { NodeView } from '../../../core/contract/node-views.ts';
import { listWords, plural } from '../components/format.ts';
import { nodeStateWords } from './node-actions.ts';

type Told = Pick<NodeView, 'figures' | 'state'>;

/** "1,024 partitions of default and 12 partitions of orders"; empty where nothing may be lost. */
export function lostPlaces({ figures }: Told): string {
  const places = (figures?.possibleLoss ?? []).map(
    ({ keyspace, partitions }) => `${plural(partitions, 'partition')} of ${keyspace}`,
  );
  return listWords(places);
}

/** Nodes that this one has to hear: those that bring what they hold by themselves, and those that are away. */
export function waitsFor(
  { figures }: Told,
  nodes: readonly NodeView[],
): { coming: string[]; away: string[] } {
  const names = figures?.waitsFor ?? [];
  const isComing = (name: string) =>
    nodes.some((other) => other.name === name && (other.state === 'up' || other.state === 'starting'));
  return { coming: names.filter(isComing), away: names.filter((name) => !isComing(name)) };
}

/** Whether there is anything to accept, now or once what is under way has ended. */
export function hasLoss(node: Told, nodes: readonly NodeView[]): boolean {
  return lostPlaces(node) !== '' || waitsFor(node, nodes).away.length > 0;
}

/** A few words beside the state; null where there is nothing to say. */
export function lossNote(node: Told, nodes: readonly NodeView[]): string | null {
  if (lostPlaces(node) !== '') return 'Writes may be lost';
  const { away } = waitsFor(node, nodes);
  return away.length === 0 ? null : `Waits for ${listWords(away)}`;
}

/** Null: it can be accepted. `refusal`: why nothing can be changed at all now. */
export function whyNotAccept(node: Told, nodes: readonly NodeView[], refusal: string | null): string | null {
  if (refusal !== null) return refusal;
  if (node.state !== 'up')
    return `Only a node that is up can let go of it. It is ${nodeStateWords[node.state].toLowerCase()}.`;
  if (!hasLoss(node, nodes)) return 'There is nothing to accept.';
  const { coming } = waitsFor(node, nodes);
  return coming.length === 0
    ? null
    : `It is still getting data from ${listWords(coming)}: wait until that has ended.`;
}
