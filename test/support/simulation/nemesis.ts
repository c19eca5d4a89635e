/**
 * What goes wrong in a run. Each kind is one fault that begins, lasts, and is mended before the next begins; several kinds
 * drawn by chance make the combined nemesis. Everything it draws comes from its own source of randomness, so a change of the
 * workload does not move the faults.
 */
import type { SeededRandom } from '../seeded-random.ts';
import type { Member, SimulatedCluster } from './cluster.ts';

/**
 * crash: power goes, unsynced writes are lost. isolate: one node alone. halves: two groups. one-way: frames of one
 * direction are lost. bridge: two groups that share one node. flapping: a link comes and goes. pause: a process stands
 * still. slow-disk: each operation takes up to a second. clock: a wall clock jumps by up to an hour, for good.
 * wipe: a node loses all its data. bit-rot: a byte of a file on disk changes.
 */
export const faultKinds = [
  'crash',
  'isolate',
  'halves',
  'one-way',
  'bridge',
  'flapping',
  'pause',
  'slow-disk',
  'clock',
  'wipe',
  'bit-rot',
] as const;
export type FaultKind = (typeof faultKinds)[number];

/** Those that lose nothing that was durable: a strict quorum keeps every promise under any mixture of them. */
export const harmlessToData: readonly FaultKind[] = faultKinds.filter(
  (kind) => kind !== 'wipe' && kind !== 'bit-rot',
);

export class Nemesis {
  readonly #cluster: SimulatedCluster;
  readonly #fate: SeededRandom;
  readonly #kinds: readonly FaultKind[];
  #working = true;
  /** How often each kind struck. */
  readonly counts: Partial<Record<FaultKind, number>> = {};

  constructor(cluster: SimulatedCluster, fate: SeededRandom, kinds: readonly FaultKind[]) {
    this.#cluster = cluster;
    this.#fate = fate;
    this.#kinds = kinds;
  }

  stop(): void {
    this.#working = false;
  }

  async run(): Promise<void> {
    while (this.#working && this.#kinds.length > 0) {
      await this.#pause(100, 500);
      if (!this.#working) return;
      const kind = this.#fate.pick(this.#kinds);
      this.counts[kind] = (this.counts[kind] ?? 0) + 1;
      await this.#strike(kind);
      await this.#pause(300, 500);
    }
  }

  #pause(minMs: number, maxMs: number): Promise<void> {
    const ms = minMs + this.#fate.next() * (maxMs - minMs);
    return new Promise((resolve) => this.#cluster.time.after(ms, resolve));
  }

  async #strike(kind: FaultKind): Promise<void> {
    const { network, members, time } = this.#cluster;
    const victim = this.#fate.pick(members);
    const others = members.filter((member) => member !== victim);
    switch (kind) {
      case 'crash':
        this.#cluster.crash(victim);
        await this.#pause(50, 850);
        await this.#cluster.start(victim);
        return;
      case 'isolate':
        this.#cluster.note(`n${victim.id} is cut off`);
        for (const other of others) network.cut(victim.id, other.id);
        break;
      case 'halves':
        this.#cutGroups(members, () => this.#fate.chance(0.5));
        break;
      case 'one-way': {
        const deaf = this.#fate.pick(others);
        this.#cluster.note(`nothing from n${victim.id} reaches n${deaf.id}`);
        network.cutOneWay(victim.id, deaf.id);
        break;
      }
      case 'bridge':
        this.#cluster.note(`only n${victim.id} reaches both sides`);
        this.#cutGroups(others, (_, index) => index % 2 === 0);
        break;
      case 'flapping': {
        const other = this.#fate.pick(others);
        for (let turn = 0; turn < 4; turn++) {
          network.cut(victim.id, other.id);
          await this.#pause(20, 200);
          network.heal();
          await this.#pause(20, 200);
        }
        return;
      }
      case 'pause':
        this.#cluster.pause(victim);
        await this.#pause(200, 3_000);
        this.#cluster.resume(victim);
        return;
      case 'slow-disk': {
        const { delayMaxMs } = victim.disk.faults;
        this.#cluster.note(`the disk of n${victim.id} is slow`);
        victim.disk.faults.delayMaxMs = 1_000;
        await this.#pause(300, 2_000);
        victim.disk.faults.delayMaxMs = delayMaxMs;
        return;
      }
      case 'clock': {
        const jumpMs = Math.round((this.#fate.next() - 0.5) * 7_200_000);
        this.#cluster.note(`the clock of n${victim.id} jumps by ${jumpMs} ms`);
        victim.skewMs += jumpMs;
        return;
      }
      case 'wipe':
        this.#cluster.crash(victim);
        this.#cluster.note(`n${victim.id} loses its disk`);
        victim.disk.wipe();
        await this.#pause(50, 500);
        await this.#cluster.start(victim);
        return this.#whole();
      case 'bit-rot':
        await this.#rot(victim);
        return this.#whole();
    }
    await this.#pause(200, 1_700);
    network.heal();
    this.#cluster.note(`the network heals at ${time.monotonicMs().toFixed(0)}`);
  }

  #cutGroups(members: readonly Member[], isLeft: (member: Member, index: number) => boolean): void {
    const left = members.filter(isLeft);
    const right = members.filter((member) => !left.includes(member));
    const names = (group: readonly Member[]) => group.map((member) => `n${member.id}`).join(' ');
    this.#cluster.note(`cut: ${names(left)} | ${names(right)}`);
    for (const one of left) for (const other of right) this.#cluster.network.cut(one.id, other.id);
  }

  /** A replica that lost data is one failure until it is whole: the next one waits for that. */
  async #whole(): Promise<void> {
    const untilMs = this.#cluster.time.monotonicMs() + 60_000;
    while (this.#cluster.time.monotonicMs() < untilMs) {
      if (await this.#cluster.isWhole()) return;
      await this.#pause(200, 200);
    }
  }

  async #rot(victim: Member): Promise<void> {
    const files = (await victim.disk.list('data')).filter((name) => /^segment-.*\.log$/.test(name));
    if (files.length === 0) return;
    const path = `data/${this.#fate.pick(files)}`;
    const { length } = victim.disk.contentOf(path);
    if (length < 64) return;
    const offset = 32 + Math.floor(this.#fate.next() * (length - 32));
    this.#cluster.note(`a byte of ${path} on n${victim.id} rots`);
    victim.disk.flipBit(path, offset, Math.floor(this.#fate.next() * 8));
  }
}
