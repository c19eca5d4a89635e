/**
 * A node's working view of the layouts that count: for each keyspace and partition who holds it, who is read, in the order in
 * which this node prefers them, and what each level needs there. Rebuilt as a whole when they change; read on every request.
 *
 * Most of the time there is one layout, and holders and readers are the same lists. While data moves there are several
 * (layout/history.ts): holders are the replicas of each, readers those of one of them.
 */
import { assert } from '../base/assert.ts';
import type { ConsistencyLevel } from '../base/levels.ts';
import { partitionCount } from '../base/token.ts';
import { nodesOf } from '../layout/history.ts';
import { type Layout, type LayoutKeyspace, type LayoutNode, placedOf } from '../layout/layout.ts';
import { placesOf } from '../layout/places.ts';
import {
  jointRequirement,
  type ReplicaPlace,
  type Requirement,
  requirementOf,
} from '../quorum/requirement.ts';
import { preferenceList } from '../ring/ring.ts';

type Places = readonly ReplicaPlace[];

/** In which order the replicas of a partition decide read-modify-writes, by one layout. */
export interface MeetingOrder {
  /** Of the layout. */
  readonly placed: number;
  readonly places: readonly Places[];
}

export interface KeyspaceState {
  /** As people decided them last. */
  readonly settings: LayoutKeyspace;
  /** Of the layout by which clients are served. */
  readonly readLevel: ConsistencyLevel;
  /** Whoever holds something of a partition, this node's data center first: the replicas of every live layout. */
  readonly replicas: readonly Places[];
  /** This node's index in each partition's replicas; -1 where it holds none. */
  readonly selfIndex: Int16Array;
  /** Who is written to: the replicas of every layout that all have heard of. */
  readonly writers: readonly Places[];
  readonly writerIndex: Int16Array;
  /** Whether a write is taken here: also for a layout that was released a moment ago, because others may not know it yet. */
  takes(partition: number): boolean;
  /** Who is read. */
  readonly readers: readonly Places[];
  readonly readerIndex: Int16Array;
  /** The replicas by each live layout, oldest first, in the layout's order: alike for every node of the cluster. */
  readonly orders: readonly MeetingOrder[];
  /** Of the readers of a partition. */
  readRequirement(level: ConsistencyLevel): Requirement;
  /** Of the writers of a partition: met in every layout that they follow from. No level: each layout's own. */
  writeRequirement(partition: number, level: ConsistencyLevel | undefined): Requirement;
  /** Nodes of a data center that stand in for its replicas of a partition, in the order of the walk. */
  fallbacks(partition: number, dataCenter: string): readonly number[];
}

export interface Topology {
  /** What people decided last. */
  readonly layout: Layout;
  readonly self: LayoutNode;
  readonly peers: readonly LayoutNode[];
  /** Nodes of every live layout. */
  readonly nodes: ReadonlyMap<number, LayoutNode>;
  readonly keyspaces: ReadonlyMap<number, KeyspaceState>;
  /** Those that count, oldest first; `layout` is the last. */
  readonly live: readonly Layout[];
  /** That by which clients are served. */
  readonly reading: Layout;
  /** Those by which writes go. */
  readonly writing: readonly Layout[];
  /** More than one layout counts. */
  readonly isChanging: boolean;
}

/**
 * Whether who sends goes by a layout with other replicas, which was released. `version`: of its layout; 0: it says none. Not by the version
 * alone: one that is behind by a change that moved nothing, such as another name, finds the same replicas.
 */
export function isFromBefore({ live }: Topology, version: number): boolean {
  return version !== 0 && version < placedOf(live[0]);
}

/** One live layout as a keyspace has it. */
interface Era {
  readonly settings: LayoutKeyspace;
  readonly places: readonly Places[];
}

interface View {
  readonly live: readonly Layout[];
  readonly reading: Layout;
  readonly writing: readonly Layout[];
  readonly lingering: readonly Layout[];
  readonly self: LayoutNode;
}

class State implements KeyspaceState {
  readonly settings: LayoutKeyspace;
  readonly readLevel: ConsistencyLevel;
  readonly replicas: readonly Places[];
  readonly selfIndex: Int16Array;
  readonly writers: readonly Places[];
  readonly writerIndex: Int16Array;
  readonly readers: readonly Places[];
  readonly readerIndex: Int16Array;
  readonly orders: readonly MeetingOrder[];
  readonly #lingering: readonly Int16Array[];
  readonly #dataCenter: string;
  readonly #eras: readonly Era[];
  readonly #readRequirements = new Map<ConsistencyLevel, Requirement>();
  readonly #writeRequirements = new Map<ConsistencyLevel, Requirement>();
  readonly #layout: Layout;
  // Needed only while somebody is down: worked out then, and kept.
  readonly #fallbacks = new Map<string, readonly number[]>();

  constructor({ live, reading, writing, lingering, self }: View, settings: LayoutKeyspace) {
    this.settings = settings;
    this.#dataCenter = self.dataCenter;
    const eraOf = (layout: Layout): Era | null => {
      const own = layout.keyspaces.find(({ id }) => id === settings.id);
      return own === undefined
        ? null
        : { settings: own, places: placesOf(layout, own, ownFirst(layout, self)) };
    };
    const erasOf = (layouts: readonly Layout[]) => layouts.map(eraOf).filter((era) => era !== null);
    // A keyspace that is younger than the layout by which others are read has been nowhere else.
    const isThere = reading.keyspaces.some(({ id }) => id === settings.id);
    const newest = live[live.length - 1];
    this.#layout = isThere ? reading : newest;
    const readEra = eraOf(this.#layout);
    assert(readEra !== null, 'the newest layout has every keyspace');
    // Nobody else has to have heard of a keyspace that has been nowhere else.
    const written = erasOf(writing);
    this.#eras = written.length > 0 ? written : [readEra];
    this.readLevel = readEra.settings.readLevel;
    this.readers = readEra.places;
    this.orders = live.flatMap((layout) => {
      const own = layout.keyspaces.find(({ id }) => id === settings.id);
      return own === undefined ? [] : [{ placed: placedOf(layout), places: placesOf(layout, own) }];
    });
    this.readerIndex = indexIn(this.readers, self.id);
    const joinedWith = (eras: readonly Era[]): [readonly Places[], Int16Array] => {
      if (eras.every(({ places }) => places === this.readers)) return [this.readers, this.readerIndex];
      const all = this.readers.map((places, partition) =>
        joined([places, ...eras.map((era) => era.places[partition])]),
      );
      return [all, indexIn(all, self.id)];
    };
    [this.replicas, this.selfIndex] = joinedWith(erasOf(live));
    [this.writers, this.writerIndex] = joinedWith(this.#eras);
    this.#lingering = erasOf(lingering).map(({ places }) => indexIn(places, self.id));
  }

  takes(partition: number): boolean {
    return this.selfIndex[partition] >= 0 || this.#lingering.some((index) => index[partition] >= 0);
  }

  readRequirement(level: ConsistencyLevel): Requirement {
    return remembered(this.#readRequirements, level, () =>
      // Every partition has the same number of replicas in each data center, so a level needs the same everywhere.
      requirementOf(level, this.readers[0], this.#dataCenter),
    );
  }

  writeRequirement(partition: number, level: ConsistencyLevel | undefined): Requirement {
    if (this.#eras.length === 1) {
      const wanted = level ?? this.settings.writeLevel;
      return remembered(this.#writeRequirements, wanted, () =>
        requirementOf(wanted, this.writers[0], this.#dataCenter),
      );
    }
    return jointRequirement(
      this.#eras.map(({ settings, places }) => ({
        members: places[partition],
        requirement: requirementOf(level ?? settings.writeLevel, places[partition], this.#dataCenter),
      })),
    );
  }

  fallbacks(partition: number, dataCenter: string): readonly number[] {
    return remembered(this.#fallbacks, `${partition}:${dataCenter}`, () => {
      const ring = this.#layout.rings.find((candidate) => candidate.dataCenter === dataCenter);
      if (ring === undefined) return [];
      const nodesById = new Map(this.#layout.nodes.map((node) => [node.id, node]));
      const holders = new Set(this.replicas[partition].map(({ nodeId }) => nodeId));
      return preferenceList(ring, nodesById, partition, this.#layout.nodes.length).filter(
        (id) => !holders.has(id),
      );
    });
  }
}

/** The reader's own data center first; the others keep the layout's order. The same list where that is so already. */
function ownFirst(layout: Layout, self: LayoutNode): Layout['rings'] {
  const sorted = [...layout.rings].sort(
    (a, b) => Number(b.dataCenter === self.dataCenter) - Number(a.dataCenter === self.dataCenter),
  );
  return sorted.every((ring, index) => ring === layout.rings[index]) ? layout.rings : sorted;
}

/** Each node once, in the order in which it is first named. Made anew for every partition whenever a node moves on in a change: so the first list itself where the others add nothing. */
function joined(lists: readonly Places[]): Places {
  const first = lists[0];
  let all: ReplicaPlace[] | null = null;
  for (let index = 1; index < lists.length; index++) {
    const list = lists[index];
    if (list === first) continue;
    for (const place of list) {
      if (placeOf(all ?? first, place.nodeId) >= 0) continue;
      all ??= [...first];
      all.push(place);
    }
  }
  return all ?? first;
}

/** By hand, for this is asked some ten thousand times a layout. */
function placeOf(places: Places, nodeId: number): number {
  for (let index = 0; index < places.length; index++) if (places[index].nodeId === nodeId) return index;
  return -1;
}

function indexIn(places: readonly Places[], nodeId: number): Int16Array {
  const index = new Int16Array(partitionCount);
  for (let partition = 0; partition < partitionCount; partition++) {
    index[partition] = placeOf(places[partition], nodeId);
  }
  return index;
}

function remembered<Key, Value>(known: Map<Key, Value>, key: Key, make: () => Value): Value {
  let value = known.get(key);
  if (value === undefined) {
    value = make();
    known.set(key, value);
  }
  return value;
}

/**
 * `live`: oldest first, the last is what people decided; `reading` is one of them, the oldest unless somebody says otherwise;
 * `writing` some of them, all unless somebody says otherwise; `lingering` are none of them any more.
 * `self` is needed for a node that none of them names any more.
 */
export function topologyOf(
  live: Layout | readonly Layout[],
  selfId: number,
  given: Partial<Omit<View, 'live'>> = {},
): Topology {
  const layouts = 'version' in live ? [live] : live;
  const layout = layouts[layouts.length - 1];
  const nodes = nodesOf(layouts);
  const self = nodes.get(selfId) ?? given.self!;
  const reading = given.reading ?? layouts[0];
  const { writing = layouts, lingering = [] } = given;
  const view = { live: layouts, reading, writing, lingering, self };
  return {
    layout,
    self,
    nodes,
    peers: [...nodes.values()].filter((node) => node.id !== selfId),
    keyspaces: new Map(layout.keyspaces.map((settings) => [settings.id, new State(view, settings)])),
    live: layouts,
    reading,
    writing,
    isChanging: layouts.length > 1,
  };
}
