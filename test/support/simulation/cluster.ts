/**
 * A cluster of real storage nodes in virtual time: the production node, coordinator and storage engine over simulated
 * network, disks and clocks. One seed decides everything; the same seed gives the same run, line by line.
 */
import { assert } from '../../../core/base/assert.ts';
import { CoterieError, toCoterieError } from '../../../core/base/errors.ts';
import type { ConflictPolicy, ConsistencyLevel, Durability } from '../../../core/base/levels.ts';
import {
  addressOf,
  type KeyAddress,
  partitionCount,
  partitionOf,
  partitionStart,
} from '../../../core/base/token.ts';
import { addNodes, removeNode } from '../../../core/layout/changes.ts';
import { isAhead, type LiveLayout, newestOf, type Tracker } from '../../../core/layout/history.ts';
import { firstLayout, type Layout, type LayoutKeyspace, placedOf } from '../../../core/layout/layout.ts';
import { StorageNode } from '../../../core/node/storage-node.ts';
import type { Cancellable, Clock, Timers } from '../../../core/ports/clock.ts';
import type {
  LiveValue,
  Mutation,
  Purpose,
  ReadResult,
  ScanPage,
  TogetherValue,
  WriteOptions,
  WriteResult,
} from '../../../core/ports/key-value-store.ts';
import { silentLog } from '../../../core/ports/log.ts';
import type { PeerNetwork } from '../../../core/ports/peer-network.ts';
import type { ReplicaPlace } from '../../../core/quorum/requirement.ts';
import type { CoordinatorStore } from '../../../core/replication/coordinator/store.ts';
import {
  defaultExpirySettings,
  type ExpirySettings,
} from '../../../core/replication/replica/expiry-turns.ts';
import type { CollectorSettings } from '../../../core/replication/replica/tombstone-collector.ts';
import { type MeetingOrder, topologyOf } from '../../../core/replication/topology.ts';
import { contextSealOf } from '../../../core/security/context-seal.ts';
import { Secrets } from '../../../core/security/secrets.ts';
import { openLogEngine } from '../../../core/storage/log-engine.ts';
import { patientDisk } from '../../../core/storage/patient-disk.ts';
import { headerLength } from '../../../core/versions/record-codec.ts';
import { SeededRandom } from '../seeded-random.ts';
import { SimulatedDisk } from '../simulated-disk.ts';
import { VirtualTime } from '../virtual-time.ts';
import { MeetingBook } from './meeting-book.ts';
import { type NetworkFaults, SimulatedNetwork } from './network.ts';
import { ledgerDifference } from './state-checks.ts';
import { DotBook, WatchedEngine } from './watched-engine.ts';

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

/** As long as a node that starts waits for the others before it takes clients (node-process/run-node.ts). */
const peersWaitMaxMs = 1_500;

export interface Member {
  readonly id: number;
  readonly dataCenter: string;
  readonly disk: SimulatedDisk;
  /** The member's clock differs from the others' by this much. */
  skewMs: number;
  timers: ProcessTimers;
  node: StorageNode | null;
  /** It took clients before: an empty disk means lost data. */
  hasRun: boolean;
  /** Clients are taken: it reaches the others, or has waited for them long enough. */
  isOpen: boolean;
}

export interface SimulationOptions {
  /** Nodes, each on a computer of its own; in one data center unless `dataCenters` says otherwise. */
  readonly nodeCount: number;
  /** Nodes in each data center: they add up to `nodeCount`. */
  readonly dataCenters?: Readonly<Record<string, number>>;
  /** Replicas in each data center; 3 without. */
  readonly factors?: Readonly<Record<string, number>>;
  readonly durability?: Durability;
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
  /** A deliberate fault: nobody waits for data to move before old owners are let go. */
  readonly releasesEarly?: boolean;
}

export interface ClientRead {
  readonly level?: ConsistencyLevel;
  readonly keyspace?: number;
}

export interface ClientChange extends ClientRead {
  readonly key: string;
  readonly basis: WriteOptions['basis'];
  readonly onlyIf?: string;
  decide(siblings: readonly LiveValue[]): Mutation;
}

/** What a client was told, and which member had the word. */
export interface Answer<T> {
  readonly result: T;
  readonly coordinator: Member;
}

export interface ReadAnswer {
  readonly values: string[];
  readonly context: string;
  readonly coordinator: Member;
}

const transcriptLineCountMax = 400;
/** A damaged hint is forgotten, and the ledger follows, within this. */
const ledgerSettlesMs = 3_000;
/** With `interval` a write is synced after a second; this is far beyond that, and beyond what a fault leaves behind. */
const unsyncedMaxMs = 2_500;
/** Accepted and not yet on disk: little enough for a slow disk to make a node refuse with `busy`. */
const pendingBytesMax = 2 * 1024 * 1024;

/** The deadline of requests between nodes twice, and the time that a page of a walk takes. */
const answerWithinMs = 10_000;

const lived = (layout: Layout): LiveLayout => ({ layout, digest: String(layout.version) });
/** What a coordinator does of a request; `order`: that by which it was chosen. */
type Run<T> = (
  store: CoordinatorStore,
  done: (error: CoterieError | null, result: T | null) => void,
  order: number,
) => void;

/** Several may have one version. */
const livedApart = (layout: Layout): LiveLayout => ({
  layout,
  digest: `${layout.version}-${layout.placedKey}-${placedOf(layout)}`,
});

export class SimulatedCluster {
  readonly time = new VirtualTime();
  readonly random: SeededRandom;
  readonly network: SimulatedNetwork;
  /** Those that people have not taken out of the cluster. */
  readonly members: Member[];
  readonly #newDisk: () => SimulatedDisk;
  #memberCount: number;
  #layout: Layout;
  #digest: string;
  #placed: { layout: Layout; replicas: readonly (readonly ReplicaPlace[])[] } | null = null;
  /** What a host knows to be live: it hears of what was released only from nodes that run. */
  #live: readonly LiveLayout[];
  /** What must never be, as it was seen: whoever runs the simulation looks here. */
  readonly #violations: string[] = [];
  readonly #dots = new DotBook((words) => this.violate(words));
  readonly #meetings = new MeetingBook((words) => this.violate(words));
  readonly #collector: CollectorSettings;
  readonly #expiry: ExpirySettings;
  readonly #segmentBytesMax: number;
  /** Requests that wait for their answer, with the process that owes it. */
  readonly #waiting = new Set<{
    readonly timers: ProcessTimers;
    readonly what: string;
    readonly sinceMs: number;
  }>();
  readonly #antiEntropyTickMs: number;
  readonly #releasesEarly: boolean;
  /** The last events, for the message of a failure. */
  readonly transcript: string[] = [];

  constructor(seed: number, options: SimulationOptions) {
    this.random = new SeededRandom(seed);
    this.network = new SimulatedNetwork(
      {
        time: this.time,
        random: this.random,
        transcript: (line) => this.note(line),
        isFar: (left, right) => this.#centerOf(left) !== this.#centerOf(right),
      },
      options.network,
    );
    const centers = options.dataCenters ?? { office: options.nodeCount };
    const places = Object.entries(centers).flatMap(([dataCenter, count]) =>
      Array.from({ length: count }, () => dataCenter),
    );
    assert(places.length === options.nodeCount, 'the data centers hold all nodes');
    const nodes = places.map((dataCenter, index) => ({ id: index + 1, dataCenter }));
    const layout = firstLayout({
      clusterId: 'simulated',
      clusterName: 'simulated',
      createdAtMs: 0,
      computers: nodes.map(({ id, dataCenter }) => ({ id: `c${id}`, name: `c${id}`, dataCenter })),
      nodes: nodes.map(({ id, dataCenter }) => ({
        id,
        name: `n${id}`,
        computer: `c${id}`,
        dataCenter,
        weight: 1,
      })),
    });
    this.#segmentBytesMax = options.segmentBytesMax ?? 8_000;
    this.#collector = options.collector ?? {
      tickMs: options.collectGraceMs === undefined ? 0 : 400,
      graceMs: options.collectGraceMs ?? 0,
      partitionsPerTick: 1_024,
    };
    this.#expiry = options.expiry ?? defaultExpirySettings;
    this.#antiEntropyTickMs = options.antiEntropyTickMs ?? 0;
    this.#releasesEarly = options.releasesEarly ?? false;
    const { readLevel, writeLevel, conflicts, sloppy, durability = 'always' } = options;
    this.#layout = {
      ...layout,
      keyspaces: layout.keyspaces.map((keyspace) => ({
        ...keyspace,
        readLevel,
        writeLevel,
        conflicts,
        sloppy,
        durability,
        factors: options.factors ?? keyspace.factors,
      })),
    };
    this.#live = [lived(this.#layout)];
    this.#digest = newestOf({ live: this.#live }).digest;
    this.#memberCount = nodes.length;
    this.#newDisk = () =>
      new SimulatedDisk(
        { timers: this.time, random: this.random },
        { delayMaxMs: options.diskDelayMaxMs, tornWrites: true },
      );
    this.members = nodes.map(({ id, dataCenter }) => {
      const timers = new ProcessTimers(this.time);
      const disk = this.#newDisk();
      const skewMs = Math.floor((this.random.next() - 0.5) * 2 * options.clockSkewMaxMs);
      return { id, dataCenter, disk, skewMs, timers, node: null, hasRun: false, isOpen: false };
    });
  }

  #centerOf(id: number): string | undefined {
    return this.members.find((member) => member.id === id)?.dataCenter;
  }

  /** Nodes that are new to the cluster: decided on together, then started. */
  async join(dataCenters: readonly string[], weight = 1): Promise<Member[]> {
    const { joined, layout } = this.drawJoin(this.#layout, this.#digest, dataCenters, weight);
    this.setLayout(layout);
    this.members.push(...joined);
    await Promise.all(joined.map((member) => this.start(member)));
    return joined;
  }

  /** The layout with a new node in each of the data centers; nobody knows of it yet, and they do not run. */
  drawJoin(
    from: Layout,
    digest: string,
    dataCenters: readonly string[],
    weight = 1,
  ): { joined: Member[]; layout: Layout } {
    const joined = dataCenters.map((dataCenter): Member => {
      const id = ++this.#memberCount;
      return {
        id,
        dataCenter,
        disk: this.#newDisk(),
        skewMs: 0,
        timers: new ProcessTimers(this.time),
        node: null,
        hasRun: false,
        isOpen: false,
      };
    });
    const places = joined.map(({ id, dataCenter }) => ({
      id,
      name: `n${id}`,
      computer: `c${id}`,
      dataCenter,
      weight,
    }));
    const computers = places.map(({ computer, dataCenter }) => ({
      id: computer,
      name: computer,
      dataCenter,
    }));
    return { joined, layout: addNodes(from, digest, places, computers) };
  }

  /** No layout but the newest is live anywhere. */
  get isSettled(): boolean {
    return this.running().every(
      ({ node }) => node!.layouts.live.length === 1 && newestOf(node!.layouts).digest === this.#digest,
    );
  }

  /** How far everybody is with the layouts, as each sees it. */
  waiting(): string {
    return this.running()
      .map(({ id, node }) => {
        const { live, trackers } = node!.layouts;
        const own = trackers.get(id);
        const versions = live.map(({ layout }) => layout.version).join('+');
        return `n${id} ${versions} ack ${own?.ack} sync ${own?.sync} all ${own?.syncAck} lacks ${node!.parts.eligibility.missingCount}, owes ${node!.parts.hints.targets()}`;
      })
      .join('; ');
  }

  /** A node is taken out of the cluster. It is still to be stopped (`part`) when it owes nothing any more. */
  decideToLeave(member: Member, isDead: boolean): void {
    this.note(`n${member.id} is ${isDead ? 'given up for dead' : 'to leave'}`);
    this.setLayout(removeNode(this.#layout, this.#digest, `n${member.id}`, isDead));
  }

  async part(member: Member): Promise<void> {
    this.members.splice(this.members.indexOf(member), 1);
    if (member.node !== null) await this.stop(member);
  }

  get layout(): Layout {
    return this.#layout;
  }

  /** The keyspace in which clients write and read. */
  get keyspace(): LayoutKeyspace {
    return this.#layout.keyspaces.find(({ id }) => id === 0)!;
  }

  /** Everybody who runs gets the new layout at once, whoever starts later at the start: as from a host that has them all. */
  setLayout(layout: Layout): void {
    this.#decided([lived(layout)]);
    for (const { node } of this.running()) void node!.offerLayouts(this.#live);
    if (this.#releasesEarly) this.#forgeTrackers();
  }

  /** What hosts know from now on to be live. */
  #decided(newest: readonly LiveLayout[]): void {
    const isLiveSomewhere = ({ digest }: LiveLayout) =>
      this.running().some(({ node }) => node!.layouts.live.some((one) => one.digest === digest));
    this.#live = [...this.#live.filter(isLiveSomewhere), ...newest];
    const { layout, digest } = newestOf({ live: newest });
    this.#layout = layout;
    this.#digest = digest;
  }

  /**
   * People decide at the same time, knowing nothing of one another: each at a node that alone hears of it, and tells the others.
   * Which of the decisions stands is a rule that needs no word between them. `joined`: nodes that a decision adds; they are started by
   * what is known where it was made.
   */
  decideApart(
    decisions: readonly { at: Member; layouts: readonly Layout[]; joined?: readonly Member[] }[],
  ): void {
    this.#meetings.close();
    const before = this.#live;
    const made = decisions.map(({ layouts }) => layouts.map(livedApart));
    const isBetter = (one: readonly LiveLayout[], other: readonly LiveLayout[]) =>
      isAhead(newestOf({ live: one }), newestOf({ live: other }));
    this.#decided(made.reduce((best, one) => (isBetter(one, best) ? one : best)));
    for (const [index, { at, joined = [] }] of decisions.entries()) {
      const known = [...before, ...made[index]];
      void at.node!.offerLayouts(known);
      this.members.push(...joined);
      for (const member of joined) void this.start(member, () => known);
    }
  }

  /** Every node believes of all others that they have what they should: the old owners are let go before anything has moved. */
  #forgeTrackers(): void {
    const all = { turn: 1e9, key: '', heard: 1e9, ack: 1e9, sync: 1e9, syncAck: 1e9 };
    for (const { id, node } of this.running()) {
      const trackers = node!.layouts.trackers as Map<number, Tracker>;
      for (const other of this.#layout.nodes) if (other.id !== id) trackers.set(other.id, all);
    }
  }

  /** Who replicates a key of the clients' keyspace, by the present layout. */
  replicasOf(key: string): readonly ReplicaPlace[] {
    return this.#replicas()[partitionOf(addressOf(0, Buffer.from(key)).tokenHigh)];
  }

  /** By partition. Every read of a client asks, so it is worked out once a layout. */
  #replicas(): readonly (readonly ReplicaPlace[])[] {
    if (this.#placed?.layout !== this.#layout) {
      const { replicas } = topologyOf(this.#layout, this.#layout.nodes[0].id).keyspaces.get(0)!;
      this.#placed = { layout: this.#layout, replicas };
    }
    return this.#placed.replicas;
  }

  /** What holds at every moment, whatever clients see: looked at after each step of the nemesis and at the end. */
  async checkState(when: string): Promise<void> {
    for (const { id, node, disk } of this.running()) {
      let wrong = await ledgerDifference(node!);
      if (wrong !== null) {
        // The look itself may have come upon a damaged hint: it is counted out once that has been dealt with.
        await new Promise<void>((resolve) => this.time.after(ledgerSettlesMs, resolve));
        wrong = await ledgerDifference(node!);
      }
      if (wrong !== null) this.violate(`${when}: n${id} ${wrong}`);
      const ageMs = this.time.monotonicMs() - (disk.unsyncedSinceMs ?? Number.POSITIVE_INFINITY);
      // A disk that takes no writes, or is slow, has its reasons.
      if (ageMs > unsyncedMaxMs && node!.engine.refusal === null && disk.faults.delayMaxMs < 100) {
        this.violate(`${when}: n${id} has held a write for ${ageMs.toFixed(0)} ms that no sync covered`);
      }
    }
  }

  get violations(): readonly string[] {
    return this.#violations;
  }

  violate(words: string): void {
    this.#violations.push(words);
    this.note(words);
  }

  note(line: string): void {
    this.transcript.push(`${this.time.monotonicMs().toFixed(1).padStart(9)} ${line}`);
    if (this.transcript.length > transcriptLineCountMax) this.transcript.shift();
  }

  async startAll(): Promise<void> {
    await this.time.until(Promise.all(this.members.map((member) => this.start(member))));
    await this.time.advance(500);
  }

  /** A node that does not start is a broken promise: whatever is on its disk, it must come up. */
  async start(member: Member, live = () => this.#live): Promise<void> {
    try {
      await this.#start(member, live);
    } catch (error) {
      this.violate(`n${member.id} does not start: ${(error as Error).message}`);
    }
  }

  async #start(member: Member, live: () => readonly LiveLayout[]): Promise<void> {
    const timers = new ProcessTimers(this.time);
    member.timers = timers;
    const clock: Clock = {
      nowMs: () => this.time.nowMs() + member.skewMs,
      monotonicMs: () => this.time.monotonicMs(),
    };
    const network = this.network.attach(member.id);
    // What a process that is gone had still meant to do to the disk does not happen.
    const disk = patientDisk(member.disk.forProcess(), timers);
    const node = await StorageNode.start(
      {
        clock,
        timers,
        disk,
        log: silentLog,
        random: this.random,
        network,
        openEngine: async () =>
          new WatchedEngine(
            await openLogEngine(
              { disk, clock, timers, log: silentLog },
              { folder: 'data', hotBytesMax: 4_000, segmentBytesMax: this.#segmentBytesMax, pendingBytesMax },
            ),
            {
              onPut: (address, value) => this.#dots.note(address, value, `n${member.id}`),
              onLargePage: (count, bytes) =>
                this.violate(`n${member.id}: a page of ${count} records holds ${bytes} bytes at once`),
            },
          ),
        endpointOf: () => ({ host: 'simulated', port: 1, network: null }),
        seal: contextSealOf(Secrets.of(Buffer.from('simulated'))),
      },
      {
        nodeId: member.id,
        deadlineMs: 1_000,
        slowMs: 60,
        pendingCountMax: 10_000,
        collector: this.#collector,
        expiry: this.#expiry,
        antiEntropyTickMs: this.#antiEntropyTickMs,
        vouchEveryMs: 1_000,
        hasRun: this.#antiEntropyTickMs > 0 && member.hasRun,
      },
      live(),
    );
    if (timers.dead) return;
    // It may have changed while the node was starting.
    void node.offerLayouts(live());
    member.node = node;
    member.hasRun = true;
    member.isOpen = false;
    this.note(`n${member.id} is up`);
    this.#openOnceReached(member, network);
  }

  /** As node-process/run-node.ts does. */
  #openOnceReached(member: Member, network: PeerNetwork): void {
    const open = () => {
      member.isOpen = true;
    };
    const look = () => {
      if (this.#layout.nodes.every(({ id }) => id === member.id || network.isUp(id))) open();
    };
    network.onChange(look);
    member.timers.after(peersWaitMaxMs, open);
    look();
  }

  /** The power of one machine goes: what its disk had not synced is lost. */
  crash(member: Member): void {
    this.note(`n${member.id} crashes`);
    member.timers.dead = true;
    member.node = null;
    this.network.detach(member.id);
    member.disk.crash();
  }

  /** The process ends in order, as when a person stops the node. */
  async stop(member: Member): Promise<void> {
    this.note(`n${member.id} is stopped`);
    const { node, timers } = member;
    member.node = null;
    // Whoever still waits at it is not answered any more.
    for (const request of this.#waiting) if (request.timers === timers) this.#waiting.delete(request);
    // One that cannot end in order ends as one that is killed does.
    await node?.stop().catch((error: Error) => {
      this.note(`n${member.id} does not stop in order: ${error.message}`);
      member.disk.crash();
    });
    timers.dead = true;
    this.network.detach(member.id);
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

  /** Requests that are not answered within the time in which every one should be, although their process lives. */
  async hanging(): Promise<string[]> {
    if (this.#waiting.size > 0) await this.time.advance(answerWithinMs);
    const latestMs = this.time.monotonicMs() - answerWithinMs;
    return [...this.#waiting]
      .filter(({ timers, sinceMs }) => !timers.dead && sinceMs <= latestMs)
      .map(({ what }) => what);
  }

  /** Every member runs and has what it lost, and all replicas of every key hold the same. */
  async isWhole(): Promise<boolean> {
    const isEqual = (await this.divergent()).length === 0;
    // Looked at afterwards: the walk itself comes upon damaged records.
    const running = this.running();
    const isRebuilt = running.every((member) => member.node!.parts.eligibility.isWhole);
    return running.length === this.members.length && isRebuilt && isEqual && this.isSettled;
  }

  /** Keys whose replicas do not all hold the same. */
  async divergent(): Promise<string[]> {
    const replicas = this.#replicas();
    const running = this.running();
    const held = await this.records();
    const keys = new Set(held.flatMap((records) => [...records.keys()]));
    return [...keys].filter((key) => {
      const partition = partitionOf(addressOf(0, Buffer.from(key)).tokenHigh);
      const owners = replicas[partition].map((replica) => replica.nodeId);
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
    basis: WriteOptions['basis'],
    expiresAtMs = 0,
  ): Promise<void> {
    const mutation: Mutation = { kind: 'put', value: Buffer.from(value), expiresAtMs };
    return this.change(member, { key, basis, decide: () => mutation }).then(() => {});
  }

  /** A delete that supersedes what a quorum knows. */
  remove(member: Member, key: string): Promise<void> {
    return this.change(member, { key, basis: 'quorum', decide: () => ({ kind: 'delete' }) }).then(() => {});
  }

  /** The member itself when it replicates the key, else the one that it would forward to. Throws when there is none. */
  #coordinatorFor(member: Member, address: KeyAddress, purpose: Purpose): Member {
    const holder = member.node!.store.coordinatorOf(address, purpose);
    const found = holder === null ? member : this.members.find((other) => other.id === holder);
    // Stopped, or no longer in the cluster.
    if (found === undefined || found.node === null) throw new CoterieError('unavailable', 'down');
    return found;
  }

  /**
   * One request of a client to one member, as a command that comes over a socket: a process that stands still takes it later. One that
   * comes to a node which decides no more, or not yet, is asked again in a moment, as gateways do.
   */
  async #request<T>(
    member: Member,
    what: string,
    address: KeyAddress | null,
    purpose: Purpose,
    run: Run<T>,
  ): Promise<Answer<T>> {
    for (let tries = 0; ; tries++) {
      try {
        return await this.#askOnce(member, what, address, purpose, run);
      } catch (error) {
        if (toCoterieError(error, 'internal').code !== 'moved' || tries === 300) throw error;
        await new Promise<void>((resolve) => this.time.after(10, resolve));
      }
    }
  }

  #askOnce<T>(
    member: Member,
    what: string,
    address: KeyAddress | null,
    purpose: Purpose,
    run: Run<T>,
  ): Promise<Answer<T>> {
    return new Promise((resolve, reject) => {
      if (member.node === null) {
        reject(new CoterieError('unavailable', 'down'));
        return;
      }
      const coordinator = address === null ? member : this.#coordinatorFor(member, address, purpose);
      const meets = address !== null && purpose === 'read-modify-write';
      const order = meets ? member.node.store.meetingOrder(address) : 0;
      const { timers } = coordinator;
      const request = { timers, what: `${what} at n${member.id}`, sinceMs: this.time.monotonicMs() };
      this.#waiting.add(request);
      let answered = false;
      const done = (error: CoterieError | null, result: T | null) => {
        if (answered) this.violate(`answered twice: ${request.what}`);
        answered = true;
        this.#waiting.delete(request);
        if (error !== null) reject(error);
        else resolve({ result: result!, coordinator });
      };
      timers.after(0, () => {
        // As gateways do: where it meets is looked at again by whom it was sent to, and then no more.
        if (!meets || coordinator === member) {
          this.#decide(coordinator, address, { meets, order }, run, done);
          return;
        }
        let last: Member;
        try {
          last = this.#coordinatorFor(coordinator, address, purpose);
        } catch (error) {
          done(toCoterieError(error, 'internal'), null);
          return;
        }
        const lastOrder = last === coordinator ? order : coordinator.node!.store.meetingOrder(address);
        request.timers = last.timers;
        last.timers.after(0, () => this.#decide(last, address, { meets, order: lastOrder }, run, done));
      });
    });
  }

  /** Runs a request at the member that coordinates it, and notes by which layout's order that one decided. */
  #decide<T>(
    member: Member,
    address: KeyAddress | null,
    { meets, order }: { meets: boolean; order: number },
    run: Run<T>,
    done: Parameters<Run<T>>[1],
  ): void {
    const node = member.node!;
    const decidedBy = meets ? meetingOrderOf(node, address!) : null;
    let isTurnedAway = false;
    let isRunning = true;
    run(
      node.store,
      (error, result) => {
        isTurnedAway = isRunning && error?.code === 'moved';
        done(error, result);
      },
      order,
    );
    isRunning = false;
    if (decidedBy === null || isTurnedAway) return;
    this.#meetings.note(member.id, partitionOf(address!.tokenHigh), decidedBy);
  }

  /** Rejects when it is refused. */
  change(member: Member, change: ClientChange): Promise<Answer<WriteResult>> {
    const { key, basis, onlyIf, level, decide, keyspace = 0 } = change;
    const address = addressOf(keyspace, Buffer.from(key));
    const purpose = basis === 'quorum' ? 'read-modify-write' : 'write';
    return this.#request<WriteResult>(member, `a write of ${key}`, address, purpose, (store, done, order) => {
      const at = level === undefined ? {} : { level };
      store.write(
        address,
        { basis, order, ...at, ...(onlyIf === undefined ? {} : { onlyIf }) },
        decide,
        done,
      );
    });
  }

  /** Several keys of one partition, as one. */
  changeTogether(
    member: Member,
    keys: readonly string[],
    decide: (values: readonly TogetherValue[]) => readonly Mutation[],
  ): Promise<Answer<Pick<WriteResult, 'written' | 'acknowledgedCount'>>> {
    const addresses = keys.map((key) => addressOf(0, Buffer.from(key)));
    const what = `a write of ${keys.join(' and ')}`;
    return this.#request(member, what, addresses[0], 'read-modify-write', (store, done, order) => {
      store.writeTogether(
        addresses.map((address) => ({ address })),
        { order },
        decide,
        done,
      );
    });
  }

  async read(member: Member, key: string, options: ClientRead = {}): Promise<string[]> {
    return (await this.readWithContext(member, key, options)).values;
  }

  async readWithContext(member: Member, key: string, options: ClientRead = {}): Promise<ReadAnswer> {
    const { level, keyspace = 0 } = options;
    const address = addressOf(keyspace, Buffer.from(key));
    const { result, coordinator } = await this.#request<ReadResult>(
      member,
      `a read of ${key}`,
      address,
      'read',
      (store, done) => store.read(address, level === undefined ? {} : { level }, done),
    );
    const values = result.siblings.map((sibling) => sibling.value.toString());
    return { values, context: result.context(), coordinator };
  }

  /** All keys that a member's walk shows. Rejects when it is refused, also half-way. */
  async scan(member: Member, countMax: number): Promise<string[]> {
    const keys: string[] = [];
    let position: number | null = 0;
    while (position !== null) {
      const from: number = position;
      const { result }: Answer<ScanPage> = await this.#request<ScanPage>(
        member,
        `a walk from ${from}`,
        null,
        'read',
        (store, done) => store.scan(0, from, countMax, done),
      );
      keys.push(...result.keys.map(String));
      position = result.nextPosition;
    }
    return keys;
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

/** By which a node decides what it is sent now. */
function meetingOrderOf({ store, parts }: StorageNode, address: KeyAddress): MeetingOrder | null {
  const placed = store.meetingOrder(address);
  const { orders } = parts.topology().keyspaces.get(address.keyspace)!;
  return orders.find((order) => order.placed === placed) ?? null;
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
