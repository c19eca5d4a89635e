/**
 * One key that was heard: its latest beacon, where it came from, which place was found to be true, and whether two
 * computers use it. A source address proves nothing; only a probe of the announced port does, so a place that has been
 * confirmed stays until another one is, or until nothing more comes from it.
 */
import type { Beacon } from './beacon.ts';

/** A computer with several interfaces is heard from each; those of IPv4 and IPv6 count apart. */
const placeCountMax = 4;
/** Longer than the longest pause between two beacons (36 s), so that one place does not chase another. */
const placeSilentMs = 45_000;
/**
 * Between the first two probes of one key, and twice as long after each further one in vain. Larger: a port that opens late is
 * listed late; smaller: strangers make this computer call.
 */
const probePauseMs = 5_000;
const probePauseMaxMs = 40_000;
const runCountMax = 4;

/** A port to be called, to see whether the computer of this key answers there. */
export interface ProbeTarget {
  readonly address: string;
  readonly port: number;
  /** As in the beacon: SubjectPublicKeyInfo, DER. */
  readonly publicKey: Buffer;
  /** Fingerprint of the cluster's authority as in the beacon; null: none. */
  readonly authority: string | null;
}

export class Neighbour {
  /** Where it was first heard: there it counts against the bound of that address. */
  readonly source: string;
  #beacon: Beacon;
  #heardMs: number;
  #confirmed: string | null = null;
  readonly #places = new Map<string, number>();
  /** The place that is being probed. */
  #probing: string | null = null;
  #lastProbed: string | null = null;
  #mayProbeMs = Number.NEGATIVE_INFINITY;
  #pauseMs = probePauseMs;
  readonly #runs: { run: number; address: string }[] = [];
  #isCloned = false;

  constructor(beacon: Beacon, address: string, nowMs: number) {
    this.source = address;
    this.#beacon = beacon;
    this.#heardMs = nowMs;
    this.#runs.push({ run: beacon.run, address });
    this.heardAt(address, nowMs);
  }

  get beacon(): Beacon {
    return this.#beacon;
  }

  get heardMs(): number {
    return this.#heardMs;
  }

  /** Its place; null: no probe has found it yet, or it has said farewell. */
  get listedAt(): string | null {
    return this.#beacon.kind === 'farewell' ? null : this.#confirmed;
  }

  /** Addresses from which different computers with this key were heard; none: there is one such computer. */
  get clonedAt(): readonly string[] {
    return this.#isCloned ? [...new Set(this.#runs.map(({ address }) => address))].sort() : [];
  }

  /** A newer beacon, whose signature is right. */
  update(beacon: Beacon, address: string, nowMs: number): void {
    const { port, authority, clusterId } = this.#beacon;
    const isElsewhere =
      beacon.port !== port || beacon.authority !== authority || beacon.clusterId !== clusterId;
    if (isElsewhere || beacon.kind === 'farewell') this.#doubt();
    if (beacon.run !== this.#beacon.run) this.#noteRun(beacon.run, address);
    this.#beacon = beacon;
    this.#heardMs = nowMs;
    this.heardAt(address, nowMs);
  }

  /** A beacon, or a copy of the latest one, came from there. */
  heardAt(address: string, nowMs: number): void {
    if (!this.#places.has(address) && this.#places.size >= placeCountMax) {
      const given = [...this.#places.keys()].find(
        (place) => place !== this.#confirmed && place !== this.#probing,
      );
      this.#places.delete(given ?? '');
    }
    // The latest last: the one that is heard from longest ago gives way, and is probed last.
    this.#places.delete(address);
    this.#places.set(address, nowMs);
  }

  /** The smaller, the longer it has been waiting for a probe. */
  get mayProbeMs(): number {
    return this.#mayProbeMs;
  }

  /** What to probe now; null: nothing. From then on it waits for `confirm` or `refuse`. */
  takeProbe(nowMs: number): ProbeTarget | null {
    if (this.#probing !== null || this.#beacon.kind === 'farewell' || nowMs < this.#mayProbeMs) return null;
    if (this.#confirmed !== null) {
      const lastHeardMs = this.#places.get(this.#confirmed) ?? Number.NEGATIVE_INFINITY;
      if (nowMs - lastHeardMs <= placeSilentMs) return null;
    }
    const others = [...this.#places.keys()].filter((place) => place !== this.#confirmed);
    // In turn: what was refused just now comes after those that were not tried.
    const place = others.find((address) => address !== this.#lastProbed) ?? others[0];
    if (place === undefined) return null;
    this.#probing = place;
    this.#lastProbed = place;
    this.#mayProbeMs = nowMs + this.#pauseMs;
    this.#pauseMs = Math.min(2 * this.#pauseMs, probePauseMaxMs);
    const { port, publicKey, authority } = this.#beacon;
    return { address: place, port, publicKey, authority };
  }

  confirm(address: string): void {
    if (this.#probing !== address) return;
    this.#probing = null;
    this.#confirmed = address;
    this.#pauseMs = probePauseMs;
  }

  refuse(address: string): void {
    if (this.#probing === address) this.#probing = null;
  }

  #doubt(): void {
    this.#confirmed = null;
    this.#probing = null;
    this.#mayProbeMs = Number.NEGATIVE_INFINITY;
    this.#pauseMs = probePauseMs;
  }

  /**
   * A restart begins a new run and never goes back to an earlier one; as each beacon is signed and newer than the last, a
   * run that comes back is a second computer that has been going on all the time.
   */
  #noteRun(run: number, address: string): void {
    if (this.#runs.some((earlier) => earlier.run === run)) {
      this.#isCloned = true;
      return;
    }
    this.#runs.push({ run, address });
    if (this.#runs.length > runCountMax) this.#runs.shift();
  }
}
