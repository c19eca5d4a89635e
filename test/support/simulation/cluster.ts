/**
 * A cluster of real storage nodes in virtual time: the production node, coordinator and storage engine over simulated
 * network, disks and clocks. One seed decides everything; the same seed gives the same run, line by line.
 */
import { CoterieError } from '../../../core/base/errors.ts';
import type { ConflictPolicy, ConsistencyLevel } from '../../../core/base/levels.ts';
import { addressOf, partitionCount, partitionOf, partitionStart } from '../../../core/base/token.ts';
import { firstLayout, type Layout } from '../../../core/layout/layout.ts';
import { StorageNode } from '../../../core/node/storage-node.ts';
import type { Cancellable, Clock, Timers } from '../../../core/ports/clock.ts';
import type { Mutation } from '../../../core/ports/key-value-store.ts';
import { silentLog } from '../../../core/ports/log.ts';
import { defaultExpirySettings, type ExpirySettings } from '../../../core/replication/expiry-turns.ts';
import type { CollectorSettings } from '../../../core/replication/tombstone-collector.ts';
import { topologyOf } from '../../../core/replication/topology.ts';
import { openLogEngine } from '../../../core/storage/log-engine.ts';
import { headerLength } from '../../../core/versions/record-codec.ts';
import { SeededRandom } from '../seeded-random.ts';
import { SimulatedDisk } from '../simulated-disk.ts';
import { VirtualTime } from '../virtual-time.ts';
import { type NetworkFaults, SimulatedNetwork } from './network.ts';

/** A process' timers: they die with it. */
class ProcessTimers implements Timers {
  readonly #time: VirtualTime;
  dead = false;
  /** What fell due while the process stood still; null while it runs. */
  #held: (() => void)[] | null = null;

  constructor(time: VirtualTime) {
    this.#time = time;
  }

  after(delayMs: number, action: () => void): Cancellable {
    return this.#time.after(delayMs, () => {
      if (this.dead) return;
      if (this.#held === null) action();
      else this.#held.push(action);
    });
  }

  pause(): void {
    this.#held ??= [];
  }

  resume(): void {
    const held = this.#held ?? [];
    this.#held = null;
    for (const action of held) if (!this.dead) action();
  }

  atTurnEnd(action: () => void): void {
    this.after(0, action);
  }
}

export interface Member {
  readonly id: number;
  readonly disk: SimulatedDisk;
  /** The member's clock differs from the others' by this much. */
  skewMs: number;
  timers: ProcessTimers;
  node: StorageNode | null;
  /** It took clients before: an empty disk means lost data. */
  hasRun: boolean;
}

export interface SimulationOptions {
  readonly nodeCount: number;
  readonly readLevel: ConsistencyLevel;
  readonly writeLevel: ConsistencyLevel;
  readonly conflicts: ConflictPolicy;
  readonly sloppy: boolean;
  readonly network: NetworkFaults;
  /** Clocks differ by up to this much. */
  readonly clockSkewMaxMs: number;
  readonly diskDelayMaxMs: number;
  /** Collection of tombstones, in a hurry; none without. */
  readonly collectGraceMs?: number;
  /** Instead: at another pace, such as production's. */
  readonly collector?: CollectorSettings;
  /** 8,000 bytes without: many small segments find more faults. */
  readonly segmentBytesMax?: number;
  /** Forgetting of expired values, in a hurry; as in production without. */
  readonly expiry?: ExpirySettings;
  /** Background comparison of replicas; none without. */
  readonly antiEntropyTickMs?: number;
}

const transcriptLineCountMax = 400;

export class SimulatedCluster {
  readonly time = new VirtualTime();
  readonly random: SeededRandom;
  readonly network: SimulatedNetwork;
  readonly members: Member[];
  readonly layout: Layout;
  readonly #collector: CollectorSettings;
  readonly #expiry: ExpirySettings;
  readonly #segmentBytesMax: number;
  /** Requests that wait for their answer, with the process that owes it. */
  readonly #waiting = new Set<{ readonly timers: ProcessTimers; readonly what: string }>();
  readonly #antiEntropyTickMs: number;
  /** The last events, for the message of a failure. */
  readonly transcript: string[] = [];

  constructor(seed: number, options: SimulationOptions) {
    this.random = new SeededRandom(seed);
    this.network = new SimulatedNetwork(
      { time: this.time, random: this.random, transcript: (line) => this.note(line) },
      options.network,
    );
    const ids = Array.from({ length: options.nodeCount }, (_, index) => index + 1);
    const layout = firstLayout({
      clusterId: 'simulated',
      clusterName: 'simulated',
      createdAtMs: 0,
      computers: ids.map((id) => ({ id: `c${id}`, name: `c${id}`, dataCenter: 'office' })),
      nodes: ids.map((id) => ({ id, name: `n${id}`, computer: `c${id}`, dataCenter: 'office', weight: 1 })),
    });
    this.#segmentBytesMax = options.segmentBytesMax ?? 8_000;
    this.#collector = options.collector ?? {
      tickMs: options.collectGraceMs === undefined ? 0 : 400,
      graceMs: options.collectGraceMs ?? 0,
      partitionsPerTick: 1_024,
    };
    this.#expiry = options.expiry ?? defaultExpirySettings;
    this.#antiEntropyTickMs = options.antiEntropyTickMs ?? 0;
    const { readLevel, writeLevel, conflicts, sloppy } = options;
    this.layout = {
      ...layout,
      keyspaces: layout.keyspaces.map((keyspace) => ({
        ...keyspace,
        readLevel,
        writeLevel,
        conflicts,
        sloppy,
      })),
    };
    this.members = ids.map((id) => {
      const timers = new ProcessTimers(this.time);
      const disk = new SimulatedDisk(
        { timers: this.time, random: this.random },
        { delayMaxMs: options.diskDelayMaxMs, tornWrites: true },
      );
      const skewMs = Math.floor((this.random.next() - 0.5) * 2 * options.clockSkewMaxMs);
      return { id, disk, skewMs, timers, node: null, hasRun: false };
    });
  }

  note(line: string): void {
    this.transcript.push(`${this.time.monotonicMs().toFixed(1).padStart(9)} ${line}`);
    if (this.transcript.length > transcriptLineCountMax) this.transcript.shift();
  }

  async startAll(): Promise<void> {
    await this.time.until(Promise.all(this.members.map((member) => this.start(member))));
    await this.time.advance(500);
  }

  async start(member: Member): Promise<void> {
    const timers = new ProcessTimers(this.time);
    member.timers = timers;
    const clock: Clock = {
      nowMs: () => this.time.nowMs() + member.skewMs,
      monotonicMs: () => this.time.monotonicMs(),
    };
    const network = this.network.attach(member.id);
    const node = await StorageNode.start(
      {
        clock,
        timers,
        disk: member.disk,
        log: silentLog,
        random: this.random,
        network,
        openEngine: () =>
          openLogEngine(
            { disk: member.disk, clock, timers, log: silentLog },
            { folder: 'data', hotBytesMax: 4_000, segmentBytesMax: this.#segmentBytesMax },
          ),
        endpointOf: () => ({ host: 'simulated', port: 0 }),
      },
      {
        nodeId: member.id,
        deadlineMs: 1_000,
        slowMs: 60,
        pendingCountMax: 10_000,
        collector: this.#collector,
        expiry: this.#expiry,
        antiEntropyTickMs: this.#antiEntropyTickMs,
        hasRun: this.#antiEntropyTickMs > 0 && member.hasRun,
      },
      this.layout,
    );
    if (timers.dead) return;
    member.node = node;
    member.hasRun = true;
    this.note(`n${member.id} is up`);
  }

  /** The power of one machine goes: what its disk had not synced is lost. */
  crash(member: Member): void {
    this.note(`n${member.id} crashes`);
    member.timers.dead = true;
    member.node = null;
    this.network.detach(member.id);
    member.disk.crash();
  }

  /** A process stands still; its disk does not. */
  pause(member: Member): void {
    this.note(`n${member.id} stands still`);
    member.timers.pause();
    this.network.pause(member.id);
  }

  resume(member: Member): void {
    this.note(`n${member.id} goes on`);
    this.network.resume(member.id);
    member.timers.resume();
  }

  /** What each running member holds of each key: header bytes in hexadecimal, by key. */
  async records(): Promise<Map<string, string>[]> {
    return Promise.all(this.running().map((member) => heldBy(member.node!)));
  }

  /** Requests that were never answered although their process lives. */
  hanging(): string[] {
    return [...this.#waiting].filter(({ timers }) => !timers.dead).map(({ what }) => what);
  }

  /** Every member runs and has what it lost, and all replicas of every key hold the same. */
  async isWhole(): Promise<boolean> {
    const isEqual = (await this.divergent()).length === 0;
    // Looked at afterwards: the walk itself comes upon damaged records.
    const running = this.running();
    const isRebuilt = running.every((member) => member.node!.parts.completeness.isWhole);
    return running.length === this.members.length && isRebuilt && isEqual;
  }

  /** Keys whose replicas do not all hold the same. */
  async divergent(): Promise<string[]> {
    const topology = topologyOf(this.layout, this.members[0].id);
    const state = topology.keyspaces.get(0)!;
    const running = this.running();
    const held = await this.records();
    const keys = new Set(held.flatMap((records) => [...records.keys()]));
    return [...keys].filter((key) => {
      const partition = partitionOf(addressOf(0, Buffer.from(key)).tokenHigh);
      const owners = state.replicas[partition].map((replica) => replica.nodeId);
      const copies = running.flatMap((member, index) =>
        owners.includes(member.id) ? [held[index].get(key)] : [],
      );
      return new Set(copies).size > 1;
    });
  }

  running(): Member[] {
    return this.members.filter((member) => member.node !== null);
  }

  write(
    member: Member,
    key: string,
    value: string,
    basis: 'held' | 'quorum' | { context: string },
    expiresAtMs = 0,
  ): Promise<void> {
    return this.#change(member, key, { kind: 'put', value: Buffer.from(value), expiresAtMs }, basis);
  }

  /** The member itself when it replicates the key, else the one that it would forward to. Throws when there is none. */
  #replicaFor(member: Member, key: string): Member {
    const holder = member.node!.store.coordinatorOf(addressOf(0, Buffer.from(key)), false);
    const found = holder === null ? member : this.members.find((other) => other.id === holder)!;
    if (found.node === null) throw new CoterieError('unavailable', 'down');
    return found;
  }

  #change(
    member: Member,
    key: string,
    mutation: Mutation,
    basis: 'held' | 'quorum' | { context: string },
  ): Promise<void> {
    return new Promise((resolve, reject) => {
      if (member.node === null) {
        reject(new CoterieError('unavailable', 'down'));
        return;
      }
      const { timers, node } = this.#replicaFor(member, key);
      const { store } = node!;
      const request = { timers, what: `a write of ${key} at n${member.id}` };
      this.#waiting.add(request);
      // As a command that comes over a socket: a process that stands still takes it later.
      timers.after(0, () => {
        store.write(
          addressOf(0, Buffer.from(key)),
          { basis },
          () => mutation,
          (error) => {
            this.#waiting.delete(request);
            if (error === null) resolve();
            else reject(error);
          },
        );
      });
    });
  }

  /** A delete that supersedes what a quorum knows. */
  remove(member: Member, key: string): Promise<void> {
    return this.#change(member, key, { kind: 'delete' }, 'quorum');
  }

  async read(member: Member, key: string): Promise<string[]> {
    return (await this.readWithContext(member, key)).values;
  }

  readWithContext(member: Member, key: string): Promise<{ values: string[]; context: string }> {
    return new Promise((resolve, reject) => {
      if (member.node === null) {
        reject(new CoterieError('unavailable', 'down'));
        return;
      }
      const { timers, node } = this.#replicaFor(member, key);
      const { store } = node!;
      const request = { timers, what: `a read of ${key} at n${member.id}` };
      this.#waiting.add(request);
      timers.after(0, () => {
        store.read(addressOf(0, Buffer.from(key)), {}, (error, result) => {
          this.#waiting.delete(request);
          if (error !== null) reject(error);
          else {
            const values = result!.siblings.map((sibling) => sibling.value.toString());
            resolve({ values, context: result!.context() });
          }
        });
      });
    });
  }

  /** A client gives up after a while: its node may have died with the answer. Rejects then. */
  within<T>(promise: Promise<T>, limitMs: number): Promise<T> {
    return new Promise((resolve, reject) => {
      const timer = this.time.after(limitMs, () => reject(new CoterieError('unavailable', 'no answer')));
      promise.then(
        (value) => {
          timer.cancel();
          resolve(value);
        },
        (error) => {
          timer.cancel();
          reject(error);
        },
      );
    });
  }
}

async function heldBy(node: StorageNode): Promise<Map<string, string>> {
  const held = new Map<string, string>();
  for (let partition = 0; partition < partitionCount; partition++) {
    const request = { keyspace: 0, partition, fromPosition: partitionStart(partition), countMax: 10_000 };
    await new Promise<void>((resolve) => {
      node.engine.scan(request, (_, result) => {
        for (const { key, value } of result?.records ?? []) {
          held.set(key.toString(), value.toString('hex', 0, headerLength(value)));
        }
        resolve();
      });
    });
  }
  return held;
}
