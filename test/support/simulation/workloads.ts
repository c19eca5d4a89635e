/**
 * What clients do in a run, and what they must see. Each workload keeps the books of one key: `run` writes and reads while
 * things go wrong, `check` judges what a read shows.
 *
 * register: one client writes growing numbers, plainly; a read shows the last acknowledged one or a later one.
 * set: blind writes, which nothing supersedes; a read shows every acknowledged one (set-full of Jepsen).
 * causal: three clients write with the context of their own last read; what is there in the end is exactly what no other
 * write had seen: nothing acknowledged is lost, nothing superseded comes back, siblings are the concurrent writes.
 */
import type { Member, SimulatedCluster } from './cluster.ts';

export type WorkloadName = 'register' | 'set' | 'causal';

export interface Counts {
  acknowledged: number;
  refused: number;
  reads: number;
}

export interface Surroundings {
  readonly cluster: SimulatedCluster;
  readonly key: string;
  readonly writes: number;
  readonly counts: Counts;
  /** Whether a read in between must show every acknowledged write; without, only what is there in the end counts. */
  readonly strict: boolean;
  violate(words: string): void;
}

export interface Workload {
  run(): Promise<void>;
  check(found: readonly string[], when: string, atEnd: boolean): void;
}

/** A client gives up after this long: its node may have died with the answer. */
const patienceMs = 1_500;

abstract class Client implements Workload {
  protected readonly around: Surroundings;

  constructor(around: Surroundings) {
    this.around = around;
  }

  abstract run(): Promise<void>;
  abstract check(found: readonly string[], when: string, atEnd: boolean): void;

  protected pause(maxMs: number): Promise<void> {
    const { time, random } = this.around.cluster;
    return new Promise((resolve) => time.after(random.next() * maxMs, resolve));
  }

  protected someNode(): Member | null {
    const running = this.around.cluster.running();
    return running.length === 0 ? null : this.around.cluster.random.pick(running);
  }

  /** True: acknowledged. False: refused or unknown. Null: nobody to ask. */
  protected async write(value: string, basis: 'held' | { context: string }): Promise<boolean | null> {
    const { cluster, key, counts } = this.around;
    const member = this.someNode();
    if (member === null) return null;
    try {
      await cluster.within(cluster.write(member, key, value, basis), patienceMs);
      counts.acknowledged++;
      cluster.note(`${key} = ${value} acknowledged by n${member.id}`);
      return true;
    } catch (error) {
      counts.refused++;
      cluster.note(`${key} = ${value} refused by n${member.id}: ${(error as Error).message}`);
      return false;
    }
  }

  /** Null: refused, which is no violation: too few replicas could be reached. */
  protected async read(): Promise<{ values: string[]; context: string; member: Member } | null> {
    const { cluster, key, counts } = this.around;
    const member = this.someNode();
    if (member === null) return null;
    try {
      const found = await cluster.within(cluster.readWithContext(member, key), patienceMs);
      counts.reads++;
      return { ...found, member };
    } catch {
      return null;
    }
  }
}

abstract class Numbers extends Client {
  protected readonly mine = new Set<number>();
  protected abstract readonly basis: 'held' | { context: string };

  async run(): Promise<void> {
    for (let number = 1; number <= this.around.writes; number++) {
      if ((await this.write(String(number), this.basis)) === true) this.mine.add(number);
      await this.pause(40);
      if (!this.around.cluster.random.chance(0.5)) continue;
      const expected = new Set(this.mine);
      const found = await this.read();
      if (found !== null && this.around.strict) {
        this.compare(expected, found.values, `read at n${found.member.id}`);
      }
    }
  }

  check(found: readonly string[], when: string): void {
    this.compare(this.mine, found, when);
  }

  protected compare(expected: ReadonlySet<number>, found: readonly string[], when: string): void {
    const lost = this.lostOf(expected, found.map(Number));
    if (lost.length === 0) return;
    const shown = found.join(', ');
    this.around.violate(
      `${when}: ${this.around.key} lacks acknowledged ${lost.join(', ')}; it shows [${shown}]`,
    );
  }

  protected abstract lostOf(expected: ReadonlySet<number>, found: readonly number[]): number[];
}

class Register extends Numbers {
  protected readonly basis = 'held';

  protected lostOf(expected: ReadonlySet<number>, found: readonly number[]): number[] {
    return [...expected].slice(-1).filter((number) => Math.max(-1, ...found) < number);
  }
}

class SetFull extends Numbers {
  protected readonly basis = { context: '' };

  protected lostOf(expected: ReadonlySet<number>, found: readonly number[]): number[] {
    return [...expected].filter((number) => !found.includes(number));
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
        if (this.around.strict) this.#complain(read.values, `read at n${read.member.id}`, false);
        await this.pause(30);
        const write: Write = { value: `${client}.${turn}`, saw: read.values, acknowledged: false };
        this.#writes.push(write);
        if ((await this.write(write.value, { context: read.context })) === true) write.acknowledged = true;
      }
      await this.pause(40);
    }
  }

  check(found: readonly string[], when: string, atEnd: boolean): void {
    this.#complain(found, when, atEnd);
  }

  #complain(found: readonly string[], when: string, atEnd: boolean): void {
    const { key } = this.around;
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
    if (strange.length > 0) this.around.violate(`${when}: ${key} shows ${strange.join(', ')}, never written`);
    if (back.length > 0)
      this.around.violate(`${when}: ${key} shows ${back.join(', ')}, which was superseded`);
    if (lost.length > 0) {
      this.around.violate(
        `${when}: ${key} lacks acknowledged ${lost.map((write) => write.value).join(', ')}`,
      );
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
  }
}
