/**
 * The layouts as one node follows them: which are live, what a change of them means for the data here, how far this node is, and
 * the copy on disk (kept-layout.ts). What it tells others is on disk before: a node that has acknowledged a layout must not
 * forget it. The rules of who has to have reached what are in layout/history.ts.
 */
import { Latest } from '../base/latest.ts';
import {
  asKnown,
  historyOf,
  isAlike,
  keyOf,
  type LayoutHistory,
  type LiveLayout,
  merge,
  newestOf,
  nodeIn,
  nodesWaitedFor,
  reachedBy,
  reachedByAll,
  readingOf,
  type Tracker,
  withTracker,
  withTrackers,
  writingOf,
} from '../layout/history.ts';
import { type Layout, type LayoutNode, placedOf } from '../layout/layout.ts';
import { everythingMoved, type Move, movesOf } from '../layout/moves.ts';
import type { Timers } from '../ports/clock.ts';
import type { Disk } from '../ports/disk.ts';
import type { Log } from '../ports/log.ts';
import type { ReadEligibility } from '../replication/replica/read-eligibility.ts';
import { type Topology, topologyOf } from '../replication/topology.ts';
import { FirstWords } from './first-words.ts';
import { KeptFile } from './kept-file.ts';
import { keptHistoryAsJson, layoutFile, readKeptHistory } from './kept-layout.ts';
import { Lingering } from './lingering.ts';
import { LinkWait } from './link-wait.ts';

interface Components {
  readonly disk: Disk;
  readonly timers: Timers;
  readonly log: Log;
}

/** What a node has to do when its view changes. */
export interface LayoutFollower {
  /** Whether no write goes by an older topology than this any more. */
  isDrained(topology: Topology): boolean;
  /** Whether there is a link to another node. */
  reaches(nodeId: number): boolean;
  /** Nothing is kept here that others have yet to get. */
  owesNothing(topology: Topology): boolean;
  onTopology(before: Topology, after: Topology): void;
  /** Something is missing here: it has to be fetched, from now on. */
  onMissing(): void;
  /** Others should hear of it: it is on disk. */
  onNews(): void;
}

export class NodeLayouts {
  readonly #nodeId: number;
  readonly #file: KeptFile;
  #history: LayoutHistory;
  /** What of it is on disk. */
  #kept: LayoutHistory;
  #topology: Topology;
  #self: LayoutNode;
  /** Nobody knows by which layout the data here is complete. */
  readonly #isUnknown: boolean;
  #eligibility: ReadEligibility | null = null;
  #follower: LayoutFollower | null = null;
  /** The layout since whose acknowledgement by all this node compares itself with others; 0: none yet. */
  #comparesFor = 0;
  readonly #linkWait: LinkWait;
  #looking = false;
  readonly #lingering: Lingering;
  readonly firstWords: FirstWords;
  readonly #moves = new Latest<readonly Move[]>();

  private constructor(components: Components, nodeId: number, history: LayoutHistory, isUnknown: boolean) {
    this.#nodeId = nodeId;
    this.#file = new KeptFile(components, layoutFile);
    this.#lingering = new Lingering(components.timers);
    this.#history = this.#kept = history;
    this.#isUnknown = isUnknown;
    this.#self = nodeIn(history, nodeId)!;
    this.#topology = this.#newTopology();
    this.#linkWait = new LinkWait(components.timers, () => this.look());
    this.firstWords = new FirstWords(components.timers, () => this.look());
  }

  /** `isKnown`: this node was here before, so a file that is missing is a loss. `given`: what its host knows to be live. */
  static async open(
    components: Components,
    { nodeId, isKnown }: { nodeId: number; isKnown: boolean },
    given: readonly LiveLayout[],
  ): Promise<NodeLayouts> {
    const kept = await readKeptHistory(components.disk, components.log);
    const offered = historyOf(given);
    const isOurs =
      kept !== null &&
      newestOf(kept).layout.clusterId === newestOf(offered).layout.clusterId &&
      nodeIn(kept, nodeId) !== null;
    const history = isOurs ? merge(kept, offered) : offered;
    const layouts = new NodeLayouts(components, nodeId, history, isKnown && !isOurs);
    layouts.#begin(isOurs);
    return layouts;
  }

  /** A node that is new has nothing, so it lacks nothing of the layouts before it; one that was here goes on. */
  #begin(isOurs: boolean): void {
    // A file of before there were trackers: the node went by that layout alone.
    if (!isOurs || !this.#history.trackers.has(this.#nodeId)) this.#track(this.#own);
  }

  get topology(): Topology {
    return this.#topology;
  }

  get history(): LayoutHistory {
    return this.#history;
  }

  /** What others may be told: a node must not forget what it said of itself. */
  get keptHistory(): LayoutHistory {
    return this.#kept;
  }

  /** Whether this node may go by what it knows of itself. */
  get knowsItself(): boolean {
    const others = () => nodesWaitedFor(this.#history).filter((id) => id !== this.#nodeId);
    return this.firstWords.areEnough(others, (id) => this.#follower?.reaches(id) ?? false);
  }

  /** What this node still has to get is marked from now on. */
  follow(eligibility: ReadEligibility): void {
    this.#eligibility = eligibility;
    eligibility.setTopology(this.#topology);
    if (this.#isUnknown) {
      for (const { keyspace, partition, from } of everythingMoved(this.#topology.layout, this.#nodeId)) {
        eligibility.unknown(keyspace, partition, from);
      }
    }
    this.#missNewest();
    void this.#keep();
  }

  serve(follower: LayoutFollower): void {
    this.#follower = follower;
    this.look();
  }

  /** Another's view; no layouts: it has none that are new. Resolves when what is new of it is on disk. */
  learn(live: readonly LiveLayout[], trackers: LayoutHistory['trackers']): Promise<void> {
    // Of itself a node knows best, unless it has lost its files: then it goes on from what it had told.
    const theirs = trackers.get(this.#nodeId);
    const own = this.#history.trackers.get(this.#nodeId);
    const isFromBefore = theirs !== undefined && theirs.turn > (own?.turn ?? 0);
    const others = new Map(trackers);
    if (!isFromBefore) others.delete(this.#nodeId);
    if (live.length === 0) return this.#take(withTrackers(this.#history, others));
    return this.#take(merge(this.#history, { ...historyOf(asKnown(this.#history, live)), trackers: others }));
  }

  close(): void {
    this.#file.close();
  }

  get #own(): Tracker {
    const { turn = 0, key = keyOf(this.#history.live[0].layout) } =
      this.#history.trackers.get(this.#nodeId) ?? {};
    return { turn, key, ...reachedBy(this.#history, this.#nodeId) };
  }

  #track(tracker: Tracker): void {
    const next = withTracker(this.#history, this.#nodeId, { ...tracker, turn: tracker.turn + 1 });
    this.#lingering.add(this.#history, next);
    this.#history = next;
  }

  async #take(history: LayoutHistory): Promise<void> {
    if (isAlike(history, this.#history)) return;
    const newest = newestOf(this.#history);
    this.#lingering.add(this.#history, history);
    this.#history = history;
    this.#refresh();
    if (
      newestOf(history).digest !== newest.digest ||
      newestOf(history).layout.version !== newest.layout.version
    ) {
      this.#missNewest();
      if (!(this.#eligibility?.isWhole ?? true)) this.#follower?.onMissing();
    }
    await this.#keep();
    this.#follower?.onNews();
    this.look();
  }

  /**
   * Moves this node's own numbers on as far as they may go. To be called whenever a write ended, something missing has come, or
   * others were heard of.
   */
  look(): void {
    if (this.#looking || this.#follower === null) return;
    this.#looking = true;
    void this.#lookAll().finally(() => {
      this.#looking = false;
    });
  }

  async #lookAll(): Promise<void> {
    for (let next = this.#next(); next !== null; next = this.#next()) {
      this.#track(next);
      this.#refresh();
      await this.#keep();
      this.#follower?.onNews();
    }
  }

  /** Null: there is nothing to move on. */
  #next(): Tracker | null {
    if (!this.knowsItself) return null;
    const own = this.#own;
    const newest = newestOf(this.#history).layout;
    const placed = placedOf(newest);
    const follower = this.#follower!;
    if (own.heard < placed) {
      const isLinked =
        this.#topology.peers.every(({ id }) => follower.reaches(id)) || this.#linkWait.isOver(placed);
      return isLinked ? { ...own, heard: placed, key: keyOf(newest) } : null;
    }
    const isWritten = reachedByAll(this.#history, 'heard') >= placed;
    if (own.ack < placed && isWritten && follower.isDrained(this.#topology)) return { ...own, ack: placed };
    if (own.sync < placed && reachedByAll(this.#history, 'ack') >= placed) {
      if (this.#comparesFor !== placed) {
        // What was compared before may have missed a write by somebody who did not know of this layout.
        this.#comparesFor = placed;
        this.#missNewest();
        if (!(this.#eligibility?.isWhole ?? true)) follower.onMissing();
      }
      const isLeaving = !newest.nodes.some(({ id }) => id === this.#nodeId);
      if ((this.#eligibility?.isWhole ?? true) && (!isLeaving || follower.owesNothing(this.#topology))) {
        return { ...own, sync: placed };
      }
    }
    const reading = placedOf(readingOf(this.#history).layout);
    // Others decide from now on: what was decided here has ended (replication/coordinator/meeting.ts).
    if (own.syncAck < reading && follower.isDrained(this.#topology)) return { ...own, syncAck: reading };
    return null;
  }

  #missNewest(): void {
    const newest = newestOf(this.#history).layout;
    if (this.#own.sync >= placedOf(newest)) return;
    const older = this.#history.live.slice(0, -1).map(({ layout }) => layout);
    // Asked when it hears of a layout, and again when everybody writes by it.
    const moves = this.#moves.of([...older, newest], () => movesOf(older, newest, this.#nodeId));
    for (const { keyspace, partition, from } of moves) this.#eligibility?.moved(keyspace, partition, from);
  }

  /** The topology anew, where another one follows from what is known now. */
  #refresh(): void {
    this.#self = nodeIn(this.#history, this.#nodeId) ?? this.#self;
    const before = this.#topology;
    const { live, reading, writing } = this.#view();
    if (isSame(live, before.live) && isSame(writing, before.writing) && reading === before.reading) return;
    const after = this.#newTopology();
    this.#topology = after;
    this.#eligibility?.setTopology(after);
    this.#follower?.onTopology(before, after);
  }

  #view(): { live: readonly Layout[]; reading: Layout; writing: readonly Layout[] } {
    return {
      live: this.#history.live.map(({ layout }) => layout),
      reading: readingOf(this.#history).layout,
      writing: writingOf(this.#history).map(({ layout }) => layout),
    };
  }

  #newTopology(): Topology {
    const { live, reading, writing } = this.#view();
    return topologyOf(live, this.#nodeId, {
      reading,
      writing,
      lingering: this.#lingering.layouts,
      self: this.#self,
    });
  }

  async #keep(): Promise<void> {
    const history = this.#history;
    await this.#file.keep(keptHistoryAsJson(history));
    this.#kept = history;
  }
}

function isSame(left: readonly Layout[], right: readonly Layout[]): boolean {
  return left.length === right.length && left.every((layout, index) => layout === right[index]);
}
