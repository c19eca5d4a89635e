/**
 * What a node must get, and from whom, when one layout takes the place of another. Pure. A node that becomes a replica of a
 * partition holds nothing of it; one that stays a replica may still lack writes that were acknowledged by others, where fewer
 * replicas or other levels mean that a read no longer has to ask one of those.
 */
import { quorumsIntersect, type ReplicaPlace, requirementOf } from '../quorum/requirement.ts';
import type { Layout, LayoutKeyspace } from './layout.ts';
import { placesOf } from './places.ts';

/** Nodes that may hold acknowledged writes of a partition which this node lacks. */
export interface Move {
  readonly keyspace: number;
  readonly partition: number;
  readonly from: readonly number[];
}

type Places = readonly ReplicaPlace[];

/**
 * For node `selfId`, going from `before` to `after`. Where a keyspace was changed more than once in between, nobody here knows
 * what its replicas were meanwhile: then any other node may hold something.
 */
export function movesOf(before: Layout, after: Layout, selfId: number): Move[] {
  const moves: Move[] = [];
  const others = after.nodes.map((node) => node.id).filter((id) => id !== selfId);
  for (const keyspace of after.keyspaces) {
    const old = before.keyspaces.find(({ id }) => id === keyspace.id);
    const steps = (keyspace.placement ?? 0) - (old?.placement ?? 0);
    if (steps === 0) continue;
    const now = placesOf(after, keyspace);
    const then = old === undefined || steps > 1 ? null : placesOf(before, old);
    for (let partition = 0; partition < now.length; partition++) {
      if (!has(now[partition], selfId)) continue;
      const from =
        then === null
          ? others
          : lackingFrom(old!, keyspace, then[partition], now[partition], selfId, after.dataCenters);
      if (from.length > 0) moves.push({ keyspace: keyspace.id, partition, from });
    }
  }
  return moves;
}

const has = (places: Places, nodeId: number) => places.some((place) => place.nodeId === nodeId);

function lackingFrom(
  old: LayoutKeyspace,
  keyspace: LayoutKeyspace,
  then: Places,
  now: Places,
  selfId: number,
  dataCenters: readonly string[],
): number[] {
  const former = then.map((place) => place.nodeId).filter((id) => id !== selfId);
  if (!has(then, selfId)) return former;
  const allStay = then.every((place) => has(now, place.nodeId));
  return allStay && promiseHolds(old, keyspace, then, now, dataCenters) ? [] : former;
}

/** Whether a read that must see every new write also sees every old one, with nothing moved. */
function promiseHolds(
  old: LayoutKeyspace,
  keyspace: LayoutKeyspace,
  then: Places,
  now: Places,
  dataCenters: readonly string[],
): boolean {
  return dataCenters.every((reader) =>
    dataCenters.every((writer) => {
      const promised = quorumsIntersect(
        requirementOf(keyspace.readLevel, now, reader),
        requirementOf(keyspace.writeLevel, now, writer),
        now,
      );
      const kept = quorumsIntersect(
        requirementOf(keyspace.readLevel, then, reader),
        requirementOf(old.writeLevel, then, writer),
        then,
      );
      return kept || !promised;
    }),
  );
}
