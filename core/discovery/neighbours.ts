/**
 * Who was heard on the network: a bounded table by key, for 90 seconds. Everything in it was said by strangers. It drops what
 * is played again, what comes in floods, and its own beacons; it lists only whom a probe has found at the announced port; and
 * it says when two computers claim to be the same one. Times are monotonic milliseconds of this computer, but for those in
 * beacons: clocks of computers differ, so a beacon is only ever compared with earlier ones of its own key.
 */
import { addTo } from '../base/grouping.ts';
import type { Beacon } from './beacon.ts';
import { Neighbour, type ProbeTarget } from './neighbour.ts';
import { SourceRates } from './source-rates.ts';

/** Three beacons may be lost (beacons come every 24 to 36 s). */
const expiryMs = 90_000;
const neighbourCountMax = 256;
/** Several computers on one machine. Larger: one machine fills the table; smaller: some of them are not found. */
const perSourceMax = 8;

/** `fresh`: look at its signature. All others are dropped. */
export type Hearing = 'own' | 'repeated' | 'flooding' | 'fresh';

export interface Conflict {
  /** `identity`: several keys claim one computer's id. `cloned`: several computers use one key. */
  readonly kind: 'identity' | 'cloned';
  readonly computerId: string;
  /** It is about this computer itself. */
  readonly isOwn: boolean;
  readonly computerNames: readonly string[];
  readonly addresses: readonly string[];
}

export interface Self {
  readonly computerId: string;
  readonly publicKey: Buffer;
  readonly run: number;
  /** The time in its first beacon. */
  readonly startedMs: number;
}

const keyOf = (publicKey: Buffer) => publicKey.toString('base64');

export class Neighbours {
  readonly #byKey = new Map<string, Neighbour>();
  readonly #rates = new SourceRates();
  /** Where this computer's own key was heard in another one's beacons, and when. */
  readonly #ownKeyAt = new Map<string, number>();

  /** The first look, before the costly one at the signature. */
  hear(beacon: Beacon, from: string, self: Self, nowMs: number): Hearing {
    if (beacon.publicKey.equals(self.publicKey) && !this.#isOther(beacon, self)) return 'own';
    const known = this.#byKey.get(keyOf(beacon.publicKey));
    if (known !== undefined && beacon.timeMs <= known.beacon.timeMs) {
      // The same beacon by another way: that computer is there as well, or so somebody says, and a probe will tell.
      if (beacon.timeMs === known.beacon.timeMs && beacon.run === known.beacon.run)
        known.heardAt(from, nowMs);
      return 'repeated';
    }
    const isListed = [...this.#byKey.values()].some(({ listedAt }) => listedAt === from);
    return this.#rates.admits(from, isListed, nowMs) ? 'fresh' : 'flooding';
  }

  /** Takes a fresh beacon whose signature is right. Returns whether its sender was not known before. */
  add(beacon: Beacon, from: string, self: Self, nowMs: number): boolean {
    if (beacon.publicKey.equals(self.publicKey)) {
      this.#noteOwnKey(from, nowMs);
      return false;
    }
    const key = keyOf(beacon.publicKey);
    const known = this.#byKey.get(key);
    if (known !== undefined) {
      const wasGone = known.beacon.kind === 'farewell';
      known.update(beacon, from, nowMs);
      return wasGone && beacon.kind !== 'farewell';
    }
    if (beacon.kind === 'farewell' || !this.#makeRoom(from)) return false;
    this.#byKey.set(key, new Neighbour(beacon, from, nowMs));
    return true;
  }

  /** Drops whoever has not been heard of for long. */
  expire(nowMs: number): void {
    for (const [key, neighbour] of this.#byKey) {
      if (nowMs - neighbour.heardMs >= expiryMs) this.#byKey.delete(key);
    }
    for (const [address, heardMs] of this.#ownKeyAt) {
      if (nowMs - heardMs >= expiryMs) this.#ownKeyAt.delete(address);
    }
  }

  /** At most so many ports to probe; each is asked for once, until it is confirmed or refused. */
  takeProbes(countMax: number, nowMs: number): ProbeTarget[] {
    const targets: ProbeTarget[] = [];
    // Those not probed yet first: what never answers must not keep the others waiting.
    const inTurn = [...this.#byKey.values()].sort((a, b) => a.mayProbeMs - b.mayProbeMs || 0);
    for (const neighbour of inTurn) {
      if (targets.length >= countMax) break;
      const target = neighbour.takeProbe(nowMs);
      if (target !== null) targets.push(target);
    }
    return targets;
  }

  confirm(target: ProbeTarget): void {
    this.#askedFor(target)?.confirm(target.address);
  }

  refuse(target: ProbeTarget): void {
    this.#askedFor(target)?.refuse(target.address);
  }

  listed(): Neighbour[] {
    return [...this.#byKey.values()].filter(({ listedAt }) => listedAt !== null);
  }

  conflicts(self: Self): Conflict[] {
    const conflicts: Conflict[] = [];
    const present = [...this.#byKey.values()].filter(({ beacon }) => beacon.kind !== 'farewell');
    const byId = new Map<string, Neighbour[]>();
    for (const neighbour of present) addTo(byId, neighbour.beacon.computerId, neighbour);
    for (const [computerId, same] of byId) {
      const isOwn = computerId === self.computerId;
      if (same.length > 1 || isOwn) {
        conflicts.push({ kind: 'identity', computerId, isOwn, ...namesAndPlaces(same) });
      }
    }
    for (const neighbour of present) {
      const addresses = neighbour.clonedAt;
      const { computerId, computerName } = neighbour.beacon;
      if (addresses.length > 0) {
        conflicts.push({
          kind: 'cloned',
          computerId,
          isOwn: false,
          computerNames: [computerName],
          addresses,
        });
      }
    }
    if (this.#ownKeyAt.size > 0) {
      const addresses = [...this.#ownKeyAt.keys()].sort();
      conflicts.push({
        kind: 'cloned',
        computerId: self.computerId,
        isOwn: true,
        computerNames: [],
        addresses,
      });
    }
    return conflicts;
  }

  /** Null: it has gone, or announces another port or authority by now. */
  #askedFor({ publicKey, port, authority }: ProbeTarget): Neighbour | null {
    const neighbour = this.#byKey.get(keyOf(publicKey));
    if (neighbour === undefined) return null;
    return neighbour.beacon.port === port && neighbour.beacon.authority === authority ? neighbour : null;
  }

  /** Own key, yet another run that goes on since this one began: what is played again is older than that. */
  #isOther(beacon: Beacon, self: Self): boolean {
    return beacon.run !== self.run && beacon.timeMs > self.startedMs;
  }

  #noteOwnKey(from: string, nowMs: number): void {
    this.#ownKeyAt.delete(from);
    if (this.#ownKeyAt.size < perSourceMax) this.#ownKeyAt.set(from, nowMs);
  }

  /** Whoever is listed keeps its place; of the others the one that is silent for longest gives way. */
  #makeRoom(source: string): boolean {
    const ofSource = [...this.#byKey].filter(([, neighbour]) => neighbour.source === source);
    if (ofSource.length >= perSourceMax) return this.#dropOne(ofSource);
    return this.#byKey.size < neighbourCountMax || this.#dropOne([...this.#byKey]);
  }

  #dropOne(candidates: readonly [string, Neighbour][]): boolean {
    const [first, ...rest] = candidates.filter(([, { listedAt }]) => listedAt === null);
    if (first === undefined) return false;
    const [key] = rest.reduce((oldest, one) => (one[1].heardMs < oldest[1].heardMs ? one : oldest), first);
    return this.#byKey.delete(key);
  }
}

function namesAndPlaces(neighbours: readonly Neighbour[]): { computerNames: string[]; addresses: string[] } {
  return {
    computerNames: [...new Set(neighbours.map(({ beacon }) => beacon.computerName))].sort(),
    addresses: [...new Set(neighbours.map(({ listedAt, source }) => listedAt ?? source))].sort(),
  };
}
