/**
 * Which layouts count at a moment, and who may be read. While data moves, more than one layout is **live**: writes go to the
 * replicas of each and meet their level in each; reads go by the newest for which every node has all it should hold. An older one
 * is released once every node knows that. Four numbers a node say how far it is (Garage's layout trackers,
 * https://garagehq.deuxfleurs.fr/documentation/design/internals, with one more before them): the newest layout
 * - **heard**: that this node knows, and takes writes for. Nobody writes by a layout before all have heard of it: a node that is
 *   still starting must not make a quorum fail,
 * - **ack**: before which no write of this node is under way any more,
 * - **sync**: whose data this node has, all of its share,
 * - **syncAck**: of which this node knows that all have their share, so that it reads by it, and has ended what it decided by those before.
 * Each number is a layout's `placed`, so layouts that move nothing (a new keyspace) need no agreement.
 *
 * Plain data and pure functions. Everybody may have seen another part of it; `merge` brings two views together, in any order.
 */
import { type Layout, type LayoutNode, placedOf } from './layout.ts';

export interface LiveLayout {
  readonly layout: Layout;
  /** Its content address. */
  readonly digest: string;
}

/** Changed by the node itself alone, so a higher `turn` is the later one. */
export interface Tracker {
  readonly turn: number;
  /** Of the layout that `heard` means: another with its number, made elsewhere at the same time, is not meant. */
  readonly key: string;
  readonly heard: number;
  readonly ack: number;
  readonly sync: number;
  readonly syncAck: number;
}

export type TrackerField = 'heard' | 'ack' | 'sync' | 'syncAck';

export interface LayoutHistory {
  /** Oldest first, at least one, no two with the same `placed`. The last one is what people decided. */
  readonly live: readonly LiveLayout[];
  /** By node id. Of a node that is not named nobody knows anything: it counts as being where the oldest live layout is. */
  readonly trackers: ReadonlyMap<number, Tracker>;
}

/** With more of them the next change has to wait for one that is under way. */
export const liveCountMax = 8;

export function newestOf({ live }: Pick<LayoutHistory, 'live'>): LiveLayout {
  return live[live.length - 1];
}

export function historyOf(live: readonly LiveLayout[]): LayoutHistory {
  return { live: inOrder(live), trackers: new Map() };
}

/** Of every layout, by id, each as the last that names it has it: one that leaves still has something to hand over. */
export function nodesOf(layouts: readonly Layout[]): ReadonlyMap<number, LayoutNode> {
  return new Map(layouts.flatMap(({ nodes }) => nodes.map((node) => [node.id, node] as const)));
}

/** As the newest layout that has it says; null: none has. */
export function nodeIn({ live }: Pick<LayoutHistory, 'live'>, nodeId: number): LayoutNode | null {
  return nodesOf(live.map(({ layout }) => layout)).get(nodeId) ?? null;
}

/** Whose word is waited for: nodes of any live layout, but for those that people gave up for dead. */
export function nodesWaitedFor(history: Pick<LayoutHistory, 'live'>): number[] {
  const gone = new Set(newestOf(history).layout.gone ?? []);
  return [...nodesOf(history.live.map(({ layout }) => layout)).keys()].filter((id) => !gone.has(id));
}

/** What all that are waited for have reached. */
export function reachedByAll(history: LayoutHistory, field: TrackerField): number {
  return nodesWaitedFor(history).reduce(
    (least, id) => Math.min(least, reachedBy(history, id)[field]),
    placedOf(newestOf(history).layout),
  );
}

/** How far a node is in this view: at least at its oldest live layout. */
export function reachedBy({ live, trackers }: LayoutHistory, id: number): Record<TrackerField, number> {
  const oldest = placedOf(live[0].layout);
  const tracker = trackers.get(id);
  const meant = live.find(({ layout }) => placedOf(layout) === tracker?.heard);
  const isAnother = meant !== undefined && keyOf(meant.layout) !== tracker!.key;
  if (tracker === undefined || isAnother) {
    return { heard: oldest, ack: oldest, sync: oldest, syncAck: oldest };
  }
  const atLeast = (field: TrackerField) => Math.max(oldest, tracker[field]);
  return { heard: atLeast('heard'), ack: atLeast('ack'), sync: atLeast('sync'), syncAck: atLeast('syncAck') };
}

/** The newest layout, by its `placed`, by which another node is known to read. One that was given up for dead reads no more. */
export function knownToReadBy(history: LayoutHistory, id: number): number {
  const isGone = newestOf(history).layout.gone?.includes(id) ?? false;
  return isGone ? Number.POSITIVE_INFINITY : reachedBy(history, id).syncAck;
}

export function keyOf({ placedKey }: Pick<Layout, 'placedKey'>): string {
  return placedKey ?? '';
}

/** The live layout by which this view reads. */
export function readingOf(history: LayoutHistory): LiveLayout {
  const synced = reachedByAll(history, 'sync');
  return history.live.findLast(({ layout }) => placedOf(layout) <= synced)!;
}

/** Those by which this view writes: in each of them a write has to meet its level. */
export function writingOf(history: LayoutHistory): readonly LiveLayout[] {
  const heard = reachedByAll(history, 'heard');
  return history.live.filter(({ layout }) => placedOf(layout) <= heard);
}

/** Without the layouts by which nobody reads any more. */
export function released(history: LayoutHistory): LayoutHistory {
  if (history.live.length === 1) return history;
  const known = reachedByAll(history, 'syncAck');
  const first = history.live.findLastIndex(({ layout }) => placedOf(layout) <= known);
  return first <= 0 ? history : { ...history, live: history.live.slice(first) };
}

/**
 * Two views as one. Of two layouts made from one parent the one of the higher version stands, of two with one version the one with the
 * lower digest; what was built on the loser goes with it. The layout before them is live in both views, because a node that
 * went by the loser has not acknowledged the winner.
 */
export function merge(left: LayoutHistory, right: LayoutHistory): LayoutHistory {
  const winner = isAhead(newestOf(right), newestOf(left)) ? right : left;
  const loser = winner === left ? right : left;
  const digests = new Set(winner.live.map(({ digest }) => digest));
  const first = winner.live[0].layout;
  // What one view has released, and the other not yet, is decided by the trackers of both together.
  const older = loser.live.filter(
    ({ layout, digest }) => !digests.has(digest) && placedOf(layout) < placedOf(first),
  );
  return withTrackers({ live: inOrder([...older, ...winner.live]), trackers: left.trackers }, right.trackers);
}

/** The same objects for what is live in a view too: what was reckoned for them holds on. */
export function asKnown(view: Pick<LayoutHistory, 'live'>, live: readonly LiveLayout[]): LiveLayout[] {
  const known = new Map(view.live.map((one) => [one.digest, one]));
  return live.map((one) => (one.digest === '' ? one : (known.get(one.digest) ?? one)));
}

/** With whatever is later of what somebody else knows. */
export function withTrackers(history: LayoutHistory, others: LayoutHistory['trackers']): LayoutHistory {
  const trackers = new Map(history.trackers);
  for (const [id, tracker] of others) {
    const known = trackers.get(id);
    if (known === undefined || tracker.turn > known.turn) trackers.set(id, tracker);
  }
  return released({ ...history, trackers });
}

export function isAhead(one: LiveLayout, other: LiveLayout): boolean {
  const { version } = one.layout;
  if (version !== other.layout.version) return version > other.layout.version;
  return one.digest < other.digest;
}

/** The view after somebody decided on a layout; the same object when it was known, or has lost. */
export function withLayout(history: LayoutHistory, next: LiveLayout): LayoutHistory {
  const newest = newestOf(history);
  if (next.digest === newest.digest || !isAhead(next, newest)) return history;
  const before = history.live.filter(({ layout }) => layout.version < next.layout.version);
  return released({ ...history, live: inOrder([...before, next]) });
}

export function withTracker(history: LayoutHistory, id: number, tracker: Tracker): LayoutHistory {
  const trackers = new Map(history.trackers);
  trackers.set(id, tracker);
  return released({ ...history, trackers });
}

/** Of several with one `placed` the latest counts: between them nothing moves. */
function inOrder(live: readonly LiveLayout[]): LiveLayout[] {
  const byPlaced = new Map<number, LiveLayout>();
  for (const one of live) {
    const placed = placedOf(one.layout);
    const known = byPlaced.get(placed);
    if (known === undefined || isAhead(one, known)) byPlaced.set(placed, one);
  }
  return [...byPlaced.values()].sort((a, b) => placedOf(a.layout) - placedOf(b.layout));
}

/** Nothing is new in either of two views of one node. */
export function isAlike(left: LayoutHistory, right: LayoutHistory): boolean {
  if (left.live.length !== right.live.length || left.trackers.size !== right.trackers.size) return false;
  const isLive = left.live.every(
    ({ layout, digest }, index) =>
      digest === right.live[index].digest && layout.version === right.live[index].layout.version,
  );
  return isLive && [...left.trackers].every(([id, tracker]) => right.trackers.get(id)?.turn === tracker.turn);
}
