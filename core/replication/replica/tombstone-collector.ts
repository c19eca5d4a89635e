/**
 * Forgets deletions for good, and expired values that no node may forget by itself (expired-values.ts). A tombstone may go
 * only when nothing older can come back afterwards, and time alone never shows that (scylladb issue 23712; Kleppmann and
 * others call the accident a resurrection). The rule of this file:
 *
 * 1. Every owner of the key holds exactly this record, judges it dead by its own clock, and has all data of the partition.
 * 2. No node keeps a hint for the partition, none holds another record of the key without being an owner, and none is down,
 *    because a node that cannot be asked may do either.
 * 3. The layout is the same, and both were true twice, `graceMs` apart by a clock that never jumps, without any node down in
 *    between: whatever was on its way at the first look has arrived by the second, and met the tombstone.
 *
 * Why that is enough: after the first look every owner holds this record or a descendant of it, so nothing older is sent any
 * more; what was sent before has arrived, `graceMs` being longer than any frame can be on its way; so at the second look
 * nothing older exists, anywhere. What is written from then on starts anew, or with the context of an earlier read, and
 * neither brings an old value.
 *
 * One owner, the one with the smallest id, asks. It goes through the partitions in rounds: a first look at all dead records of a
 * partition, page by page, remembers a hash of each that all agree on (tombstone-rounds.ts); a second look, at least `graceMs`
 * later, asks again about those that are still the same, and has everybody remove them. So each tombstone is named three times,
 * however many there are, and the rate follows the load. A digest of the whole set instead of one for each record would name it
 * once; but where keys are deleted and written all the time, no two looks at a whole partition ever find the same set.
 *
 * Each owner looks again before it removes. One that misses the request keeps its tombstone, which spreads back and is
 * collected another time: harmless.
 */
import { type CoterieError, toCoterieError } from '../../base/errors.ts';
import { type KeyAddress, partitionCount } from '../../base/token.ts';
import { offsetEnd } from '../../merkle/tree.ts';
import type { StorageEngine } from '../../ports/storage-engine.ts';
import type { Worker, WorkerProgress } from '../../ports/worker.ts';
import { decodeContext } from '../../versions/record-codec.ts';
import { counterOf } from '../../versions/version-set.ts';
import { type Call, calls } from '../../wire/peer/calls.ts';
import { call } from '../calls.ts';
import type { CoordinatorParts } from '../parts.ts';
import type { KeyspaceState, Topology } from '../topology.ts';
import {
  type DeadPage,
  decodePage,
  encodePage,
  isDead,
  nameOf,
  type Range,
  visitPages,
} from './dead-records.ts';
import { defaultExpirySettings, type ExpirySettings } from './expiry-turns.ts';
import type { PeerService } from './peer-service.ts';
import { holds, type Round, Rounds, roundCountMax } from './tombstone-rounds.ts';

export interface CollectorSettings {
  /** One step of the walk over all partitions. 0: never. */
  readonly tickMs: number;
  /** Between the two looks; longer than any frame can be on its way. */
  readonly graceMs: number;
  readonly partitionsPerTick: number;
}

export const defaultCollectorSettings: CollectorSettings = {
  tickMs: 1_000,
  graceMs: 10 * 60 * 1_000,
  partitionsPerTick: 16,
};

interface Components
  extends Pick<
    CoordinatorParts,
    'selfId' | 'records' | 'hints' | 'eligibility' | 'network' | 'requests' | 'clock' | 'writer' | 'topology'
  > {
  readonly engine: StorageEngine;
}

export class TombstoneCollector implements Worker {
  readonly name = 'tombstones';
  readonly yields = false;
  readonly firstAfterMs: number;
  readonly #parts: Components;
  readonly #settings: CollectorSettings;
  readonly #expiry: ExpirySettings;
  readonly #rounds = new Rounds();
  #roundsOf: Topology;
  #nextPartition = 0;
  #closed = false;
  collectedCount = 0;

  constructor(
    parts: Components,
    service: PeerService,
    settings: CollectorSettings = defaultCollectorSettings,
    expiry: ExpirySettings = defaultExpirySettings,
  ) {
    this.#parts = parts;
    this.#expiry = expiry;
    this.#settings = settings;
    this.firstAfterMs = settings.tickMs;
    this.#roundsOf = parts.topology();
    parts.network.onChange((_, isUp) => {
      // What a node did that was away, and which frames it held, nobody knows: every first look is void.
      if (!isUp) this.#rounds.void();
    });
    const serve = (what: Call, work: (page: DeadPage) => Promise<Buffer | null>) =>
      service.onCall(what, (_, payload, reply) => {
        work(decodePage(payload)).then(
          (answer) => reply(null, answer),
          (cause) => reply(toCoterieError(cause, 'disk-failed'), null),
        );
      });
    serve(calls.checkTombstones, (page) => this.#check(page));
    serve(calls.collectTombstones, async (page) => {
      await this.#remove(page);
      return null;
    });
  }

  close(): void {
    this.#closed = true;
  }

  progress(): WorkerProgress {
    return { doneCount: this.collectedCount, partition: this.#nextPartition, isBusy: false };
  }

  async step(): Promise<number> {
    await this.#lookAtSome();
    return this.#settings.tickMs;
  }

  async #lookAtSome(): Promise<void> {
    const topology = this.#parts.topology();
    if (topology !== this.#roundsOf) {
      this.#rounds.void();
      this.#roundsOf = topology;
    }
    if (topology.isChanging) return;
    for (let step = 0; step < this.#settings.partitionsPerTick; step++) {
      const partition = this.#nextPartition;
      this.#nextPartition = (partition + 1) % partitionCount;
      for (const keyspace of topology.keyspaces.values()) {
        if (this.#closed || topology !== this.#parts.topology() || !this.#allUp(topology)) return;
        if (!this.#isAsker(keyspace, partition) || this.#parts.hints.pendingIn(partition) > 0) continue;
        const { id } = keyspace.settings;
        const round = this.#rounds.get(id, partition);
        if (round === undefined) await this.#firstLook(topology, id, partition);
        else if (this.#parts.clock.monotonicMs() - round.seenMs >= this.#settings.graceMs) {
          await this.#secondLook(topology, id, partition, round);
        }
      }
    }
  }

  #allUp(topology: Topology): boolean {
    return topology.peers.every((peer) => this.#parts.network.isUp(peer.id));
  }

  #isAsker(keyspace: KeyspaceState, partition: number): boolean {
    const owners = keyspace.replicas[partition].map((replica) => replica.nodeId);
    return keyspace.selfIndex[partition] >= 0 && Math.min(...owners) === this.#parts.selfId;
  }

  async #firstLook(topology: Topology, keyspace: number, partition: number): Promise<void> {
    const { generation } = this.#rounds;
    const from = this.#rounds.startOf(keyspace, partition);
    const agreed: number[] = [];
    let until = from;
    await this.#visitDead({ keyspace, partition, from, until: offsetEnd }, async (page) => {
      for (const { hash } of (await this.#agreed(topology, page)).records) agreed.push(hash);
      until = page.until;
      return agreed.length < roundCountMax && this.#isStill(topology, generation);
    });
    if (!this.#isStill(topology, generation)) return;
    const seenMs = this.#parts.clock.monotonicMs();
    const round = { from, until, seenMs, agreed: Float64Array.from(agreed).sort() };
    this.#rounds.begin(keyspace, partition, round, until >= offsetEnd);
  }

  async #secondLook(topology: Topology, keyspace: number, partition: number, round: Round): Promise<void> {
    const { generation } = this.#rounds;
    const { from, until } = round;
    await this.#visitDead({ keyspace, partition, from, until }, async (page) => {
      const records = page.records.filter(({ hash }) => holds(round, hash));
      const ripe = await this.#agreed(topology, { ...page, records });
      if (!this.#isStill(topology, generation)) return false;
      if (ripe.records.length === 0) return true;
      const removal = encodePage(ripe);
      const others = topology.peers.map((peer) => this.#ask(peer.id, calls.collectTombstones, removal));
      await Promise.all(others);
      await this.#remove(ripe);
      return true;
    });
    this.#rounds.end(keyspace, partition);
  }

  /** Whether a look that began under these is still worth anything. */
  #isStill(topology: Topology, generation: number): boolean {
    return !this.#closed && generation === this.#rounds.generation && topology === this.#parts.topology();
  }

  /** Of a page, what nobody has anything against. */
  async #agreed(topology: Topology, page: DeadPage): Promise<DeadPage> {
    if (page.records.length === 0) return page;
    const question = encodePage(page);
    const answers = await Promise.all(
      topology.peers.map((peer) => this.#ask(peer.id, calls.checkTombstones, question)),
    );
    const records = page.records.filter((_, index) => answers.every((answer) => answer?.[index] === 1));
    return { ...page, records };
  }

  #ask(peer: number, what: Call, payload: Buffer): Promise<Buffer | null> {
    return new Promise((resolve) => {
      call(this.#parts.requests, peer, what, payload, (error, body) => resolve(error === null ? body : null));
    });
  }

  #visitDead(
    where: { readonly keyspace: number; readonly partition: number } & Range,
    visit: (page: DeadPage) => Promise<boolean>,
  ): Promise<void> {
    const { keyspace, partition } = where;
    return visitPages(this.#parts.engine, { ...where, deadOnly: true }, (found, range) => {
      const dead = found.filter(({ value }) => this.#isDead(value));
      const records = dead.map((record) => nameOf(record, record.value));
      return visit({ keyspace, partition, ...range, records });
    });
  }

  #isDead(record: Buffer): boolean {
    return isDead(record, this.#parts.clock.nowMs(), this.#expiry.marginMs);
  }

  /** One byte for each record: 1 when nothing here speaks against collecting it. */
  async #check(page: DeadPage): Promise<Buffer> {
    const { keyspace, partition, records } = page;
    const answer = Buffer.alloc(records.length);
    const topology = this.#parts.topology();
    // While data moves somebody may be about to get what is forgotten here.
    if (topology.isChanging) return answer;
    const state = topology.keyspaces.get(keyspace);
    const isOwner = (state?.selfIndex[partition] ?? -1) >= 0;
    if (state === undefined || this.#parts.hints.pendingIn(partition) > 0) return answer;
    if (isOwner && !this.#parts.eligibility.speaksFor(keyspace, partition)) return answer;
    // What is alive here, or newer, or older, counts against its key; in a partition of others every record does so.
    const same = new Set<number>();
    const inTheWay = new Set<number>();
    const asked = new Set(records.map(({ hash }) => hash));
    const { from, until } = page;
    const where = { keyspace, partition, from, until, deadOnly: isOwner };
    await visitPages(this.#parts.engine, where, (found) => {
      for (const record of found) {
        const { hash, offset } = nameOf(record, record.value);
        if (asked.has(hash) && this.#isDead(record.value)) same.add(hash);
        else inTheWay.add(offset);
      }
      return true;
    });
    records.forEach(({ hash, offset }, index) => {
      answer[index] = (isOwner ? same.has(hash) : !inTheWay.has(offset)) ? 1 : 0;
    });
    return answer;
  }

  /** Removes those of a page that are still the same and dead. */
  async #remove({ keyspace, partition, from, until, records }: DeadPage): Promise<void> {
    if (this.#parts.hints.pendingIn(partition) > 0) return;
    const wanted = new Set(records.map(({ hash }) => hash));
    const where = { keyspace, partition, from, until, deadOnly: true };
    await visitPages(this.#parts.engine, where, async (found) => {
      const held = found.filter((record) => wanted.has(nameOf(record, record.value).hash));
      await Promise.all(held.map((record) => this.#removeOne(record, wanted)));
      return true;
    });
  }

  #removeOne(address: KeyAddress, wanted: ReadonlySet<number>): Promise<void> {
    const { records, writer } = this.#parts;
    const isExpected = (current: Buffer): boolean => {
      if (!wanted.has(nameOf(address, current).hash) || !this.#isDead(current)) return false;
      // Later events of this key must not repeat the dots that are forgotten here.
      writer.counterMax = Math.max(writer.counterMax, counterOf(decodeContext(current), writer.actor));
      return true;
    };
    return new Promise((resolve, reject) => {
      records.removeIf(address, isExpected, (error: CoterieError | null, removed) => {
        if (removed) this.collectedCount++;
        if (error === null) resolve();
        else reject(error);
      });
    });
  }
}
