/**
 * Whether a write has a chance, by the links that this node has now. One that has none is refused before anything is changed, so that
 * whoever forwarded it may ask another replica: a node that has just woken, or has a new address, has its first link before the
 * others, and that first link brings it commands.
 */
import { CoterieError } from '../../base/errors.ts';
import { type KeyAddress, partitionOf } from '../../base/token.ts';
import type { WriteOptions } from '../../ports/key-value-store.ts';
import { PutCore } from '../../quorum/put-core.ts';
import { neededInTotal } from '../../quorum/requirement.ts';
import { Fallbacks } from '../handoff/fallbacks.ts';
import type { CoordinatorParts } from '../parts.ts';
import type { KeyspaceState } from '../topology.ts';

type ReachParts = Pick<CoordinatorParts, 'selfId' | 'network' | 'requests' | 'log'>;

/** What a write ends with that found too few replicas to read from first. */
export function notBegun(error: CoterieError): CoterieError {
  if (error.code !== 'quorum-not-met') return error;
  return new CoterieError(error.code, error.message, { ...error.details, written: false });
}

/** Null when enough replicas, or nodes that stand in for them, can be reached. `details.written` is false, as in `wasNotBegun`. */
export function outOfReach(
  parts: ReachParts,
  keyspace: KeyspaceState,
  address: KeyAddress,
  options: Pick<WriteOptions, 'level'>,
): CoterieError | null {
  const { selfId, network } = parts;
  const partition = partitionOf(address.tokenHigh);
  const replicas = keyspace.writers[partition];
  const isThere = ({ nodeId }: { nodeId: number }) => nodeId === selfId || network.isUp(nodeId);
  if (replicas.every(isThere)) return null;
  const requirement = keyspace.writeRequirement(partition, options.level);
  const votes = new PutCore(replicas, requirement);
  const fallbacks = new Fallbacks(parts, keyspace, address);
  for (const [index, replica] of replicas.entries()) {
    if (isThere(replica)) votes.addAcknowledgement(index);
    else if (fallbacks.take(replica.dataCenter) !== null) votes.addFallback(index);
    else votes.addFailure(index);
  }
  if (votes.verdict() === 'met') return null;
  const level = options.level ?? keyspace.settings.writeLevel;
  const required = neededInTotal(requirement);
  const received = votes.acknowledgedCount;
  return new CoterieError(
    'quorum-not-met',
    `Writing at ${level} needs ${required} of ${replicas.length} replicas; ${received} can be reached. Nothing was written.`,
    { required, received, level, written: false },
  );
}
