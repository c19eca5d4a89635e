/** What clients of all workloads have in common: whom they ask, how long they wait, and what they were promised. */
import type { LiveValue, Mutation, WriteResult } from '../../../core/ports/key-value-store.ts';
import type { Answer, Member, ReadAnswer, SimulatedCluster } from './cluster.ts';
import { mustMeet } from './oracle.ts';

export interface Counts {
  acknowledged: number;
  refused: number;
  reads: number;
  /** Refused requests, by what was answered. */
  readonly refusals: Record<string, number>;
  /** Refused by one node and then, asked once more, by another. */
  readonly failedTwice: string[];
}

export interface Surroundings {
  readonly cluster: SimulatedCluster;
  readonly key: string;
  readonly writes: number;
  readonly counts: Counts;
  /** What a read in between has to show: all that was acknowledged, what the levels promise, or nothing: then only the end counts. */
  readonly strict: 'always' | 'as promised' | 'never';
  /** Bytes added to each value. */
  readonly valueBytes: number;
  /** Whoever is refused asks another node, once. */
  readonly retriesElsewhere: boolean;
}

export interface Workload {
  run(): Promise<void>;
  /** `found`: what a read showed after everything healed. */
  check(found: readonly string[], when: string): void;
  /** More than reading the one key, if there is more. */
  checkEverywhere(when: string): Promise<void>;
}

/** A client gives up after this long: its node may have died with the answer. */
const patienceMs = 1_500;
/** Between what a value says and what only makes it long. */
const padding = '#';

export abstract class Client implements Workload {
  protected readonly around: Surroundings;

  constructor(around: Surroundings) {
    this.around = around;
  }

  abstract run(): Promise<void>;
  abstract check(found: readonly string[], when: string): void;

  async checkEverywhere(_when: string): Promise<void> {}

  protected pause(maxMs: number): Promise<void> {
    const { time, random } = this.around.cluster;
    return new Promise((resolve) => time.after(random.next() * maxMs, resolve));
  }

  protected someNode(but: Member | null = null): Member | null {
    const running = this.around.cluster.running().filter((member) => member.isOpen && member !== but);
    return running.length === 0 ? null : this.around.cluster.random.pick(running);
  }

  protected someReplicaRuns(): boolean {
    const { cluster, key } = this.around;
    const replicas = cluster.replicasOf(key).map(({ nodeId }) => nodeId);
    return cluster.running().some(({ id }) => replicas.includes(id));
  }

  /** Whether a read that was coordinated in one data center must show what was acknowledged in another. */
  protected mustSee(reader: string, writer: string): boolean {
    const { cluster, key, strict } = this.around;
    if (strict !== 'as promised') return strict === 'always';
    const { readLevel, writeLevel } = cluster.keyspace;
    return mustMeet(
      cluster.replicasOf(key),
      { level: readLevel, from: reader },
      { level: writeLevel, from: writer },
    );
  }

  /** The data center of the coordinator that acknowledged it; null: refused, unknown, or nobody to ask. */
  protected async put(
    value: string,
    basis: 'held' | { context: string },
    key = this.around.key,
    expiresAtMs: (nowMs: number) => number = () => 0,
  ): Promise<string | null> {
    const { cluster, counts } = this.around;
    const member = this.someNode();
    if (member === null) return null;
    const bytes = this.long(value);
    const decide = (): Mutation => ({
      kind: 'put',
      value: bytes,
      expiresAtMs: expiresAtMs(cluster.time.nowMs() + member.skewMs),
    });
    try {
      const what = `${key} = ${value}`;
      const answer = await this.#ask(member, what, (at) => cluster.change(at, { key, basis, decide }));
      counts.acknowledged++;
      cluster.note(`${key} = ${value} acknowledged by n${member.id}`);
      return answer.coordinator.dataCenter;
    } catch (error) {
      counts.refused++;
      cluster.note(`${key} = ${value} refused by n${member.id}: ${(error as Error).message}`);
      return null;
    }
  }

  /** A read-modify-write, as INCR and SET NX are. */
  protected async decide(
    key: string,
    decide: (siblings: readonly string[]) => Mutation,
  ): Promise<Answer<WriteResult> | null> {
    const { cluster, counts } = this.around;
    const member = this.someNode();
    if (member === null) return null;
    const textOf = ({ value }: LiveValue) => value.toString();
    try {
      const change = {
        key,
        basis: 'quorum' as const,
        decide: (siblings: readonly LiveValue[]) => decide(siblings.map(textOf)),
      };
      const answer = await cluster.within(cluster.change(member, change), patienceMs);
      counts.acknowledged++;
      return answer;
    } catch (error) {
      counts.refused++;
      this.#countRefusal(error as Error);
      cluster.note(`${key} refused by n${member.id}: ${(error as Error).message}`);
      return null;
    }
  }

  /** Several keys of one partition as one. The data center of the coordinator that acknowledged it; null: refused, or unknown. */
  protected async decideTogether(keys: readonly string[], decide: () => Mutation[]): Promise<string | null> {
    const { cluster, counts } = this.around;
    const member = this.someNode();
    if (member === null) return null;
    try {
      const { coordinator } = await cluster.within(cluster.changeTogether(member, keys, decide), patienceMs);
      counts.acknowledged++;
      cluster.note(`${keys.join()} acknowledged by n${coordinator.id}`);
      return coordinator.dataCenter;
    } catch (error) {
      counts.refused++;
      this.#countRefusal(error as Error);
      cluster.note(`${keys.join()} refused by n${member.id}: ${(error as Error).message}`);
      return null;
    }
  }

  protected long(value: string): Buffer {
    const { valueBytes } = this.around;
    return Buffer.from(valueBytes === 0 ? value : `${value}${padding}${'x'.repeat(valueBytes)}`);
  }

  async #ask<T>(member: Member, what: string, ask: (at: Member) => Promise<T>): Promise<T> {
    const { cluster, counts, retriesElsewhere } = this.around;
    try {
      return await cluster.within(ask(member), patienceMs);
    } catch (error) {
      this.#countRefusal(error as Error);
      const other = retriesElsewhere ? this.someNode(member) : null;
      if (other === null) throw error;
      cluster.note(
        `${what} refused by n${member.id}, and asked of n${other.id}: ${(error as Error).message}`,
      );
      try {
        return await cluster.within(ask(other), patienceMs);
      } catch (second) {
        this.#countRefusal(second as Error);
        const words = [error, second].map((one) => (one as Error).message);
        counts.failedTwice.push(`${what} by n${member.id}: ${words[0]} and by n${other.id}: ${words[1]}`);
        throw second;
      }
    }
  }

  #countRefusal({ message }: Error): void {
    const { refusals } = this.around.counts;
    refusals[message] = (refusals[message] ?? 0) + 1;
  }

  /** Null: refused, which is no violation: too few replicas could be reached. */
  protected async read(key = this.around.key): Promise<(ReadAnswer & { member: Member }) | null> {
    const { cluster, counts } = this.around;
    const member = this.someNode();
    if (member === null) return null;
    try {
      let asked = member;
      const found = await this.#ask(member, `a read of ${key}`, (at) => {
        asked = at;
        return cluster.readWithContext(at, key);
      });
      counts.reads++;
      return { ...found, values: found.values.map(unpadded), member: asked };
    } catch {
      return null;
    }
  }
}

export function unpadded(value: string): string {
  return value.split(padding)[0];
}
