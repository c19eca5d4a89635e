/**
 * The versions of one key: a dotted version vector set (Preguiça, Baquero, Almeida, Fonte, Gonçalves, "Dotted Version
 * Vectors: Logical Clocks for Optimistic Replication", 2010), kept as a causal context plus the surviving versions, each
 * with its dot. Pure: no clock, no bytes (record-codec.ts owns those), no notion of a replica or of expiry.
 *
 * The actor of a dot is the replica that coordinated the write, never the client: `(node id, epoch)`. A context only
 * ever grows. Pruning an entry would let an old copy come back as a sibling, and reusing an actor whose history was lost
 * makes a new write look like one already superseded (riak_kv issue 679), which is why a node takes a new epoch instead.
 *
 * Beside the context stands the *horizon*: when the last of the versions expires that the context covers and the set does not
 * hold. Up to then an old copy of the key may bring back something that a reader would see; after it, none can. So a replica may
 * forget a set whose versions and horizon have all passed, without asking anybody. Each change only ever raises it.
 */
import { assert } from '../base/assert.ts';

/** `nodeId * 2^20 + epoch`: exact as a JavaScript number, and compared with one instruction. */
export type Actor = number;

export const epochMax = 2 ** 20 - 1;

export function actorOf(nodeId: number, epoch: number): Actor {
  assert(epoch >= 0 && epoch <= epochMax, 'an epoch has 20 bits');
  return nodeId * 2 ** 20 + epoch;
}

export function nodeIdOf(actor: Actor): number {
  return Math.floor(actor / 2 ** 20);
}

export function epochOf(actor: Actor): number {
  return actor % 2 ** 20;
}

/** Event `counter` (from 1) of an actor on one key. In a context it stands for all events up to it. */
export interface Dot {
  readonly actor: Actor;
  readonly counter: number;
}

/** Ascending by actor, each actor once. */
export type Context = readonly Dot[];

export interface Version extends Dot {
  /** Hybrid logical clock reading of the write. */
  readonly timestamp: number;
  /** Milliseconds since 1970; 0 = never. */
  readonly expiresAtMs: number;
  readonly tombstone: boolean;
  readonly value: Buffer;
  /** Absent: it says nothing beyond bytes. */
  readonly contentType?: string;
}

/**
 * What a writer had read: a context, and single dots beside it. The dots are what makes an answered write precise: the
 * answer to event 9 names just that event, while the context entry 9 would also cover events 1 to 8 of other writers
 * at the same replica, which this writer never saw.
 */
export interface Basis {
  readonly context: Context;
  /** None of them covered by `context`. */
  readonly dots: readonly Dot[];
}

export const blindBasis: Basis = { context: [], dots: [] };

/** Every version's dot is covered by the context. */
export interface VersionSet {
  readonly context: Context;
  /** Ascending by dot. More than one: siblings. */
  readonly versions: readonly Version[];
  /**
   * The latest expiry (milliseconds since 1970) of all versions that the context covers and `versions` lacks; 0 when there are
   * none but tombstones, `neverMs` when one of them does not expire, or nobody can tell.
   */
  readonly horizonMs: number;
}

/** A horizon that does not pass. It has the 48 bits of an expiry: the year 10889. */
export const neverMs = 2 ** 48 - 1;

export const emptySet: VersionSet = { context: [], versions: [], horizonMs: 0 };

/** Of a key of which this node has no copy: what its writes supersede it cannot tell. */
export const unknownSet: VersionSet = { ...emptySet, horizonMs: neverMs };

/** How the first history relates to the second. */
export type Relation = 'equal' | 'ancestor' | 'descendant' | 'sibling';

export function counterOf(context: Context, actor: Actor): number {
  for (const dot of context) if (dot.actor === actor) return dot.counter;
  return 0;
}

export function covers(context: Context, dot: Dot): boolean {
  return counterOf(context, dot.actor) >= dot.counter;
}

export function compareContexts(left: Context, right: Context): Relation {
  let leftAhead = false;
  let rightAhead = false;
  let l = 0;
  let r = 0;
  while (l < left.length || r < right.length) {
    const a = left[l];
    const b = right[r];
    if (b === undefined || (a !== undefined && a.actor < b.actor)) {
      leftAhead = true;
      l++;
    } else if (a === undefined || b.actor < a.actor) {
      rightAhead = true;
      r++;
    } else {
      if (a.counter > b.counter) leftAhead = true;
      else if (a.counter < b.counter) rightAhead = true;
      l++;
      r++;
    }
  }
  if (leftAhead) return rightAhead ? 'sibling' : 'descendant';
  return rightAhead ? 'ancestor' : 'equal';
}

export function joinContexts(left: Context, right: Context): Context {
  const joined: Dot[] = [];
  let l = 0;
  let r = 0;
  while (l < left.length || r < right.length) {
    const a = left[l];
    const b = right[r];
    if (b === undefined || (a !== undefined && a.actor < b.actor)) {
      joined.push(a);
      l++;
    } else if (a === undefined || b.actor < a.actor) {
      joined.push(b);
      r++;
    } else {
      joined.push(a.counter >= b.counter ? a : b);
      l++;
      r++;
    }
  }
  return joined;
}

function compareDots(left: Dot, right: Dot): number {
  return left.actor - right.actor || left.counter - right.counter;
}

function sameDotIn(dots: readonly Dot[], dot: Dot): boolean {
  return dots.some((other) => other.actor === dot.actor && other.counter === dot.counter);
}

/** What the horizon must be at least, once this version is no longer held. A tombstone that comes back shows nothing. */
function horizonOf({ tombstone, expiresAtMs }: Version): number {
  if (tombstone) return 0;
  return expiresAtMs === 0 ? neverMs : expiresAtMs;
}

function latestHorizon(dropped: readonly Version[], least: number): number {
  return dropped.reduce((latest, version) => Math.max(latest, horizonOf(version)), least);
}

/**
 * Joins two copies of a key: a version survives unless the other side has seen its dot and no longer holds it.
 * Commutative, associative and idempotent.
 *
 * What one side covers and lacks lies within that side's horizon, so the later of the two is the horizon of both together.
 */
export function merge(left: VersionSet, right: VersionSet): VersionSet {
  const versions: Version[] = [];
  let l = 0;
  let r = 0;
  while (l < left.versions.length || r < right.versions.length) {
    const a = left.versions[l];
    const b = right.versions[r];
    const order = a === undefined ? 1 : b === undefined ? -1 : compareDots(a, b);
    if (order === 0) versions.push(a);
    else if (order < 0 && !covers(right.context, a)) versions.push(a);
    else if (order > 0 && !covers(left.context, b)) versions.push(b);
    if (order <= 0) l++;
    if (order >= 0) r++;
  }
  return {
    context: joinContexts(left.context, right.context),
    versions,
    horizonMs: Math.max(left.horizonMs, right.horizonMs),
  };
}

export interface NewVersion {
  readonly timestamp: number;
  readonly expiresAtMs: number;
  readonly tombstone: boolean;
  readonly value: Buffer;
}

function supersedes(basis: Basis, version: Version): boolean {
  return covers(basis.context, version) || sameDotIn(basis.dots, version);
}

/**
 * A write by `actor`, whose writer had read `basis`: versions that the basis covers are superseded, the rest stay as
 * siblings of the new one. `current` must know the basis' dots (`knowsDots`), else they would come back as siblings.
 * `counterMax`: events of this actor up to it may have been forgotten with a dead record, and are not repeated. None of them can
 * show anything any more, so they leave the horizon where it is. What the writer had read and `current` has not seen might.
 */
export function write(
  current: VersionSet,
  basis: Basis,
  actor: Actor,
  added: NewVersion,
  counterMax = 0,
): VersionSet {
  const known = joinContexts(current.context, basis.context);
  const dot: Dot = { actor, counter: Math.max(counterOf(known, actor), counterMax) + 1 };
  const versions: Version[] = [];
  const superseded: Version[] = [];
  for (const version of current.versions) {
    (supersedes(basis, version) ? superseded : versions).push(version);
  }
  versions.push({ ...added, ...dot });
  versions.sort(compareDots);
  const knowsAll = basis.context.every((seen) => covers(current.context, seen));
  const horizonMs = latestHorizon(superseded, knowsAll ? current.horizonMs : neverMs);
  return { context: joinContexts(known, [dot]), versions, horizonMs };
}

/** Whether a writer that had read `basis` has seen all that is there, deletions among it. */
export function knowsVersions(set: VersionSet, basis: Basis): boolean {
  return set.versions.every((version) => supersedes(basis, version));
}

export function knowsDots(context: Context, basis: Basis): boolean {
  return basis.dots.every((dot) => covers(context, dot));
}

/** What the writer of event `dot` knows afterwards: what it had read, and its own write. */
export function basisAfter(basis: Basis, dot: Dot): Basis {
  const contiguous = counterOf(basis.context, dot.actor) === dot.counter - 1;
  return contiguous
    ? { context: joinContexts(basis.context, [dot]), dots: [] }
    : { context: basis.context, dots: [dot] };
}

/** Later write first; ties (two actors in the same tick) fall to the dot, so that all replicas agree. */
export function newerFirst(left: Version, right: Version): number {
  return right.timestamp - left.timestamp || compareDots(right, left);
}

/** The last-write-wins policy: one version survives; the context still covers the others. */
export function keepNewest(set: VersionSet): VersionSet {
  if (set.versions.length < 2) return set;
  const [newest, ...older] = [...set.versions].sort(newerFirst);
  return { context: set.context, versions: [newest], horizonMs: latestHorizon(older, set.horizonMs) };
}
