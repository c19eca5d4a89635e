/** What clients of all workloads have in common: whom they ask, how long they wait, and what they were promised. */
import type { LiveValue, Mutation, WriteResult } from '../../../core/ports/key-value-store.ts';
import type { Answer, Member, ReadAnswer, SimulatedCluster } from './cluster.ts';
import { mustMeet } from './oracle.ts';

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
  /** What a read in between has to show: all that was acknowledged, what the levels promise, or nothing: then only the end counts. */
  readonly strict: 'always' | 'as promised' | 'never';
  /** Bytes added to each value. */
  readonly valueBytes: number;
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

  protected someNode(): Member | null {
    const running = this.around.cluster.running();
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
    const { cluster, counts, valueBytes } = this.around;
    const member = this.someNode();
    if (member === null) return null;
    const bytes = Buffer.from(valueBytes === 0 ? value : `${value}${padding}${'x'.repeat(valueBytes)}`);
    const decide = (): Mutation => ({
      kind: 'put',
      value: bytes,
      expiresAtMs: expiresAtMs(cluster.time.nowMs() + member.skewMs),
    });
    try {
      const answer = await cluster.within(cluster.change(member, { key, basis, decide }), patienceMs);
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
      cluster.note(`${key} refused by n${member.id}: ${(error as Error).message}`);
      return null;
    }
  }

  /** Null: refused, which is no violation: too few replicas could be reached. */
  protected async read(key = this.around.key): Promise<(ReadAnswer & { member: Member }) | null> {
    const { cluster, counts } = this.around;
    const member = this.someNode();
    if (member === null) return null;
    try {
      const found = await cluster.within(cluster.readWithContext(member, key), patienceMs);
      counts.reads++;
      return { ...found, values: found.values.map(unpadded), member };
    } catch {
      return null;
    }
  }
}

export function unpadded(value: string): string {
  return value.split(padding)[0];
}
