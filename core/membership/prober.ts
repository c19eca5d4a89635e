/**
 * The failure detector (SWIM 3.1): once per period one member is pinged; without an answer in time, some others are
 * asked to ping it as well; without any answer by the end of the period it is suspected. Lifeguard adds: periods and
 * timeouts stretched by local health (IV-A), and nacks, by which a helper says "I am here, it is the target that is
 * silent". Apart from that, members held dead are pinged now and then, so that a healed partition is noticed from either
 * side; these pings accuse nobody and keep their pace.
 */

import type { ProbeMessage } from '../wire/membership/packet-codec.ts';
import { type Chance, chooseSome, ProbeOrder } from './choice.ts';
import type { MemberState } from './claims.ts';
import type { LocalHealth } from './local-health.ts';
import type { MembershipSettings } from './settings.ts';

/** What the prober needs of the machine it is part of. */
export interface ProberParts {
  readonly settings: MembershipSettings;
  readonly chance: Chance;
  readonly health: LocalHealth;
  /** In any order; the prober may reorder it. */
  readonly ids: () => number[];
  readonly stateOf: (id: number) => MemberState | undefined;
  readonly hasDead: () => boolean;
  readonly send: (to: number, probe: ProbeMessage) => void;
  /** Asks over the stream as well: datagrams alone may be what is blocked. */
  readonly askByStream: (to: number, sequence: number) => void;
  readonly failed: (target: number, silentMs: number) => void;
}

interface Probe {
  readonly target: number;
  readonly sequence: number;
  readonly sentMs: number;
  readonly indirectAtMs: number;
  /** Whether others have been asked. */
  indirect: boolean;
  answered: boolean;
  readonly helpers: Set<number>;
  readonly nackedBy: Set<number>;
}

interface Relay {
  readonly origin: number;
  readonly originSequence: number;
  readonly target: number;
  readonly endsAtMs: number;
  /** Infinity once sent, or when nacks are off. */
  nackAtMs: number;
}

/** Others' probes that one node helps with at a time; beyond it, helping would make it slow itself. */
const relayCountMax = 1_024;
/** Members held dead that are pinged per period. Bounded: after a large partition there are many. */
const lostPingCountMax = 3;
/** A nack must reach the origin before its period ends (Lifeguard IV-A: 80 % of the timeout). */
const nackShare = 0.8;

export class Prober {
  readonly #parts: ProberParts;
  readonly #order = new ProbeOrder();
  readonly #lostOrder = new ProbeOrder();
  readonly #relays = new Map<number, Relay>();
  #sequence: number;
  #probe: Probe | null = null;
  #nextMs: number;
  #nextLostMs: number;

  constructor(parts: ProberParts, nowMs: number) {
    this.#parts = parts;
    this.#sequence = Math.floor(parts.chance.next() * 2 ** 32);
    // Nodes that start together should not probe in step.
    this.#nextMs = nowMs + parts.chance.next() * parts.settings.probeIntervalMs;
    this.#nextLostMs = this.#nextMs;
  }

  setIds(ids: readonly number[]): void {
    this.#order.set(ids, this.#parts.chance);
    this.#lostOrder.set(ids, this.#parts.chance);
  }

  nextDueMs(): number {
    let due = Math.min(this.#nextMs, this.#nextLostMs);
    const probe = this.#probe;
    if (probe !== null && !probe.indirect && !probe.answered) due = Math.min(due, probe.indirectAtMs);
    for (const relay of this.#relays.values()) due = Math.min(due, relay.nackAtMs, relay.endsAtMs);
    return due;
  }

  tick(nowMs: number): void {
    this.#tickRelays(nowMs);
    if (nowMs >= this.#nextLostMs) this.#pingLost(nowMs);
    const probe = this.#probe;
    const isOver = nowMs >= this.#nextMs;
    if (probe !== null && !probe.indirect && !probe.answered && nowMs >= probe.indirectAtMs) {
      this.#askOthers(probe);
      // The period ended before the helpers were asked: this node was late, which is no evidence (Lifeguard's lesson).
      if (isOver && this.#parts.settings.lifeguard) this.#probe = null;
    }
    if (!isOver) return;
    if (this.#probe !== null) this.#judge(this.#probe, nowMs);
    this.#begin(nowMs);
  }

  /** This process stood still: the probe under way says nothing about its target. */
  abandon(nowMs: number): void {
    this.#probe = null;
    this.#relays.clear();
    this.#nextMs = nowMs;
  }

  received(from: number, message: ProbeMessage, nowMs: number): void {
    switch (message.type) {
      case 'ping':
        this.#parts.send(from, { type: 'ack', sequence: message.sequence });
        break;
      case 'pingRequest':
        this.#relay(from, message.sequence, message.target, nowMs);
        break;
      case 'ack':
        this.answered(message.sequence);
        break;
      case 'nack':
        if (this.#probe?.sequence === message.sequence && this.#probe.helpers.has(from)) {
          this.#probe.nackedBy.add(from);
        }
        break;
    }
  }

  answered(sequence: number): void {
    const probe = this.#probe;
    if (probe?.sequence === sequence) {
      if (!probe.answered) this.#parts.health.change(-1);
      probe.answered = true;
      return;
    }
    const relay = this.#relays.get(sequence);
    if (relay === undefined) return;
    this.#relays.delete(sequence);
    this.#parts.send(relay.origin, { type: 'ack', sequence: relay.originSequence });
  }

  #newSequence(): number {
    this.#sequence = (this.#sequence + 1) % 2 ** 32;
    return this.#sequence;
  }

  #isUp(id: number): boolean {
    const state = this.#parts.stateOf(id);
    return state === 'alive' || state === 'suspect';
  }

  #begin(nowMs: number): void {
    const { settings, health, chance, send } = this.#parts;
    this.#nextMs = nowMs + health.scale(settings.probeIntervalMs);
    const target = this.#order.next(chance, (id) => this.#isUp(id));
    this.#probe = null;
    if (target !== null) {
      this.#probe = {
        target,
        sequence: this.#newSequence(),
        sentMs: nowMs,
        indirectAtMs: nowMs + health.scale(settings.probeTimeoutMs),
        indirect: false,
        answered: false,
        helpers: new Set(),
        nackedBy: new Set(),
      };
      send(target, { type: 'ping', sequence: this.#probe.sequence, target });
    }
  }

  #pingLost(nowMs: number): void {
    const { settings, chance, send, stateOf, hasDead } = this.#parts;
    this.#nextLostMs = nowMs + settings.probeIntervalMs;
    if (!hasDead()) return;
    const pinged = new Set<number>();
    while (pinged.size < lostPingCountMax) {
      const lost = this.#lostOrder.next(chance, (id) => stateOf(id) === 'dead');
      if (lost === null || pinged.has(lost)) break;
      pinged.add(lost);
      send(lost, { type: 'ping', sequence: this.#newSequence(), target: lost });
    }
  }

  #askOthers(probe: Probe): void {
    const { settings, chance, send, askByStream } = this.#parts;
    probe.indirect = true;
    const { target, sequence } = probe;
    const helpers = chooseSome(
      this.#parts.ids(),
      settings.indirectProbeCount,
      chance,
      (id) => id !== target && this.#parts.stateOf(id) === 'alive',
    );
    for (const helper of helpers) {
      probe.helpers.add(helper);
      send(helper, { type: 'pingRequest', sequence, target });
    }
    askByStream(target, sequence);
  }

  #judge(probe: Probe, nowMs: number): void {
    if (probe.answered || !this.#isUp(probe.target)) return;
    const { settings, health } = this.#parts;
    if (settings.lifeguard) {
      // Helpers that send neither ack nor nack hint at this node's own trouble. Without helpers, the failure does.
      const missing = probe.helpers.size - probe.nackedBy.size;
      health.change(probe.helpers.size === 0 ? 1 : missing);
    }
    this.#parts.failed(probe.target, nowMs - probe.sentMs);
  }

  #relay(origin: number, originSequence: number, target: number, nowMs: number): void {
    if (this.#relays.size >= relayCountMax || this.#parts.stateOf(target) === undefined) return;
    const { settings, send } = this.#parts;
    const sequence = this.#newSequence();
    this.#relays.set(sequence, {
      origin,
      originSequence,
      target,
      endsAtMs: nowMs + settings.probeIntervalMs,
      nackAtMs: settings.lifeguard ? nowMs + settings.probeTimeoutMs * nackShare : Number.POSITIVE_INFINITY,
    });
    send(target, { type: 'ping', sequence, target });
  }

  #tickRelays(nowMs: number): void {
    for (const [sequence, relay] of this.#relays) {
      if (nowMs >= relay.nackAtMs) {
        relay.nackAtMs = Number.POSITIVE_INFINITY;
        this.#parts.send(relay.origin, { type: 'nack', sequence: relay.originSequence });
      }
      if (nowMs >= relay.endsAtMs) this.#relays.delete(sequence);
    }
  }
}
