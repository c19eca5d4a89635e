/**
 * Membership by SWIM (Das, Gupta, Motivala 2002) with Lifeguard (Dadgar, Phillips, Currey 2017), as a machine: inputs
 * and the present time go in, effects come out. It holds no timer, socket, clock or file; randomness is handed to it. So
 * the same machine runs in production, in the simulation and in the benchmark.
 *
 * It is made of the failure detector (prober.ts), the list of members with the rules for claims (members.ts), the claims
 * waiting to be told on (gossip-queue.ts), the doubt in oneself (local-health.ts) and the own incarnation.
 */

import {
  claimBytes,
  claimsBytesMax,
  type Packet,
  type ProbeMessage,
} from '../wire/membership/packet-codec.ts';
import { type Chance, chooseSome } from './choice.ts';
import { type Claim, isCredible, isCredibleOfSelf } from './claims.ts';
import type { Effect, Input } from './events.ts';
import { GossipQueue } from './gossip-queue.ts';
import { Incarnation } from './incarnation.ts';
import { LocalHealth } from './local-health.ts';
import { type Member, Members } from './members.ts';
import { Prober } from './prober.ts';
import { exchangeIntervalOf, type MembershipSettings, retransmitCountMax } from './settings.ts';

export interface SwimStart {
  readonly selfId: number;
  /** Above everything that this node ever announced. 0: nobody knows of it yet, so nothing is announced. */
  readonly incarnation: number;
  /** The highest incarnation known to be on disk. */
  readonly durableIncarnation: number;
}

/** A leaving node tells so many at once itself; gossip brings it to the rest. */
const farewellCountMax = 16;

export class Swim {
  readonly #settings: MembershipSettings;
  readonly #chance: Chance;
  readonly #selfId: number;
  readonly #members: Members;
  readonly #prober: Prober;
  readonly #health: LocalHealth;
  readonly #queue = new GossipQueue();
  readonly #incarnation: Incarnation;
  #effects: Effect[] = [];
  #nextGossipMs = 0;
  #nextExchangeMs: number;
  #quietUntilMs: number;
  /** Of the present step. */
  #nowMs: number;
  /** Who holds something against this node, by the packet at hand: its answer carries the truth, however old the news. */
  #accuser: number | null = null;
  #leaving = false;
  /** An announcement waits for the disk. */
  #announceLater = false;

  constructor(components: { settings: MembershipSettings; chance: Chance }, start: SwimStart, nowMs: number) {
    const { settings, chance } = components;
    this.#settings = settings;
    this.#chance = chance;
    this.#selfId = start.selfId;
    this.#incarnation = new Incarnation(start.incarnation, start.durableIncarnation);
    this.#health = new LocalHealth(settings.lifeguard ? settings.awarenessMax : 0);
    this.#nowMs = nowMs;
    this.#quietUntilMs = nowMs + settings.quietMs;
    this.#nextExchangeMs = nowMs + chance.next() * settings.probeIntervalMs;
    this.#members = new Members({
      selfId: start.selfId,
      settings,
      spread: (claim) => this.#queue.add(claim),
      emit: (event) => this.#effects.push({ type: 'event', event }),
    });
    this.#prober = new Prober(
      {
        settings,
        chance,
        health: this.#health,
        ids: () => this.#members.ids,
        stateOf: (id) => this.#members.get(id)?.state,
        hasDead: () => this.#members.hasDead,
        send: (to, probe) => this.#send(to, probe),
        askByStream: (to, sequence) => this.#effects.push({ type: 'askByStream', to, sequence }),
        failed: (target, silentMs) => this.#failed(target, silentMs),
      },
      nowMs,
    );
  }

  get healthScore(): number {
    return this.#health.score;
  }

  get incarnation(): number {
    return this.#incarnation.current;
  }

  states(): ReadonlyMap<number, Member> {
    return this.#members.all();
  }

  /** Everything held, this node included, for an exchange. */
  claims(): Claim[] {
    const claims = this.#members.ids.map((id) => this.#members.claimOf(id)!);
    if (this.#incarnation.isDurable) claims.push(this.#claimOfSelf());
    return claims;
  }

  /** When the next `tick` is wanted. */
  nextDueMs(): number {
    if (this.#leaving) return this.#queue.isEmpty ? Number.POSITIVE_INFINITY : this.#nextGossipMs;
    const gossipMs = this.#queue.isEmpty ? Number.POSITIVE_INFINITY : this.#nextGossipMs;
    return Math.min(
      gossipMs,
      this.#nextExchangeMs,
      this.#prober.nextDueMs(),
      this.#members.nextDueMs(this.#quietUntilMs),
    );
  }

  step(input: Input, nowMs: number): readonly Effect[] {
    this.#effects = [];
    this.#nowMs = nowMs;
    this.#accuser = null;
    switch (input.type) {
      case 'start':
        this.#announce();
        break;
      case 'peers':
        this.#members.set(input.ids, nowMs);
        this.#prober.setIds(this.#members.ids);
        break;
      case 'tick':
        this.#tick(nowMs);
        break;
      case 'packet':
        this.#received(input.packet, nowMs);
        break;
      case 'streamAnswer':
        this.#prober.answered(input.sequence);
        break;
      case 'states':
        for (const claim of input.claims) this.#take(cautious(claim, input.from), input.from, nowMs);
        break;
      case 'paused':
        this.#paused(input, nowMs);
        break;
      case 'persisted':
        this.#incarnation.persisted(input.incarnation);
        if (this.#announceLater) this.#announce();
        break;
      case 'leave':
        this.#leave();
        break;
    }
    return this.#effects;
  }

  #tick(nowMs: number): void {
    if (!this.#leaving) {
      this.#prober.tick(nowMs);
      if (nowMs >= this.#quietUntilMs) this.#members.tick(nowMs);
      if (nowMs >= this.#nextExchangeMs) this.#exchange(nowMs);
    }
    if (!this.#queue.isEmpty && nowMs >= this.#nextGossipMs) this.#gossip(nowMs);
  }

  /** Dissemination apart from probing (Lifeguard II, as memberlist): a small interval makes news quick. */
  #gossip(nowMs: number): void {
    const { gossipIntervalMs, gossipFanout } = this.#settings;
    this.#nextGossipMs = nowMs + gossipIntervalMs;
    const targets = chooseSome(this.#members.ids, gossipFanout, this.#chance, (id) =>
      this.#members.isReachable(id, nowMs),
    );
    for (const target of targets) this.#send(target, null);
  }

  #exchange(nowMs: number): void {
    this.#nextExchangeMs = nowMs + exchangeIntervalOf(this.#settings, this.#members.count);
    const [other] = chooseSome(
      this.#members.ids,
      1,
      this.#chance,
      (id) => this.#members.get(id)?.state === 'alive',
    );
    if (other !== undefined) this.#effects.push({ type: 'exchange', with: other });
  }

  #received(packet: Packet, nowMs: number): void {
    const { from, probe, claims } = packet;
    if (this.#members.get(from) === undefined) return;
    // Claims first, so that the answer already carries a refutation.
    for (const claim of claims) {
      this.#take(claim, from, nowMs);
      if (claim.member === this.#selfId && claim.state !== 'alive') this.#accuser = from;
    }
    if (this.#leaving) return;
    // A ping for another node reached this one: the address was taken over. Answering would keep the other one alive.
    const isMeant = probe !== null && (probe.type !== 'ping' || probe.target === this.#selfId);
    if (isMeant) this.#prober.received(from, probe, nowMs);
    if (this.#accuser !== null && this.#incarnation.isDurable) this.#send(from, null);
  }

  #failed(target: number, silentMs: number): void {
    if (this.#nowMs < this.#quietUntilMs) return;
    const incarnation = this.#members.get(target)!.incarnation;
    const claim: Claim = { state: 'suspect', member: target, incarnation, by: this.#selfId, agreed: [] };
    this.#members.take(claim, this.#nowMs, silentMs);
  }

  #take(claim: Claim, from: number, nowMs: number): void {
    if (claim.member === this.#selfId) {
      if (!this.#leaving) this.#aboutSelf(claim);
      return;
    }
    const known = this.#members.get(claim.member);
    if (known !== undefined && isCredible(claim, known.incarnation, from)) {
      this.#members.take(claim, nowMs, null);
    }
  }

  /** Refutation (SWIM 4.2): a higher incarnation, told to all. Being suspected is also a reason to doubt oneself. */
  #aboutSelf(claim: Claim): void {
    const { current } = this.#incarnation;
    const isNews = claim.state === 'alive' ? claim.incarnation > current : claim.incarnation >= current;
    if (!isNews || !isCredibleOfSelf(claim, current)) return;
    if (claim.state === 'suspect') this.#health.change(1);
    this.#incarnation.raiseAbove(claim.incarnation);
    this.#announce();
  }

  #announce(): void {
    const wanted = this.#incarnation.reserve();
    if (wanted !== null) this.#effects.push({ type: 'persist', incarnation: wanted });
    this.#announceLater = !this.#incarnation.isDurable;
    if (!this.#announceLater && this.#incarnation.current > 0) this.#queue.add(this.#claimOfSelf());
  }

  #claimOfSelf(): Claim {
    const id = this.#selfId;
    const state = this.#leaving ? 'left' : 'alive';
    return { state, member: id, incarnation: this.#incarnation.current, by: id, agreed: [] };
  }

  /** The time missed accuses nobody; after a long pause there is a quiet time as well, for answers to come in. */
  #paused({ durationMs, wallMs }: { durationMs: number; wallMs: number }, nowMs: number): void {
    const { pauseMs, quietMs } = this.#settings;
    this.#prober.abandon(nowMs);
    this.#members.postpone(durationMs);
    if (Math.max(durationMs, wallMs) <= pauseMs) return;
    this.#quietUntilMs = nowMs + quietMs;
    this.#nextExchangeMs = nowMs;
  }

  #leave(): void {
    if (this.#leaving) return;
    this.#leaving = true;
    this.#queue.add(this.#claimOfSelf());
    const others = chooseSome(this.#members.ids, farewellCountMax, this.#chance, (id) =>
      this.#members.isReachable(id, this.#nowMs),
    );
    for (const other of others) this.#send(other, null);
  }

  /**
   * Fills the packet with claims. What is held against the receiver comes first (Lifeguard IV-C, buddy system): it is
   * the one who can refute it, and it should not have to wait for gossip.
   */
  #send(to: number, probe: ProbeMessage | null): void {
    const claims: Claim[] = [];
    let left = claimsBytesMax;
    const held = this.#members.get(to)?.state;
    const tellsIt = held === 'suspect' ? this.#settings.lifeguard : held === 'dead' || held === 'left';
    const buddy = tellsIt ? this.#members.claimOf(to) : null;
    if (buddy !== null) claims.push(buddy);
    if (to === this.#accuser && this.#incarnation.isDurable) {
      claims.push(this.#claimOfSelf());
      this.#accuser = null;
    }
    for (const claim of claims) left -= claimBytes(claim);
    claims.push(...this.#queue.take(left, retransmitCountMax(this.#settings, this.#members.count)));
    this.#effects.push({ type: 'send', to, packet: { from: this.#selfId, probe, claims } });
  }
}

/**
 * A death learned from a whole list may be old: it counts as a suspicion, which the member can refute in time (as
 * memberlist's mergeState).
 */
function cautious(claim: Claim, from: number): Claim {
  return claim.state === 'dead' ? { ...claim, state: 'suspect', by: from, agreed: [] } : claim;
}
