/**
 * Runs the membership machine (core/membership/swim.ts) over ports: timers, datagrams, the stream to a peer, and the file
 * that holds the incarnation. It decides nothing about members. It does watch this process: how late its timers are, and
 * whether it stood still, which the machine must know before it judges anybody.
 */

import { type CoterieError, toCoterieError } from '../base/errors.ts';
import { Histogram } from '../base/histogram.ts';
import type { MemberState } from '../membership/claims.ts';
import type { Effect, Input, MembershipEvent } from '../membership/events.ts';
import type { Member } from '../membership/members.ts';
import type { MembershipSettings } from '../membership/settings.ts';
import { Swim } from '../membership/swim.ts';
import type { Cancellable, Clock, Timers } from '../ports/clock.ts';
import type { Datagrams } from '../ports/datagrams.ts';
import type { Disk } from '../ports/disk.ts';
import type { Log } from '../ports/log.ts';
import type { PacketSeal } from '../ports/packet-seal.ts';
import { pause } from '../ports/pause.ts';
import type { Random } from '../ports/random.ts';
import { decodeStream, encodeStream, type StreamMessage } from '../wire/membership/stream-messages.ts';
import { readIncarnation, writeIncarnation } from './incarnation-file.ts';
import type { LayoutWord } from './layout-gossip.ts';
import { MembershipPackets } from './membership-packets.ts';

/** One question to one peer over the stream, and its answer. The other side answers with `answerCall`. */
export interface MembershipLink {
  call(peer: number, payload: Buffer, done: (error: CoterieError | null, body: Buffer | null) => void): void;
}

export interface MembershipComponents {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly disk: Disk;
  readonly random: Random;
  readonly log: Log;
  readonly datagrams: Datagrams;
  readonly link: MembershipLink;
  readonly layouts: LayoutWord;
  readonly seal: PacketSeal;
}

export interface MembershipDriverSettings {
  readonly selfId: number;
  readonly clusterId: string;
  readonly profile: MembershipSettings;
}

/** An event with the wall clock's time. */
export type TimedEvent = MembershipEvent & { readonly atMs: number };

/** A tick comes at least this often: the finer, the more exactly a pause is known. */
const tickMs = 250;
const persistRetryMs = 1_000;
const udpWaitMs = 10_000;
/** A leaving node stays for so many gossip intervals. */
const farewellIntervals = 2;

export class MembershipDriver {
  /** How late ticks came: what a busy process adds to every probe. */
  readonly lateness = new Histogram();
  readonly #components: MembershipComponents;
  readonly #settings: MembershipDriverSettings;
  readonly #swim: Swim;
  readonly #packets: MembershipPackets;
  readonly #handlers: ((event: TimedEvent) => void)[] = [];
  /** Peers that answer over the stream but not by datagram: packets take both ways. */
  readonly #overStream = new Set<number>();
  #timer: Cancellable | null = null;
  #ticked: { atMs: number; wallMs: number };
  #dueMs = 0;
  /** A tick waits for the end of this turn. */
  #ticking = false;
  #persisting = false;
  #persistNext: number | null = null;
  #closed = false;

  private constructor(
    components: MembershipComponents,
    settings: MembershipDriverSettings,
    incarnation: number,
  ) {
    this.#components = components;
    this.#settings = settings;
    this.#packets = new MembershipPackets(components, settings);
    const { clock, random } = components;
    this.#ticked = { atMs: clock.monotonicMs(), wallMs: clock.nowMs() };
    this.#swim = new Swim(
      { settings: settings.profile, chance: random },
      { selfId: settings.selfId, incarnation: incarnation + 1, durableIncarnation: incarnation },
      clock.monotonicMs(),
    );
  }

  /** Starts above every incarnation that an earlier run may have announced. */
  static async start(
    components: MembershipComponents,
    settings: MembershipDriverSettings,
    peerIds: readonly number[],
  ): Promise<MembershipDriver> {
    const incarnation = await readIncarnation(components.disk, components.log);
    const driver = new MembershipDriver(components, settings, incarnation);
    components.datagrams.onDatagram((bytes, source) => driver.#receivedFrom(source, bytes));
    driver.setPeers(peerIds);
    driver.#step({ type: 'start' });
    return driver;
  }

  states(): ReadonlyMap<number, MemberState> {
    return new Map([...this.#swim.states().values()].map(({ id, state }) => [id, state]));
  }

  /** With all that is known of each; `sinceMs` is wall time. */
  members(): Member[] {
    const { clock } = this.#components;
    const offsetMs = clock.nowMs() - clock.monotonicMs();
    return [...this.#swim.states().values()].map(
      ({ id, state, incarnation, sinceMs, suspectedBy, confirmedBy }) => ({
        id,
        state,
        incarnation,
        sinceMs: Math.round(sinceMs + offsetMs),
        suspectedBy,
        confirmedBy: [...confirmedBy],
      }),
    );
  }

  /** Packets not taken, by reason. */
  get ignored(): ReadonlyMap<string, number> {
    return this.#packets.ignored;
  }

  /** 99th percentile of how late ticks came since the last `lateness.reset()`; null before the first. */
  get latenessMs(): number | null {
    return this.lateness.percentileMs(0.99);
  }

  /** How much this node doubts itself, 0 to awarenessMax. */
  get healthScore(): number {
    return this.#swim.healthScore;
  }

  onEvent(handler: (event: TimedEvent) => void): void {
    this.#handlers.push(handler);
  }

  setPeers(ids: readonly number[]): void {
    this.#packets.setPeers(ids);
    this.#step({ type: 'peers', ids });
  }

  /** What another node's `MembershipLink.call` brought here; the answer goes back to it. */
  answerCall(from: number, payload: Buffer): Buffer {
    const message = decodeStream(payload);
    if ('ignored' in message) {
      this.#packets.ignore(message.ignored);
      return encodeStream({ type: 'received' });
    }
    if (message.type === 'states') {
      const claims = this.#swim.claims();
      this.#step({ type: 'states', from, claims: message.claims });
      return encodeStream({ type: 'states', claims });
    }
    if (message.type === 'packet' && !this.#closed) {
      const packet = this.#packets.takeFrom(from, message.bytes);
      if (packet !== null) this.#step({ type: 'packet', packet });
    }
    return encodeStream({ type: 'received' });
  }

  /** Says goodbye, so that nobody takes the end for a failure. Resolves when it has been told. */
  async leave(): Promise<void> {
    if (this.#closed) return;
    this.#step({ type: 'leave' });
    const { timers } = this.#components;
    const waitMs = this.#settings.profile.gossipIntervalMs * farewellIntervals;
    await pause(timers, waitMs);
  }

  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
  }

  #arm(): void {
    this.#timer?.cancel();
    if (this.#closed || this.#ticking) return;
    const { clock, timers } = this.#components;
    const nowMs = clock.monotonicMs();
    this.#dueMs = Math.max(nowMs, Math.min(this.#swim.nextDueMs(), this.#ticked.atMs + tickMs));
    this.#timer = timers.after(this.#dueMs - nowMs, () => this.#due());
  }

  #due(): void {
    const { clock, timers } = this.#components;
    const nowMs = clock.monotonicMs();
    // Timers of some systems run a fraction early.
    this.lateness.recordMs(Math.max(0, nowMs - this.#dueMs));
    const { atMs, wallMs } = this.#ticked;
    this.#ticked = { atMs: nowMs, wallMs: clock.nowMs() };
    const gap = { durationMs: nowMs - atMs, wallMs: this.#ticked.wallMs - wallMs };
    const stoodStillMs = Math.max(gap.durationMs, gap.wallMs) - tickMs;
    if (stoodStillMs >= this.#settings.profile.probeIntervalMs) this.#step({ type: 'paused', ...gap });
    // Answers may be waiting in the socket: they are read before anybody is judged.
    this.#ticking = true;
    this.#timer?.cancel();
    timers.atTurnEnd(() => {
      this.#ticking = false;
      if (!this.#closed) this.#step({ type: 'tick' });
    });
  }

  #receivedFrom(source: string, bytes: Buffer): void {
    if (this.#closed) return;
    const packet = this.#packets.takeDatagram(bytes, source);
    if (packet === null) return;
    this.#overStream.delete(packet.from);
    this.#step({ type: 'packet', packet });
  }

  #step(input: Input): void {
    const effects = this.#swim.step(input, this.#components.clock.monotonicMs());
    for (const effect of effects) this.#apply(effect);
    this.#arm();
  }

  #apply(effect: Effect): void {
    switch (effect.type) {
      case 'send': {
        const bytes = this.#packets.send(effect.to, effect.packet);
        if (this.#overStream.has(effect.to)) this.#ask(effect.to, { type: 'packet', bytes }, () => {});
        break;
      }
      case 'askByStream':
        this.#ask(effect.to, { type: 'probe' }, () => {
          this.#noteStream(effect.to);
          this.#step({ type: 'streamAnswer', sequence: effect.sequence });
        });
        break;
      case 'exchange':
        this.#ask(effect.with, { type: 'states', claims: this.#swim.claims() }, (answer) => {
          if (answer.type !== 'states') return;
          this.#step({ type: 'states', from: effect.with, claims: answer.claims });
        });
        break;
      case 'persist':
        this.#persistNext = effect.incarnation;
        void this.#persist();
        break;
      case 'event': {
        const timed = { ...effect.event, atMs: this.#components.clock.nowMs() };
        for (const handler of this.#handlers) handler(timed);
        break;
      }
    }
  }

  #ask(peer: number, message: StreamMessage, answered: (answer: StreamMessage) => void): void {
    this.#components.link.call(peer, encodeStream(message), (error, body) => {
      if (this.#closed || error !== null || body === null) return;
      const answer = decodeStream(body);
      if ('ignored' in answer) this.#packets.ignore(answer.ignored);
      else answered(answer);
    });
  }

  #noteStream(peer: number): void {
    if (this.#overStream.has(peer)) return;
    this.#overStream.add(peer);
    // A node that has just started, or just come back, answers over its link before its datagrams arrive.
    this.#components.timers.after(udpWaitMs, () => {
      if (this.#closed || !this.#overStream.has(peer)) return;
      this.#components.log.info('A node answers over TCP but not over UDP. Is UDP blocked between them?', {
        node: peer.toString(16),
      });
    });
  }

  async #persist(): Promise<void> {
    if (this.#persisting) return;
    this.#persisting = true;
    while (this.#persistNext !== null && !this.#closed) {
      const incarnation = this.#persistNext;
      this.#persistNext = null;
      try {
        await writeIncarnation(this.#components.disk, incarnation);
        if (!this.#closed) this.#step({ type: 'persisted', incarnation });
      } catch (error) {
        this.#components.log.warn('The incarnation could not be written. It is tried again.', {
          cause: toCoterieError(error, 'disk-failed').message,
        });
        this.#persistNext ??= incarnation;
        await pause(this.#components.timers, persistRetryMs);
      }
    }
    this.#persisting = false;
  }
}
