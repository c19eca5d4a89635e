/**
 * Finding computers on the local network: says on every interface who this computer is, in bursts when something has changed
 * and rarely otherwise, hears what others say, and has each announced port probed before it lists its computer. Nothing heard
 * here is trusted with more than being shown, and being called. The sides of it: beacon.ts (bytes), neighbours.ts (who was
 * heard), lan-watch.ts (interfaces), doctor.ts (what is wrong).
 */
import type { Cancellable, Clock, Timers } from '../ports/clock.ts';
import type { Lan } from '../ports/lan.ts';
import type { Random } from '../ports/random.ts';
import {
  type Announcement,
  type BeaconKind,
  type BeaconSigner,
  decodeBeacon,
  signedBeacon,
} from './beacon.ts';
import { type ChosenInterfaces, type InterfaceReport, LanWatch } from './lan-watch.ts';
import { type Conflict, Neighbours, type Self } from './neighbours.ts';
import { type Probe, Probing } from './probing.ts';

/** When beacons leave after a start or a change: the first may come before a switch forwards, or be lost. */
const burstAfterMs = [100, 500, 2_000];
const pauseMs = 30_000;
/** So that computers that were started together do not go on speaking together. */
const pauseSpread = 0.2;
const tickMs = 2_000;
const ticksPerRescan = 5;
/** A tick that comes so late: the computer slept, and its network may be another one. */
const resumeAfterMs = 3 * tickMs;
const answerPauseMs = 1_000;
/** Many may answer one beacon: not all at once. */
const answerSpreadMs = 200;

/** Another computer, found at the port that it announced. */
export interface Found {
  readonly computerId: string;
  readonly computerName: string;
  readonly publicKey: Buffer;
  /** Null: it waits for a cluster. What it says, not what is proven. */
  readonly cluster: { readonly id: string; readonly name: string; readonly authority: string | null } | null;
  /** With the zone where it needs one. */
  readonly address: string;
  readonly port: number;
  /** By this computer's clock. */
  readonly heardAtMs: number;
}

export interface DiscoveryComponents {
  readonly lan: Lan;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  readonly signer: BeaconSigner;
  /** False, or an error, for anything wrong. */
  readonly verify: (publicKey: Buffer, bytes: Buffer, signature: Buffer) => boolean;
  readonly probe: Probe;
}

export interface DiscoverySettings {
  /** Asked before each beacon; after a change, `scan` tells it at once. */
  readonly announcement: () => Announcement;
  readonly chosenInterfaces: ChosenInterfaces;
}

export class Discovery {
  #components: DiscoveryComponents;
  readonly #settings: DiscoverySettings;
  readonly #watch: LanWatch;
  readonly #neighbours = new Neighbours();
  readonly #probing: Probing;
  readonly #run: number;
  readonly #startedMs: number;
  #timeMs: number;
  #lastSentMs = Number.NEGATIVE_INFINITY;
  #tickNumber = 0;
  #tickAt: { wallMs: number; monotonicMs: number };
  #tick: Cancellable | null = null;
  #burst: Cancellable[] = [];
  #next: Cancellable | null = null;
  #answer: Cancellable | null = null;
  #state: 'new' | 'open' | 'closed' = 'new';
  #closed: Promise<void> | null = null;
  #listeners: (() => void)[] = [];
  #shown = '';

  constructor(components: DiscoveryComponents, settings: DiscoverySettings) {
    this.#components = components;
    this.#settings = settings;
    this.#watch = new LanWatch(
      { lan: components.lan, onDatagram: (bytes, from, name) => this.#hear(bytes, from, name) },
      settings,
    );
    this.#probing = new Probing({
      ...components,
      neighbours: this.#neighbours,
      onDone: () => this.#tellChange(),
    });
    this.#run = Buffer.from(components.random.bytes(4)).readUInt32BE();
    this.#startedMs = components.clock.nowMs();
    this.#timeMs = this.#startedMs;
    this.#tickAt = this.#now();
  }

  start(): void {
    if (this.#state !== 'new') return;
    this.#state = 'open';
    this.#watch.rescan(false);
    this.#beginBurst();
    this.#planNext();
    this.#tickAt = this.#now();
    this.#planTick();
  }

  found(): Found[] {
    const { wallMs, monotonicMs } = this.#now();
    return this.#neighbours.listed().map(({ beacon, listedAt, heardMs }) => ({
      computerId: beacon.computerId,
      computerName: beacon.computerName,
      publicKey: beacon.publicKey,
      cluster:
        beacon.kind === 'waiting'
          ? null
          : { id: beacon.clusterId, name: beacon.clusterName, authority: beacon.authority },
      address: listedAt!,
      port: beacon.port,
      heardAtMs: Math.floor(wallMs - (monotonicMs - heardMs)),
    }));
  }

  conflicts(): Conflict[] {
    return this.#neighbours.conflicts(this.#self());
  }

  reports(): InterfaceReport[] {
    return this.#watch.reports();
  }

  /** The listener runs when `found`, `conflicts`, or what is wrong on an interface has changed. */
  onChange(listener: () => void): void {
    this.#listeners.push(listener);
  }

  /** Looks at the interfaces again, and says and asks now. While it is doing so already, it goes on. */
  scan(): void {
    if (this.#state !== 'open') return;
    this.#watch.rescan(false);
    this.#beginBurst();
  }

  /** This computer has another key: who it was goes, and is not taken for a second one beside it. */
  async signAnew(signer: BeaconSigner): Promise<void> {
    const farewell = this.#beacon('farewell', false);
    this.#components = { ...this.#components, signer };
    if (this.#state === 'open') await this.#watch.send(farewell);
    this.scan();
  }

  /** Says farewell, so that others need not wait until they miss it. */
  close(): Promise<void> {
    this.#closed ??= this.#end();
    return this.#closed;
  }

  async #end(): Promise<void> {
    const wasOpen = this.#state === 'open';
    this.#state = 'closed';
    this.#probing.close();
    for (const planned of [this.#tick, this.#next, this.#answer, ...this.#burst]) planned?.cancel();
    if (wasOpen) await this.#watch.send(this.#beacon('farewell', false));
    await this.#watch.close();
  }

  #now(): { wallMs: number; monotonicMs: number } {
    const { clock } = this.#components;
    return { wallMs: clock.nowMs(), monotonicMs: clock.monotonicMs() };
  }

  #self(): Self {
    return {
      computerId: this.#settings.announcement().computerId,
      publicKey: this.#components.signer.publicKey,
      run: this.#run,
      startedMs: this.#startedMs,
    };
  }

  #beacon(kind: BeaconKind, asks: boolean): Buffer {
    // Rises even while somebody sets the clock back: others drop what is not newer.
    this.#timeMs = Math.max(this.#timeMs + 1, this.#now().wallMs);
    return signedBeacon(this.#components.signer, {
      ...this.#settings.announcement(),
      ...{ kind, asks, timeMs: this.#timeMs, run: this.#run },
    });
  }

  /** One beacon for all interfaces: who hears it twice sees that it is the same one. */
  #send(asks: boolean): void {
    this.#lastSentMs = this.#now().monotonicMs;
    this.#answer?.cancel();
    this.#answer = null;
    void this.#watch
      .send(this.#beacon(this.#settings.announcement().kind, asks))
      .then(() => this.#tellChange());
  }

  #beginBurst(): void {
    // Begun anew again and again it would never get to its first beacon.
    if (this.#burst.length > 0) return;
    this.#burst = burstAfterMs.map((delayMs, index) =>
      this.#components.timers.after(delayMs, () => {
        if (index === burstAfterMs.length - 1) this.#burst = [];
        this.#send(true);
      }),
    );
  }

  #planNext(): void {
    const { timers, random } = this.#components;
    const delayMs = pauseMs * (1 + pauseSpread * (2 * random.next() - 1));
    this.#next = timers.after(delayMs, () => {
      this.#send(false);
      this.#planNext();
    });
  }

  #planTick(): void {
    this.#tick = this.#components.timers.after(tickMs, () => {
      this.#onTick();
      this.#planTick();
    });
  }

  #onTick(): void {
    const now = this.#now();
    // Some systems stop the monotonic clock while they sleep, and the wall clock may be set: whichever went further counts.
    const gapMs = Math.max(now.monotonicMs - this.#tickAt.monotonicMs, now.wallMs - this.#tickAt.wallMs);
    this.#tickAt = now;
    this.#tickNumber++;
    const hasSlept = gapMs > resumeAfterMs;
    if (hasSlept || this.#tickNumber % ticksPerRescan === 0) {
      const isNew = this.#watch.rescan(hasSlept);
      if (isNew || hasSlept) this.#beginBurst();
    }
    this.#neighbours.expire(now.monotonicMs);
    this.#probing.go();
    this.#tellChange();
  }

  #hear(bytes: Buffer, from: string, interfaceName: string): void {
    if (this.#state !== 'open') return;
    const decoded = decodeBeacon(bytes);
    if (decoded === null) {
      this.#watch.note(interfaceName, 'unreadable');
      return;
    }
    const { beacon, signedBytes, signature } = decoded;
    const { monotonicMs } = this.#now();
    const self = this.#self();
    const hearing = this.#neighbours.hear(beacon, from, self, monotonicMs);
    if (hearing === 'own') return;
    this.#watch.note(interfaceName, 'another');
    if (hearing !== 'fresh') return;
    if (!this.#isSigned(beacon.publicKey, signedBytes, signature)) return;
    const isNew = this.#neighbours.add(beacon, from, self, monotonicMs);
    // An answer never asks: two that answer each other would not come to an end.
    if (beacon.kind !== 'farewell' && (beacon.asks || isNew)) this.#planAnswer();
    this.#probing.go();
    this.#tellChange();
  }

  #isSigned(publicKey: Buffer, bytes: Buffer, signature: Buffer): boolean {
    try {
      return this.#components.verify(publicKey, bytes, signature);
    } catch {
      // 64 bytes that are no point of the curve.
      return false;
    }
  }

  #planAnswer(): void {
    if (this.#answer !== null) return;
    const { timers, random } = this.#components;
    const sinceMs = this.#now().monotonicMs - this.#lastSentMs;
    const delayMs = Math.max(0, answerPauseMs - sinceMs) + random.next() * answerSpreadMs;
    this.#answer = timers.after(delayMs, () => this.#send(false));
  }

  #tellChange(): void {
    if (this.#state !== 'open') return;
    const shown = JSON.stringify([
      this.found().map(({ heardAtMs: _, publicKey, ...one }) => [one, publicKey.toString('base64')]),
      this.conflicts(),
      // The cause may name a number of beacons; what there is to be done says as much.
      this.reports().map(({ sent: _, received: __, cause: ___, ...report }) => report),
    ]);
    if (shown === this.#shown) return;
    this.#shown = shown;
    for (const listener of this.#listeners) listener();
  }
}
