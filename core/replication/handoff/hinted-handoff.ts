/**
 * Hinted handoff: gives every reachable peer what it is owed, a page at a time, slowly enough to leave room for clients. A
 * hint leaves the book only after its peer has acknowledged the record as durable.
 */

import { type CoterieError, toCoterieError } from '../../base/errors.ts';
import { type KeyAddress, partitionOf } from '../../base/token.ts';
import type { Clock, Timers } from '../../ports/clock.ts';
import type { Log } from '../../ports/log.ts';
import { pause } from '../../ports/pause.ts';
import type { PeerNetwork } from '../../ports/peer-network.ts';
import type { Worker, WorkerProgress } from '../../ports/worker.ts';
import { encodeKeyed, frameType } from '../../wire/peer/frames.ts';
import type { LocalRecords } from '../replica/local-records.ts';
import { askStatus, type Requests } from '../requests.ts';
import type { Topology } from '../topology.ts';
import { defaultHintSettings, type Hint, type HintEnd, type HintStore } from './hint-store.ts';

export interface DeliverySettings {
  /** Looks for what is owed this often, beside starting at once when a peer comes back. */
  readonly tickMs: number;
  /** Hints on their way to one peer at a time. */
  readonly pageCount: number;
  readonly hintsPerSecondMax: number;
  /** A hint that its peer refuses for this long, though it answers, is given up: anti-entropy is left to bring it. */
  readonly giveUpAfterMs: number;
}

export const defaultDeliverySettings: DeliverySettings = {
  tickMs: 5_000,
  pageCount: 64,
  hintsPerSecondMax: 4_000,
  giveUpAfterMs: defaultHintSettings.windowMs,
};

/** Hints whose refusals are remembered: with more of them, those beyond are only tried again. */
const refusedCountMax = 10_000;

function nameOf({ target, address }: Hint): string {
  return `${target}:${address.keyspace}:${address.key.toString('latin1')}`;
}

export class HintedHandoff implements Worker {
  readonly name = 'handoff';
  /** It has a rate of its own, and a replica that lacks writes is what it ends. */
  readonly yields = false;
  readonly firstAfterMs: number;
  readonly #hints: HintStore;
  readonly #records: LocalRecords;
  readonly #requests: Requests;
  readonly #network: PeerNetwork;
  readonly #clock: Clock;
  readonly #timers: Timers;
  readonly #log: Log;
  readonly #settings: DeliverySettings;
  readonly #topology: () => Topology;
  /** Peers that are being served now. */
  readonly #serving = new Set<number>();
  /** Since when the peer of a hint has refused it. */
  readonly #refusedSinceMs = new Map<string, number>();
  #sentCount = 0;
  #closed = false;

  constructor(
    components: {
      hints: HintStore;
      records: LocalRecords;
      requests: Requests;
      network: PeerNetwork;
      clock: Clock;
      timers: Timers;
      log: Log;
      topology: () => Topology;
    },
    settings: DeliverySettings = defaultDeliverySettings,
  ) {
    this.#hints = components.hints;
    this.#records = components.records;
    this.#requests = components.requests;
    this.#network = components.network;
    this.#clock = components.clock;
    this.#timers = components.timers;
    this.#log = components.log;
    this.#topology = components.topology;
    this.#settings = settings;
    this.firstAfterMs = settings.tickMs;
    this.#network.onChange((peer, isUp) => {
      this.#hints.noticed(peer, isUp);
      if (isUp) this.#serve(peer);
    });
  }

  close(): void {
    this.#closed = true;
  }

  progress(): WorkerProgress {
    return { doneCount: this.#sentCount, partition: null, isBusy: this.#serving.size > 0 };
  }

  /** Begins to serve who is owed something and is not served yet; each goes on by itself. */
  async step(): Promise<number> {
    for (const target of this.#hints.targets()) this.#serve(target);
    return this.#settings.tickMs;
  }

  #serve(target: number): void {
    if (this.#closed || this.#serving.has(target) || this.#hints.owedTo(target) === 0) return;
    this.#serving.add(target);
    this.#serveAll(target)
      .catch((cause) => {
        // They stay in the book; the next tick tries again.
        const { message } = toCoterieError(cause, 'disk-failed');
        this.#log.warn('Writes kept for another node could not be read.', { cause: message });
      })
      .finally(() => this.#serving.delete(target));
  }

  /**
   * One walk over all that `target` is owed. A hint that is not taken does not hold up those behind it: it is tried again in
   * the next walk, and given up when it has been refused for as long as a hint is kept.
   */
  async #serveAll(target: number): Promise<void> {
    const { pageCount, hintsPerSecondMax } = this.#settings;
    for await (const page of this.#hints.owed(target, pageCount)) {
      if (this.#closed || !this.#canServe(target)) return;
      const startedMs = this.#clock.monotonicMs();
      const delivered = await Promise.all(page.map((hint) => this.#deliver(hint)));
      await Promise.all(page.filter((_, index) => !delivered[index]).map((hint) => this.#giveUpIfOld(hint)));
      const dueMs = (page.length * 1_000) / hintsPerSecondMax - (this.#clock.monotonicMs() - startedMs);
      if (dueMs > 0) await this.#pause(dueMs);
    }
  }

  /** A peer that is away has refused nothing. */
  async #giveUpIfOld(hint: Hint): Promise<void> {
    if (!this.#canServe(hint.target)) return;
    const name = nameOf(hint);
    const nowMs = this.#clock.monotonicMs();
    const sinceMs = this.#refusedSinceMs.get(name);
    if (sinceMs === undefined) {
      if (this.#refusedSinceMs.size < refusedCountMax) this.#refusedSinceMs.set(name, nowMs);
      return;
    }
    if (nowMs - sinceMs < this.#settings.giveUpAfterMs) return;
    await this.#settled(hint, 'givenUp');
  }

  /** Of a node that left the layout nothing can be heard; its hints go to whoever replicates their keys now. */
  #canServe(target: number): boolean {
    if (this.#network.isUp(target)) return true;
    return !this.#topology().layout.nodes.some((node) => node.id === target);
  }

  /** False: try again later. */
  async #deliver(hint: Hint): Promise<boolean> {
    const { target, address } = hint;
    const state = this.#topology().keyspaces.get(address.keyspace);
    if (state === undefined) return this.#settled(hint, 'expired');
    const record = hint.record ?? (await this.#records.get(address));
    // A reference to what was deleted and collected: every replica had agreed to that.
    if (record === null) return this.#settled(hint, 'sent');
    const replicas = state.replicas[partitionOf(address.tokenHigh)].map((replica) => replica.nodeId);
    const self = this.#topology().self.id;
    const receivers = replicas.includes(target) ? [target] : replicas;
    if (receivers.includes(self)) {
      const newestOnly = state.settings.conflicts === 'last-write-wins';
      const merged = await new Promise<CoterieError | null>((resolve) =>
        this.#records.merge(address, record, { durability: 'always', newestOnly }, resolve),
      );
      if (merged !== null) return false;
    }
    const taken = await Promise.all(
      receivers.filter((node) => node !== self).map((node) => this.#send(node, address, record)),
    );
    return !taken.includes(false) && this.#settled(hint, 'sent');
  }

  #settled(hint: Hint, how: HintEnd): Promise<boolean> {
    if (how === 'sent') this.#sentCount++;
    if (this.#refusedSinceMs.size > 0) this.#refusedSinceMs.delete(nameOf(hint));
    return new Promise((resolve) => this.#hints.settle(hint, how, () => resolve(true)));
  }

  #send(peer: number, { keyspace, key }: KeyAddress, record: Buffer): Promise<boolean> {
    return askStatus(this.#requests, peer, (requestId) =>
      encodeKeyed(frameType.replicaPut, requestId, keyspace, key, record, record.length),
    );
  }

  #pause(ms: number): Promise<void> {
    return pause(this.#timers, ms);
  }
}
