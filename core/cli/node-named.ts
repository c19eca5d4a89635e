/** A node as people name it: by its name, or by its id. */
import { CoterieError } from '../base/errors.ts';
import { plainLine } from '../base/plain-text.ts';
import type { NodeView } from '../contract/node-views.ts';
import type { ControlClient } from './control-client.ts';

/** Throws `not-found` with the names that there are. A name that looks like another node's id is a name. */
export async function nodeNamed(api: ControlClient, text: string): Promise<NodeView> {
  const { nodes } = await api.call('cluster.snapshot', {});
  const found = nodes.find(({ name }) => name === text) ?? nodes.find(({ id }) => id === text.toLowerCase());
  if (found !== undefined) return found;
  const names = nodes.map(({ name }) => name).join(', ');
  throw new CoterieError('not-found', `There is no node "${plainLine(text)}". Nodes: ${names}.`);
}
