/**
 * Many membership machines, one clock and a faulty network in a synchronous event loop: no promise, so that a thousand
 * nodes run faster than real time. A world is a function of its seed and of what the test does to it.
 */

import type { MembershipEvent } from '../../../core/membership/events.ts';
import type { MembershipSettings } from '../../../core/membership/settings.ts';
import { Swim } from '../../../core/membership/swim.ts';
import type { Packet } from '../../../core/wire/membership/packet-codec.ts';
import { Agenda, type Planned } from '../agenda.ts';
import { SeededRandom } from '../seeded-random.ts';

export interface WorldOptions {
  readonly seed: number;
  readonly nodeCount: number;
  readonly settings: MembershipSettings;
  /** Share of datagrams that vanish. */
  readonly lossShare?: number;
  readonly latencyMs?: readonly [min: number, max: number];
  /** Whether nodes notice their own pauses, and read what waits before they judge, as the driver does. */
  readonly noticesPauses?: boolean;
}

interface PlannedAction extends Planned {
  readonly action: () => void;
}

export interface WorldNode {
  readonly id: number;
  swim: Swim;
  /** running; frozen: the whole process stands still; deaf: timers run, messages wait both ways; gone: no process. */
  condition: 'running' | 'frozen' | 'deaf' | 'gone';
  plannedMs: number;
  frozenAtMs: number;
  durable: number;
  readonly waitingIn: (() => void)[];
  readonly waitingOut: (() => void)[];
}

/** About what a socket's buffer holds of small packets. */
const waitingCountMax = 500;

export class MembershipWorld {
  readonly nodes: WorldNode[] = [];
  readonly random: SeededRandom;
  nowMs = 0;
  packetCount = 0;
  claimCount = 0;
  /** Who probed whom directly, as it happens. */
  onPing: (from: number, to: number) => void = () => {};
  onEvent: (node: number, event: MembershipEvent) => void = () => {};
  /** Whether a message gets from one to the other; a partition is a function. */
  connected: (from: number, to: number) => boolean = () => true;
  readonly #options: WorldOptions;
  readonly #agenda = new Agenda<PlannedAction>();
  #order = 0;

  constructor(options: WorldOptions) {
    this.#options = options;
    this.random = new SeededRandom(options.seed);
    for (let id = 1; id <= options.nodeCount; id++) {
      this.nodes.push({
        id,
        swim: this.#newSwim(id, 0, 16),
        condition: 'running',
        plannedMs: Number.POSITIVE_INFINITY,
        frozenAtMs: 0,
        durable: 16,
        waitingIn: [],
        waitingOut: [],
      });
    }
    for (const node of this.nodes) this.#begin(node);
  }

  node(id: number): WorldNode {
    return this.nodes[id - 1];
  }

  run(durationMs: number): void {
    this.runUntil(() => false, durationMs);
  }

  /** Runs until `done` after some action; false when that did not come within the time. */
  runUntil(done: () => boolean, durationMs: number): boolean {
    const untilMs = this.nowMs + durationMs;
    while ((this.#agenda.first?.atMs ?? Number.POSITIVE_INFINITY) <= untilMs) {
      const next = this.#agenda.take()!;
      this.nowMs = next.atMs;
      next.action();
      if (done()) return true;
    }
    this.nowMs = untilMs;
    return false;
  }

  at(atMs: number, action: () => void): void {
    this.#agenda.add({ atMs, order: this.#order++, action });
  }

  crash(id: number): void {
    const node = this.node(id);
    node.condition = 'gone';
    node.waitingIn.length = 0;
    node.waitingOut.length = 0;
  }

  restart(id: number): void {
    const node = this.node(id);
    node.swim = this.#newSwim(id, node.durable + 1, node.durable);
    node.condition = 'running';
    this.#begin(node);
  }

  leave(id: number): void {
    this.step(this.node(id), { type: 'leave' });
    this.at(this.nowMs + 1_000, () => this.crash(id));
  }

  freeze(id: number): void {
    const node = this.node(id);
    node.condition = 'frozen';
    node.frozenAtMs = this.nowMs;
  }

  deafen(id: number): void {
    this.node(id).condition = 'deaf';
  }

  /** Ends freezing or deafness. */
  wake(id: number): void {
    const node = this.node(id);
    const wasFrozen = node.condition === 'frozen';
    if (node.condition === 'gone' || node.condition === 'running') return;
    node.condition = 'running';
    for (const send of node.waitingOut.splice(0)) send();
    const read = () => {
      for (const action of node.waitingIn.splice(0)) action();
    };
    if (!wasFrozen) {
      read();
      return;
    }
    const durationMs = this.nowMs - node.frozenAtMs;
    if (this.#options.noticesPauses === true && durationMs >= this.#options.settings.probeIntervalMs) {
      this.step(node, { type: 'paused', durationMs, wallMs: durationMs });
      read();
      this.#tick(node);
    } else {
      // Timers that fell due run before the messages that came in meanwhile are read.
      this.#tick(node);
      read();
    }
  }

  /** Whether every running node holds exactly this of every other. */
  agrees(truth: (id: number) => string): boolean {
    return this.disagreement(truth) === null;
  }

  disagreement(truth: (id: number) => string): string | null {
    for (const node of this.nodes) {
      if (node.condition !== 'running') continue;
      for (const member of node.swim.states().values()) {
        if (member.state !== truth(member.id)) {
          return `${node.id} holds ${member.id} ${member.state}, truth ${truth(member.id)}`;
        }
      }
    }
    return null;
  }

  step(node: WorldNode, input: Parameters<Swim['step']>[0]): void {
    for (const effect of node.swim.step(input, this.nowMs)) {
      switch (effect.type) {
        case 'send':
          this.#send(node, effect.to, effect.packet);
          break;
        case 'event':
          this.onEvent(node.id, effect.event);
          break;
        case 'persist': {
          const { incarnation } = effect;
          this.at(this.nowMs + 5, () => {
            node.durable = Math.max(node.durable, incarnation);
            if (node.condition !== 'gone') this.step(node, { type: 'persisted', incarnation });
          });
          break;
        }
        case 'exchange':
          this.#exchange(node, this.node(effect.with));
          break;
        case 'askByStream': {
          const { sequence } = effect;
          this.#stream(node, this.node(effect.to), () => {
            this.#stream(this.node(effect.to), node, () =>
              this.step(node, { type: 'streamAnswer', sequence }),
            );
          });
          break;
        }
      }
    }
    this.#plan(node);
  }

  #newSwim(selfId: number, incarnation: number, durableIncarnation: number): Swim {
    const { settings } = this.#options;
    const start = { selfId, incarnation, durableIncarnation };
    return new Swim({ settings, chance: this.random }, start, this.nowMs);
  }

  #begin(node: WorldNode): void {
    const ids = Array.from({ length: this.#options.nodeCount }, (_, index) => index + 1);
    this.step(node, { type: 'peers', ids });
    this.step(node, { type: 'start' });
  }

  #exchange(from: WorldNode, to: WorldNode): void {
    const mine = from.swim.claims();
    this.#stream(from, to, () => {
      const theirs = to.swim.claims();
      this.step(to, { type: 'states', from: from.id, claims: mine });
      this.#stream(to, from, () => this.step(from, { type: 'states', from: to.id, claims: theirs }));
    });
  }

  /** Streams lose nothing, but need a way and a running process at the other end. */
  #stream(from: WorldNode, to: WorldNode, arrived: () => void): void {
    this.#deliver(from, to, arrived);
  }

  #send(node: WorldNode, to: number, packet: Packet): void {
    this.packetCount++;
    this.claimCount += packet.claims.length;
    if (packet.probe?.type === 'ping') this.onPing(node.id, to);
    if (this.random.chance(this.#options.lossShare ?? 0)) return;
    const target = this.node(to);
    this.#deliver(node, target, () => this.step(target, { type: 'packet', packet }));
  }

  #deliver(from: WorldNode, to: WorldNode, arrived: () => void): void {
    const [min, max] = this.#options.latencyMs ?? [0.2, 2];
    const leave = () => {
      if (!this.connected(from.id, to.id)) return;
      this.at(this.nowMs + min + this.random.next() * (max - min), () => {
        if (to.condition === 'running') arrived();
        else if (to.condition !== 'gone' && to.waitingIn.length < waitingCountMax) to.waitingIn.push(arrived);
      });
    };
    if (from.condition === 'deaf') {
      if (from.waitingOut.length < waitingCountMax) from.waitingOut.push(leave);
    } else leave();
  }

  #plan(node: WorldNode): void {
    const dueMs = Math.max(this.nowMs, node.swim.nextDueMs());
    if (dueMs >= node.plannedMs || dueMs === Number.POSITIVE_INFINITY) return;
    node.plannedMs = dueMs;
    this.at(dueMs, () => {
      if (node.plannedMs !== dueMs) return;
      node.plannedMs = Number.POSITIVE_INFINITY;
      if (node.condition === 'gone' || node.condition === 'frozen') return;
      if (node.swim.nextDueMs() <= this.nowMs) this.#tick(node);
      else this.#plan(node);
    });
  }

  #tick(node: WorldNode): void {
    this.step(node, { type: 'tick' });
  }
}
