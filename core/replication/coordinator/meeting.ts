/**
 * Where commands that read and write a key meet, also while the cluster changes: with the first healthy replica in the order of
 * one layout. From one layout to the next its first replica **hands over**: it decides by the older one until it reads by the
 * newer one, and says so (its `syncAck`, layout/history.ts) once the last write that it had decided has ended. Only then the
 * first of the newer one decides. Whoever was told later, or not yet, is refused, and asks again in a moment.
 *
 * What a node knows of another is never ahead of it, so no two can take themselves for the first at one time. Where the first
 * cannot be reached the next in the order decides, and two may: that is a failure, in which nothing of the kind is promised.
 * Whoever was chosen only because the sender has no link to the first, as a node that has just come has none yet, sends it on
 * (gateway/resp/gateway.ts).
 */
import { CoterieError } from '../../base/errors.ts';
import type { MeetingOrder } from '../topology.ts';

/** The newest layout (its `placed`) by which a node is known to read, and to decide nothing by those before. */
export type ReadsBy = (nodeId: number) => number;

/** Nothing was written: another node decides now, or will in a moment. */
export const movedOn = new CoterieError(
  'moved',
  'The nodes that keep this key are just changing. Nothing was written to it; try again.',
);

/** `orders`: oldest first, at least one. */
export function orderOf(orders: readonly MeetingOrder[], partition: number, readsBy: ReadsBy): MeetingOrder {
  let current = orders[0];
  for (let index = 1; index < orders.length; index++) {
    const next = orders[index];
    const first = firstOf(current, partition);
    if (first !== firstOf(next, partition) && readsBy(first) < next.placed) break;
    current = next;
  }
  return current;
}

/**
 * Whether node `self` may decide what it was sent: it is the first, or stands in for the first as sender and receiver see it. `sent`: the
 * order by which the sender chose it.
 */
export function meetsHere(own: MeetingOrder, partition: number, self: number, sent: number): boolean {
  return firstOf(own, partition) === self || own.placed === sent;
}

function firstOf({ places }: MeetingOrder, partition: number): number {
  return places[partition][0].nodeId;
}
