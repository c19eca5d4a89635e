/**
 * What goes wrong in a run. Each kind is one fault that begins, lasts, and is mended before the next begins; several kinds
 * drawn by chance make the combined nemesis. Everything it draws comes from its own source of randomness, so a change of the
 * workload does not move the faults.
 */
import type { SeededRandom } from '../seeded-random.ts';
import type { Member, SimulatedCluster } from './cluster.ts';
import { type DataFault, dataFaults, strikeData } from './data-faults.ts';
import { type DiskFault, diskFaults, strikeDisk } from './disk-faults.ts';
import { type LayoutFault, layoutFaults, strikeLayout } from './layout-faults.ts';

/**
 * crash: power goes, unsynced writes are lost. stop: an orderly end. isolate: one node alone. halves: two groups. one-way:
 * frames of one direction are lost. bridge: two groups that share one node. flapping: a link comes and goes. pause: a process
 * stands still. clock: a wall clock jumps by up to an hour, for good.
 */
const processFaults = [
  'crash',
  'stop',
  'isolate',
  'halves',
  'one-way',
  'bridge',
  'flapping',
  'pause',
  'clock',
] as const;
type ProcessFault = (typeof processFaults)[number];

export const faultKinds = [...processFaults, ...diskFaults, ...dataFaults, ...layoutFaults] as const;
export type FaultKind = ProcessFault | DiskFault | DataFault | LayoutFault;

/** Those that lose nothing that was durable: a strict quorum keeps every promise under any mixture of them. */
export const harmlessToData: readonly FaultKind[] = [...processFaults, ...diskFaults];

/** What a strike may use: the cluster, its own randomness, and time. */
export interface Hand {
  readonly cluster: SimulatedCluster;
  readonly fate: SeededRandom;
  pause(minMs: number, maxMs: number): Promise<void>;
  /** Resolves once every node runs, holds what it should, and says so; or after a minute, which the end of the run reports. */
  whole(): Promise<void>;
}

export class Nemesis {
  readonly #hand: Hand;
  readonly #kinds: readonly FaultKind[];
  readonly #restMs: number;
  #working = true;
  /** How often each kind struck: one that found nothing to break does not count. */
  readonly counts: Partial<Record<FaultKind, number>> = {};

  /** `restMs`: between two strikes, at the least. */
  constructor(cluster: SimulatedCluster, fate: SeededRandom, kinds: readonly FaultKind[], restMs = 300) {
    this.#restMs = restMs;
    this.#kinds = kinds;
    const pause = (minMs: number, maxMs: number): Promise<void> => {
      const ms = minMs + fate.next() * (maxMs - minMs);
      return new Promise((resolve) => cluster.time.after(ms, resolve));
    };
    const whole = async (): Promise<void> => {
      const untilMs = cluster.time.monotonicMs() + 60_000;
      while (cluster.time.monotonicMs() < untilMs && !(await cluster.isWhole())) await pause(200, 200);
    };
    this.#hand = { cluster, fate, pause, whole };
  }

  stop(): void {
    this.#working = false;
  }

  async run(): Promise<void> {
    const { fate, pause, cluster } = this.#hand;
    while (this.#working && this.#kinds.length > 0) {
      await pause(100, 500);
      if (!this.#working) return;
      const kind = fate.pick(this.#kinds);
      if (await this.#strike(kind)) this.counts[kind] = (this.counts[kind] ?? 0) + 1;
      await cluster.checkState(`after ${kind}`);
      await pause(this.#restMs, this.#restMs + 200);
    }
  }

  /** False: there was nothing to break. */
  async #strike(kind: FaultKind): Promise<boolean> {
    const victim = this.#hand.fate.pick(this.#hand.cluster.members);
    if (isIn(diskFaults, kind)) return strikeDisk(kind, victim, this.#hand);
    if (isIn(dataFaults, kind)) return strikeData(kind, victim, this.#hand);
    if (isIn(layoutFaults, kind)) return strikeLayout(kind, this.#hand);
    return this.#strikeProcess(kind, victim);
  }

  async #strikeProcess(kind: ProcessFault, victim: Member): Promise<boolean> {
    const { cluster, fate, pause } = this.#hand;
    const { network, members } = cluster;
    const others = members.filter((member) => member !== victim);
    switch (kind) {
      case 'crash':
        cluster.crash(victim);
        await pause(50, 850);
        await cluster.start(victim);
        return true;
      case 'stop':
        await cluster.stop(victim);
        await pause(50, 850);
        await cluster.start(victim);
        return true;
      case 'pause':
        cluster.pause(victim);
        await pause(200, 3_000);
        cluster.resume(victim);
        return true;
      case 'clock': {
        const jumpMs = Math.round((fate.next() - 0.5) * 7_200_000);
        cluster.note(`the clock of n${victim.id} jumps by ${jumpMs} ms`);
        victim.skewMs += jumpMs;
        return true;
      }
    }
    if (others.length === 0) return false;
    switch (kind) {
      case 'isolate':
        cluster.note(`n${victim.id} is cut off`);
        for (const other of others) network.cut(victim.id, other.id);
        break;
      case 'halves':
        this.#cutGroups(members, () => fate.chance(0.5));
        break;
      case 'one-way': {
        const deaf = fate.pick(others);
        cluster.note(`nothing from n${victim.id} reaches n${deaf.id}`);
        network.cutOneWay(victim.id, deaf.id);
        break;
      }
      case 'bridge':
        cluster.note(`only n${victim.id} reaches both sides`);
        this.#cutGroups(others, (_, index) => index % 2 === 0);
        break;
      case 'flapping': {
        const other = fate.pick(others);
        for (let turn = 0; turn < 4; turn++) {
          network.cut(victim.id, other.id);
          await pause(20, 200);
          network.heal();
          await pause(20, 200);
        }
        return true;
      }
    }
    await pause(200, 1_700);
    network.heal();
    cluster.note('the network heals');
    return true;
  }

  #cutGroups(members: readonly Member[], isLeft: (member: Member, index: number) => boolean): void {
    const left = members.filter(isLeft);
    const right = members.filter((member) => !left.includes(member));
    const names = (group: readonly Member[]) => group.map((member) => `n${member.id}`).join(' ');
    this.#hand.cluster.note(`cut: ${names(left)} | ${names(right)}`);
    for (const one of left) for (const other of right) this.#hand.cluster.network.cut(one.id, other.id);
  }
}

function isIn<K extends FaultKind>(kinds: readonly K[], kind: FaultKind): kind is K {
  return (kinds as readonly FaultKind[]).includes(kind);
}
