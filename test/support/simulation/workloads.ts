/**
 * What clients do in a run, and what they must see. Each workload keeps the books of one key, or of a few: `run` writes and reads
 * while things go wrong, `check` judges what a read shows in the end.
 *
 * register: one client writes growing numbers, plainly; a read shows the last acknowledged one or a later one.
 * set: blind writes, which nothing supersedes; a read shows every acknowledged one (set-full of Jepsen).
 * causal: three clients write with the context of their own last read; what is there in the end is exactly what no other
 * write had seen: nothing acknowledged is lost, nothing superseded comes back, siblings are the concurrent writes.
 * counter: three clients increment; while nothing fails none is lost, wherever they come in.
 * once: three clients claim a key at the same time; while nothing fails exactly one of them has it.
 * expiring: values with a time to live; none shows when it is over, none is gone before.
 * flood: blind writes without pause at every node, also while all are apart; in the end all of them are there, everywhere.
 * elements: a set of keys, added and taken out; in the end exactly what was added and not taken out is there.
 * transactions: three keys that are written as one; in the end all show the same, the last acknowledged number or a later one.
 * walk: many keys, and walks over all of them; each walk ends, the last ones show exactly what is there.
 */
import type { Mutation } from '../../../core/ports/key-value-store.ts';
import { Client, type Surroundings, type Workload } from './client.ts';
import { Elements } from './elements.ts';
import { Expiring } from './expiring.ts';
import { Transactions } from './transactions.ts';

export const workloadNames = [
  'register',
  'set',
  'causal',
  'counter',
  'once',
  'expiring',
  'flood',
  'elements',
  'walk',
  'transactions',
] as const;
export type WorkloadName = (typeof workloadNames)[number];

abstract class Numbers extends Client {
  /** Numbers acknowledged, each with the data center of its coordinator. */
  protected readonly mine = new Map<number, string>();
  protected abstract readonly basis: 'held' | { context: string };

  async run(): Promise<void> {
    for (let number = 1; number <= this.around.writes; number++) {
      const from = await this.put(String(number), this.basis);
      if (from !== null) this.mine.set(number, from);
      await this.pause(40);
      if (!this.around.cluster.random.chance(0.5)) continue;
      const expected = new Map(this.mine);
      const { layout } = this.around.cluster;
      const nobodyThere = !this.someReplicaRuns();
      const found = await this.read();
      if (found?.values.length === 0 && expected.size > 0 && nobodyThere && !this.someReplicaRuns()) {
        this.around.cluster.violate(
          `read at n${found.member.id}: ${this.around.key} is said to be absent, though no replica could be asked`,
        );
      }
      // Under a layout that changed meanwhile nobody knows which promise held.
      if (found === null || this.around.cluster.layout !== layout) continue;
      const promised = [...expected].filter(([, from]) => this.mustSee(found.coordinator.dataCenter, from));
      this.compare(
        promised.map(([one]) => one),
        found.values,
        `read at n${found.member.id}`,
      );
    }
  }

  check(found: readonly string[], when: string): void {
    this.compare([...this.mine.keys()], found, when);
  }

  protected compare(expected: readonly number[], found: readonly string[], when: string): void {
    const lost = this.lostOf(expected, found.map(Number));
    if (lost.length === 0) return;
    const shown = found.join(', ');
    this.around.cluster.violate(
      `${when}: ${this.around.key} lacks acknowledged ${lost.join(', ')}; it shows [${shown}]`,
    );
  }

  protected abstract lostOf(expected: readonly number[], found: readonly number[]): number[];
}

class Register extends Numbers {
  protected readonly basis = 'held';

  protected lostOf(expected: readonly number[], found: readonly number[]): number[] {
    return expected.slice(-1).filter((number) => Math.max(-1, ...found) < number);
  }
}

class SetFull extends Numbers {
  protected readonly basis = { context: '' };

  protected lostOf(expected: readonly number[], found: readonly number[]): number[] {
    return expected.filter((number) => !found.includes(number));
  }
}

interface Write {
  readonly value: string;
  /** What its writer had read. */
  readonly saw: readonly string[];
  acknowledged: boolean;
}

class CausalRegister extends Client {
  readonly #writes: Write[] = [];

  async run(): Promise<void> {
    await Promise.all([0, 1, 2].map((client) => this.#client(client)));
  }

  async #client(client: number): Promise<void> {
    for (let turn = 0; turn < this.around.writes / 3; turn++) {
      const read = await this.read();
      if (read !== null) {
        this.#complain(read.values, `read at n${read.member.id}`, false);
        await this.pause(30);
        const write: Write = { value: `${client}.${turn}`, saw: read.values, acknowledged: false };
        this.#writes.push(write);
        if ((await this.put(write.value, { context: read.context })) !== null) write.acknowledged = true;
      }
      await this.pause(40);
    }
  }

  check(found: readonly string[], when: string): void {
    this.#complain(found, when, true);
  }

  #complain(found: readonly string[], when: string, atEnd: boolean): void {
    const { key, cluster } = this.around;
    const known = new Set(this.#writes.map((write) => write.value));
    const maybeGone = new Set(this.#writes.flatMap((write) => write.saw));
    const surelyGone = new Set(this.#writes.flatMap((write) => (write.acknowledged ? write.saw : [])));
    const strange = found.filter((value) => !known.has(value));
    // A read that overlaps a write may show either state, so only the end is judged in full.
    const back = atEnd ? found.filter((value) => surelyGone.has(value)) : [];
    const lost = atEnd
      ? this.#writes.filter(
          ({ value, acknowledged }) => acknowledged && !maybeGone.has(value) && !found.includes(value),
        )
      : [];
    if (strange.length > 0) cluster.violate(`${when}: ${key} shows ${strange.join(', ')}, never written`);
    if (back.length > 0) cluster.violate(`${when}: ${key} shows ${back.join(', ')}, which was superseded`);
    if (lost.length > 0) {
      cluster.violate(`${when}: ${key} lacks acknowledged ${lost.map((write) => write.value).join(', ')}`);
    }
  }
}

class Counter extends Client {
  #acknowledged = 0;

  async run(): Promise<void> {
    await Promise.all([0, 1, 2].map(() => this.#client()));
  }

  async #client(): Promise<void> {
    for (let turn = 0; turn < this.around.writes / 3; turn++) {
      const add = (siblings: readonly string[]): Mutation => ({
        kind: 'put',
        value: Buffer.from(String(Number(siblings[0] ?? 0) + 1)),
        expiresAtMs: 0,
      });
      if ((await this.decide(this.around.key, add)) !== null) this.#acknowledged++;
      await this.pause(20);
    }
  }

  check(found: readonly string[], when: string): void {
    if (found.length === 1 && Number(found[0]) === this.#acknowledged) return;
    const { key, cluster } = this.around;
    cluster.violate(
      `${when}: ${key} counts [${found.join(', ')}] after ${this.#acknowledged} acknowledged increments`,
    );
  }
}

class Flood extends Client {
  readonly #acknowledged: string[] = [];

  async run(): Promise<void> {
    await Promise.all([0, 1, 2].map((client) => this.#client(client)));
  }

  async #client(client: number): Promise<void> {
    for (let turn = 0; turn < this.around.writes; turn++) {
      const value = `${client}.${turn}`;
      if ((await this.put(value, { context: '' })) !== null) this.#acknowledged.push(value);
      await this.pause(20);
    }
  }

  check(found: readonly string[], when: string): void {
    const lost = this.#acknowledged.filter((value) => !found.includes(value));
    if (lost.length === 0) return;
    this.around.cluster.violate(`${when}: ${this.around.key} lacks acknowledged ${lost.join(', ')}`);
  }
}

class Once extends Client {
  async run(): Promise<void> {
    for (let turn = 0; turn < this.around.writes / 3; turn++) {
      const key = `${this.around.key}.${turn}`;
      const claim = (siblings: readonly string[]): Mutation =>
        siblings.length > 0 ? { kind: 'none' } : { kind: 'put', value: Buffer.from('mine'), expiresAtMs: 0 };
      const won = await Promise.all([0, 1, 2].map(() => this.decide(key, claim)));
      const count = won.filter((answer) => answer?.result.written === true).length;
      if (count !== 1) this.around.cluster.violate(`${key} was claimed by ${count} of three clients`);
      await this.pause(20);
    }
  }

  check(): void {}
}

class Walk extends Client {
  readonly #written = new Set<string>();
  readonly #acknowledged = new Set<string>();

  async run(): Promise<void> {
    const { cluster, key, writes } = this.around;
    for (let turn = 0; turn < writes; turn++) {
      // Some all in one partition, and some all over the ring.
      const name = key.endsWith('0') ? `{${key}}.${turn}` : `${key}.${turn}`;
      this.#written.add(name);
      if ((await this.put('x', 'held', name)) !== null) this.#acknowledged.add(name);
      const member = this.someNode();
      // Refused or not: it must end, which is looked at when all is over.
      if (member !== null && cluster.random.chance(0.3)) {
        const countMax = cluster.random.pick([1, 10, 1_000]);
        await cluster.within(cluster.scan(member, countMax), 30_000).catch(() => {});
      }
      await this.pause(20);
    }
  }

  check(): void {}

  override async checkEverywhere(when: string): Promise<void> {
    const { cluster, key } = this.around;
    for (const member of cluster.members) {
      let found: Set<string>;
      try {
        found = new Set(await cluster.within(cluster.scan(member, 7), 30_000));
      } catch (error) {
        cluster.violate(`${when}, a walk at n${member.id} is refused: ${(error as Error).message}`);
        continue;
      }
      const lost = [...this.#acknowledged].filter((name) => !found.has(name));
      const strange = [...found].filter((name) => name.includes(key) && !this.#written.has(name));
      if (lost.length > 0 || strange.length > 0) {
        cluster.violate(
          `${when}, a walk at n${member.id} lacks [${lost.join()}] and shows [${strange.join()}], never written`,
        );
      }
    }
  }
}

export function workloadOf(name: WorkloadName, around: Surroundings): Workload {
  switch (name) {
    case 'register':
      return new Register(around);
    case 'set':
      return new SetFull(around);
    case 'causal':
      return new CausalRegister(around);
    case 'counter':
      return new Counter(around);
    case 'once':
      return new Once(around);
    case 'flood':
      return new Flood(around);
    case 'elements':
      return new Elements(around);
    case 'expiring':
      return new Expiring(around);
    case 'walk':
      return new Walk(around);
    case 'transactions':
      return new Transactions(around);
  }
}
