/**
 * The layout: the versioned, agreed description of the cluster. Plain data and pure functions; addresses of processes
 * are not part of it, because they change at every start, while a layout changes only when people change the cluster.
 * Layouts are immutable: each edit makes the next version, which names its parent.
 */
import { CoterieError } from '../base/errors.ts';
import { hash64 } from '../base/hash.ts';
import {
  type ConflictPolicy,
  type ConsistencyLevel,
  conflictPolicies,
  consistencyLevels,
  type Durability,
  durabilities,
  type Intensity,
} from '../base/levels.ts';
import { checkNotifications } from '../base/notifications.ts';
import { partitionCount } from '../base/token.ts';
import { allocate } from '../ring/allocator.ts';
import type { DataCenterRing, RingNode } from '../ring/ring.ts';

export interface LayoutComputer {
  readonly id: string;
  readonly name: string;
  readonly dataCenter: string;
  /** SHA-256 of its public key, in hexadecimal; absent: it is not reached by others. */
  readonly key?: string;
  /** Of the key that it is about to go by in place of that one (key-change.ts): both are let in; absent: it keeps its key. */
  readonly nextKey?: string;
  /** What it may do to the cluster; absent: as an owner. Read with roles.ts alone: a later version may write other words. */
  readonly role?: 'operator' | 'viewer';
}

export interface LayoutNode extends RingNode {
  readonly name: string;
}

export interface LayoutKeyspace {
  /** 0 to 65,535; never reused within a cluster. */
  readonly id: number;
  readonly name: string;
  readonly database: number | null;
  /** How often its factors or levels were changed, absent: never. Nodes tell by it whether they have missed a change. */
  readonly placement?: number;
  /** Replicas per data center; a data center that is not named has none. */
  readonly factors: Readonly<Record<string, number>>;
  readonly readLevel: ConsistencyLevel;
  readonly writeLevel: ConsistencyLevel;
  readonly conflicts: ConflictPolicy;
  readonly sloppy: boolean;
  readonly durability: Durability;
  readonly defaultTimeToLiveMs: number;
  /** Which changes are told to who listens (base/notifications.ts); absent: none. */
  readonly notifications?: string;
  /** Absent: made together with the cluster. */
  readonly createdAtMs?: number;
}

export interface Layout {
  readonly version: number;
  /**
   * The version by which data last had to move: with it came other nodes, arcs, factors or levels. Absent: the first, or
   * written before layouts told it.
   */
  readonly placed?: number;
  /** Tells layouts that came into being apart, with one number, from one another. */
  readonly placedKey?: string;
  /** Nodes that people gave up for dead: nobody waits for their word. */
  readonly gone?: readonly number[];
  /** Keys of computers that were taken out: once one of them is let in no more, the authority is replaced with the secret. */
  readonly authorityEndsWith?: readonly string[];
  /** New nodes take their share without anybody applying it; absent: they wait for that. */
  readonly joinsByItself?: boolean;
  /** How much of a computer the moving of data may take while clients are served; absent: normal. */
  readonly transfer?: Intensity;
  /** Digest of the parent layout; '' for the first. */
  readonly parent: string;
  readonly clusterId: string;
  readonly clusterName: string;
  readonly createdAtMs: number;
  /** In preference order. */
  readonly dataCenters: readonly string[];
  readonly computers: readonly LayoutComputer[];
  readonly nodes: readonly LayoutNode[];
  readonly keyspaces: readonly LayoutKeyspace[];
  /** Keyspace ids handed out so far, so that a dropped one's id never returns. */
  readonly keyspaceIdNext: number;
  readonly rings: readonly DataCenterRing[];
}

export const keyspaceCountMax = 256;
/** Numbers above are the nodes' own, such as the one for hints. */
const keyspaceIdMax = 0xfeff;
export const databaseMax = 15;
export const namePattern = /^[a-z0-9][a-z0-9._-]{0,62}$/i;

export function checkName(name: string, what: string): void {
  if (!namePattern.test(name)) {
    throw new CoterieError(
      'bad-input',
      `${what} "${name}" is not a usable name. Use letters, digits, dots, dashes and underscores, 63 at most, starting with a letter or digit.`,
    );
  }
}

export interface FirstLayout {
  readonly clusterId: string;
  readonly clusterName: string;
  readonly createdAtMs: number;
  readonly computers: readonly LayoutComputer[];
  readonly nodes: readonly LayoutNode[];
}

/** What a keyspace is unless somebody says otherwise; its factors: `defaultFactors`. */
export const defaultKeyspace: Omit<KeyspaceSettings, 'name' | 'factors'> = {
  database: null,
  readLevel: 'QUORUM',
  writeLevel: 'QUORUM',
  conflicts: 'siblings',
  sloppy: true,
  durability: 'always',
  defaultTimeToLiveMs: 0,
};

export function defaultFactors(dataCenters: readonly string[]): Readonly<Record<string, number>> {
  return Object.fromEntries(dataCenters.map((dataCenter) => [dataCenter, 3]));
}

/** A new cluster: one ring per data center and the keyspace `default` (database 0, factor 3, QUORUM both ways). */
export function firstLayout(first: FirstLayout): Layout {
  const dataCenters = [...new Set(first.nodes.map((node) => node.dataCenter))];
  for (const dataCenter of dataCenters) checkName(dataCenter, 'The data center');
  const layout: Layout = {
    version: 1,
    parent: '',
    ...first,
    dataCenters,
    keyspaces: [],
    keyspaceIdNext: 0,
    rings: dataCenters.map((dataCenter) => ({
      dataCenter,
      owners: allocate(
        null,
        first.nodes.filter((node) => node.dataCenter === dataCenter),
        partitionCount,
      ),
    })),
  };
  const withDefault = createKeyspace(layout, '', {
    ...defaultKeyspace,
    name: 'default',
    database: 0,
    factors: defaultFactors(dataCenters),
  });
  return { ...withDefault, version: 1 };
}

export type KeyspaceSettings = Omit<LayoutKeyspace, 'id' | 'placement'>;

function checkKeyspace(layout: Layout, keyspace: KeyspaceSettings, id: number | null): void {
  checkName(keyspace.name, 'The keyspace');
  for (const other of layout.keyspaces) {
    if (other.id === id) continue;
    if (other.name === keyspace.name) {
      throw new CoterieError('conflict', `A keyspace called "${keyspace.name}" is there already.`);
    }
    if (keyspace.database !== null && other.database === keyspace.database) {
      throw new CoterieError(
        'conflict',
        `Database ${keyspace.database} belongs to the keyspace "${other.name}". Choose another number.`,
      );
    }
  }
  const { database } = keyspace;
  if (database !== null && !(Number.isInteger(database) && database >= 0 && database <= databaseMax)) {
    throw new CoterieError('bad-input', `A database is a whole number from 0 to ${databaseMax}.`);
  }
  const named = Object.entries(keyspace.factors);
  for (const [dataCenter, factor] of named) {
    if (!layout.dataCenters.includes(dataCenter)) {
      throw noDataCenter(layout, dataCenter, 'bad-input');
    }
    if (!(Number.isInteger(factor) && factor >= 0 && factor <= 7)) {
      throw new CoterieError('bad-input', 'A replication factor is a whole number from 0 to 7.');
    }
  }
  if (!named.some(([, factor]) => factor > 0)) {
    throw new CoterieError('bad-input', 'A keyspace needs at least one replica in some data center.');
  }
  if (
    !consistencyLevels.includes(keyspace.readLevel) ||
    !consistencyLevels.includes(keyspace.writeLevel) ||
    !conflictPolicies.includes(keyspace.conflicts) ||
    !durabilities.includes(keyspace.durability)
  ) {
    throw new CoterieError('bad-input', 'The keyspace names a level or policy that does not exist.');
  }
  if (keyspace.readLevel === 'ANY') {
    throw new CoterieError('bad-input', 'ANY is a level for writes only. Read at ONE instead.');
  }
  checkNotifications(keyspace.notifications ?? '');
  if (!(Number.isSafeInteger(keyspace.defaultTimeToLiveMs) && keyspace.defaultTimeToLiveMs >= 0)) {
    throw new CoterieError(
      'bad-input',
      'A default time to live is a whole number of milliseconds, 0 for none.',
    );
  }
}

export function placedOf({ placed }: Pick<Layout, 'placed'>): number {
  return placed ?? 1;
}

/** The next version, with its parent named. Tells whether anything moves between the two. */
export function nextLayout(layout: Layout, digest: string, changes: Partial<Layout>): Layout {
  const version = layout.version + 1;
  const next = { ...layout, ...changes, version, parent: digest };
  if (isPlacedAlike(layout, next)) return next;
  const { high, low } = hash64(Buffer.from(JSON.stringify([digest, next.rings, next.nodes, next.keyspaces])));
  const placedKey = [high, low].map((half) => half.toString(16).padStart(8, '0')).join('');
  return { ...next, placed: version, placedKey };
}

/** Whether all that both layouts know lies on the same nodes, and is read and written at the same levels. */
function isPlacedAlike(before: Layout, after: Layout): boolean {
  const ring = ({ dataCenters, rings, nodes }: Layout) =>
    JSON.stringify([
      dataCenters,
      rings,
      nodes.map(({ id, computer, dataCenter }) => [id, computer, dataCenter]),
    ]);
  const isRingAlike = before.rings === after.rings && before.nodes === after.nodes;
  if (!isRingAlike && ring(before) !== ring(after)) return false;
  return after.keyspaces.every((keyspace) => {
    const old = before.keyspaces.find(({ id }) => id === keyspace.id);
    return old === undefined || (old.placement ?? 0) === (keyspace.placement ?? 0);
  });
}

/** `digest` is the content address of `layout`, computed by the caller. */
export function createKeyspace(layout: Layout, digest: string, settings: KeyspaceSettings): Layout {
  if (layout.keyspaces.length >= keyspaceCountMax) {
    throw new CoterieError('too-large', `A cluster holds at most ${keyspaceCountMax} keyspaces.`);
  }
  checkKeyspace(layout, settings, null);
  const id = layout.keyspaceIdNext;
  if (id > keyspaceIdMax) {
    throw new CoterieError(
      'too-large',
      'This cluster has used up its keyspace numbers. Start a new cluster.',
    );
  }
  return nextLayout(layout, digest, {
    keyspaces: [...layout.keyspaces, { id, ...settings }],
    keyspaceIdNext: id + 1,
  });
}

export function noDataCenter(layout: Layout, name: string, code: 'bad-input' | 'not-found'): CoterieError {
  return new CoterieError(
    code,
    `There is no data center "${name}". This cluster has: ${layout.dataCenters.join(', ')}.`,
  );
}

export function keyspaceNamed(layout: Layout, name: string): LayoutKeyspace {
  const found = layout.keyspaces.find((keyspace) => keyspace.name === name);
  if (found === undefined) {
    const names = layout.keyspaces.map((keyspace) => keyspace.name).join(', ');
    throw new CoterieError('not-found', `There is no keyspace "${name}". This cluster has: ${names}.`);
  }
  return found;
}

export function alterKeyspace(
  layout: Layout,
  digest: string,
  name: string,
  changes: Partial<Omit<KeyspaceSettings, 'name'>>,
): Layout {
  const old = keyspaceNamed(layout, name);
  const isMoved = (['factors', 'readLevel', 'writeLevel'] as const).some(
    (field) => changes[field] !== undefined && JSON.stringify(changes[field]) !== JSON.stringify(old[field]),
  );
  const placement = (old.placement ?? 0) + (isMoved ? 1 : 0);
  const altered = { ...old, ...changes, placement };
  checkKeyspace(layout, altered, old.id);
  return nextLayout(layout, digest, {
    keyspaces: layout.keyspaces.map((keyspace) => (keyspace.id === old.id ? altered : keyspace)),
  });
}

export function dropKeyspace(layout: Layout, digest: string, name: string): Layout {
  const { id } = keyspaceNamed(layout, name);
  if (name === 'default') {
    throw new CoterieError('bad-input', 'The keyspace "default" cannot be dropped: clients start in it.');
  }
  return nextLayout(layout, digest, { keyspaces: layout.keyspaces.filter((keyspace) => keyspace.id !== id) });
}
