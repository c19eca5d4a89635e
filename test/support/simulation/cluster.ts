/**
 * A cluster of real storage nodes in virtual time: the production node, coordinator and storage engine over simulated
 * network, disks and clocks. One seed decides everything; the same seed gives the same run, line by line.
 */
import { CoterieError } from '../../../core/base/errors.ts';
import type { ConflictPolicy, ConsistencyLevel } from '../../../core/base/levels.ts';
import { addressOf } from '../../../core/base/token.ts';
import { firstLayout, type Layout } from '../../../core/layout/layout.ts';
import { StorageNode } from '../../../core/node/storage-node.ts';
import type { Cancellable, Clock, Timers } from '../../../core/ports/clock.ts';
import type { Mutation } from '../../../core/ports/key-value-store.ts';
import { silentLog } from '../../../core/ports/log.ts';
import type { CollectorSettings } from '../../../core/replication/tombstone-collector.ts';
import { openLogEngine } from '../../../core/storage/log-engine.ts';
import { SeededRandom } from '../seeded-random.ts';
import { SimulatedDisk } from '../simulated-disk.ts';
import { VirtualTime } from '../virtual-time.ts';
import { type NetworkFaults, SimulatedNetwork } from './network.ts';

/** A process' timers: they die with it. */
class ProcessTimers implements Timers {
  readonly #time: VirtualTime;
  dead = false;

  constructor(time: VirtualTime) {
    this.#time = time;
  }

  after(delayMs: number, action: () => void): Cancellable {
    return this.#time.after(delayMs, () => {
      if (!this.dead) action();
    });
  }

  atTurnEnd(action: () => void): void {
    this.after(0, action);
  }
}

interface Member {
  readonly id: number;
  readonly disk: SimulatedDisk;
  /** The member's clock differs from the others' by this much. */
  skewMs: number;
  timers: ProcessTimers;
  node: StorageNode | null;
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
}

const transcriptLineCountMax = 400;

export class SimulatedCluster {
  readonly time = new VirtualTime();
  readonly random: SeededRandom;
  readonly network: SimulatedNetwork;
  readonly members: Member[];
  readonly layout: Layout;
  readonly #collector: CollectorSettings;
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
    this.#collector = {
      tickMs: options.collectGraceMs === undefined ? 0 : 400,
      graceMs: options.collectGraceMs ?? 0,
      partitionsPerTick: 1_024,
    };
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
      return { id, disk, skewMs, timers, node: null };
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
            { folder: 'data', hotBytesMax: 4_000, segmentBytesMax: 8_000 },
          ),
        endpointOf: () => ({ host: 'simulated', port: 0 }),
      },
      {
        nodeId: member.id,
        deadlineMs: 1_000,
        slowMs: 60,
        pendingCountMax: 10_000,
        collector: this.#collector,
      },
      this.layout,
    );
    if (timers.dead) return;
    member.node = node;
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

  running(): Member[] {
    return this.members.filter((member) => member.node !== null);
  }

  write(
    member: Member,
    key: string,
    value: string,
    basis: 'held' | 'quorum' | { context: string },
  ): Promise<void> {
    return this.#change(member, key, { kind: 'put', value: Buffer.from(value), expiresAtMs: 0 }, basis);
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
      member.node.store.write(
        addressOf(0, Buffer.from(key)),
        { basis },
        () => mutation,
        (error) => {
          if (error === null) resolve();
          else reject(error);
        },
      );
    });
  }

  /** A delete that supersedes what a quorum knows. */
  remove(member: Member, key: string): Promise<void> {
    return this.#change(member, key, { kind: 'delete' }, 'quorum');
  }

  read(member: Member, key: string): Promise<string[]> {
    return new Promise((resolve, reject) => {
      if (member.node === null) {
        reject(new CoterieError('unavailable', 'down'));
        return;
      }
      member.node.store.read(addressOf(0, Buffer.from(key)), {}, (error, result) => {
        if (error !== null) reject(error);
        else resolve(result!.siblings.map((sibling) => sibling.value.toString()));
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
