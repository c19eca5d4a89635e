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

/** For node `selfId`, going from every one of `before` to `after`. A keyspace that was not there before moves nothing. */
export function movesOf(before: readonly Layout[], after: Layout, selfId: number): Move[] {
  const moves: Move[] = [];
  const gone = new Set(after.gone ?? []);
  for (const keyspace of after.keyspaces) {
    const now = placesOf(after, keyspace);
    const past = before.flatMap((layout) => {
      const old = layout.keyspaces.find(({ id }) => id === keyspace.id);
      return old === undefined ? [] : [{ old, former: placesOf(layout, old) }];
    });
    for (let partition = 0; partition < now.length; partition++) {
      if (!has(now[partition], selfId)) continue;
      const from: number[] = [];
      for (const { old, former } of past) {
        const lacking = lackingFrom(
          old,
          keyspace,
          former[partition],
          now[partition],
          selfId,
          after.dataCenters,
        );
        for (const id of lacking) if (!gone.has(id) && !from.includes(id)) from.push(id);
      }
      if (from.length > 0) moves.push({ keyspace: keyspace.id, partition, from });
    }
  }
  return moves;
}

/** For a node that does not know by which layout its data is complete: whoever else is there may hold something. */
export function everythingMoved(after: Layout, selfId: number): Move[] {
  const from = after.nodes.map(({ id }) => id).filter((id) => id !== selfId);
  if (from.length === 0) return [];
  return after.keyspaces.flatMap((keyspace) =>
    placesOf(after, keyspace).flatMap((places, partition) =>
      has(places, selfId) ? [{ keyspace: keyspace.id, partition, from }] : [],
    ),
  );
}

// By hand, for these are asked for every partition of every layout.
function isAlike(then: Places, now: Places): boolean {
  if (then.length !== now.length) return false;
  for (let index = 0; index < then.length; index++) {
    const [past, present] = [then[index], now[index]];
    if (past.nodeId !== present.nodeId || past.dataCenter !== present.dataCenter) return false;
  }
  return true;
}

function has(places: Places, nodeId: number): boolean {
  for (const place of places) if (place.nodeId === nodeId) return true;
  return false;
}

const none: readonly number[] = [];

function lackingFrom(
  old: LayoutKeyspace,
  keyspace: LayoutKeyspace,
  then: Places,
  now: Places,
  selfId: number,
  dataCenters: readonly string[],
): readonly number[] {
  const stays = has(then, selfId);
  // Most partitions of most changes: what reads had to see they still see, without working the quorums out.
  const isSame = old.readLevel === keyspace.readLevel && old.writeLevel === keyspace.writeLevel;
  if (stays && isSame && isAlike(then, now)) return none;
  const former = then.map((place) => place.nodeId).filter((id) => id !== selfId);
  if (!stays) return former;
  const allStay = then.every((place) => has(now, place.nodeId));
  return allStay && promiseHolds(old, keyspace, then, now, dataCenters) ? none : former;
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
