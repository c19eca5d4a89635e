/**
 * Forgets deletions for good, and values long expired. A tombstone may go only when nothing older can come back
 * afterwards, and time alone never shows that (scylladb issue 23712; Kleppmann and others call the accident a
 * resurrection). The rule of this file:
 *
 * 1. Every owner of the key holds exactly this record, and judges it dead by its own clock.
 * 2. No node keeps a hint for the partition, and none is down, because a node that cannot be asked may keep one.
 * 3. The layout is the same, and both were true twice, `graceMs` apart by a clock that never jumps, without any node down in
 *    between: whatever was on its way at the first look has arrived by the second, and met the tombstone.
 *
 * One owner, the one with the smallest id, asks; each owner then looks again before it removes. An owner that misses the
 * request keeps its tombstone, which spreads back and is collected another time: harmless.
 */
import { CoterieError, toCoterieError } from '../base/errors.ts';
import { addressOf, partitionCount, partitionStart } from '../base/token.ts';
import type { Cancellable, Clock, Timers } from '../ports/clock.ts';
import type { Log } from '../ports/log.ts';
import type { PeerNetwork } from '../ports/peer-network.ts';
import { scanPage } from '../ports/scan-page.ts';
import type { StorageEngine } from '../ports/storage-engine.ts';
import { decodeContext, headerLength, summarise } from '../versions/record-codec.ts';
import { counterOf } from '../versions/version-set.ts';
import { call, callMethod } from './calls.ts';
import type { CoordinatorParts } from './parts.ts';
import type { PeerService } from './peer-service.ts';
import type { KeyspaceState, Topology } from './topology.ts';

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

/** Tombstones looked at in one partition at a time. */
const pageCount = 512;
/** Waiting for their second look, over all partitions. */
const candidateCountMax = 100_000;
/** A value that expired is left alone for this long, so that clocks a little apart agree. */
const expiredForMs = 60_000;

interface Entry {
  readonly key: Buffer;
  readonly header: Buffer;
}

interface Candidate {
  readonly header: Buffer;
  readonly seenMs: number;
}

interface Components extends CoordinatorParts {
  readonly engine: StorageEngine;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly network: PeerNetwork;
  readonly log: Log;
  readonly topology: () => Topology;
}

export class TombstoneCollector {
  readonly #parts: Components;
  readonly #settings: CollectorSettings;
  readonly #candidates = new Map<string, Candidate>();
  #candidatesOf: Topology;
  #nextPartition = 0;
  #tick: Cancellable | null = null;
  #closed = false;
  collectedCount = 0;

  constructor(
    parts: Components,
    service: PeerService,
    settings: CollectorSettings = defaultCollectorSettings,
  ) {
    this.#parts = parts;
    this.#settings = settings;
    this.#candidatesOf = parts.topology();
    parts.network.onChange((_, isUp) => {
      // What a node did that was away, and which frames it held, nobody knows: every first look is void.
      if (!isUp) this.#candidates.clear();
    });
    service.onCall(callMethod.checkTombstones, (_, payload, reply) => {
      const { keyspace, partition, entries } = decodeEntries(payload);
      this.#check(keyspace, partition, entries).then(
        (answer) => reply(null, answer),
        (cause) => reply(toCoterieError(cause, 'disk-failed'), null),
      );
    });
    service.onCall(callMethod.collectTombstones, (_, payload, reply) => {
      const { keyspace, partition, entries } = decodeEntries(payload);
      this.#remove(keyspace, partition, entries).then(
        () => reply(null, null),
        (cause) => reply(toCoterieError(cause, 'disk-failed'), null),
      );
    });
    if (settings.tickMs > 0) this.#armTick();
  }

  close(): void {
    this.#closed = true;
    this.#tick?.cancel();
  }

  #armTick(): void {
    this.#tick = this.#parts.timers.after(this.#settings.tickMs, () => {
      this.#step()
        .catch((cause) => {
          const { message } = toCoterieError(cause, 'disk-failed');
          this.#parts.log.warn('Old deletions could not be collected; they wait.', { cause: message });
        })
        .finally(() => {
          if (!this.#closed) this.#armTick();
        });
    });
  }

  async #step(): Promise<void> {
    const topology = this.#parts.topology();
    if (topology !== this.#candidatesOf) {
      this.#candidates.clear();
      this.#candidatesOf = topology;
    }
    for (let step = 0; step < this.#settings.partitionsPerTick; step++) {
      if (this.#closed || !this.#allUp(topology)) return;
      const partition = this.#nextPartition;
      this.#nextPartition = (partition + 1) % partitionCount;
      for (const keyspace of topology.keyspaces.values()) {
        if (this.#isAsker(keyspace, partition)) await this.#look(topology, keyspace.settings.id, partition);
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

  /** Both looks: what passes for the second time, long enough after the first, is collected. */
  async #look(topology: Topology, keyspace: number, partition: number): Promise<void> {
    const entries = await this.#deadIn(keyspace, partition);
    if (entries.length === 0 || this.#parts.hints.pendingIn(partition) > 0) return;
    const payload = encodeEntries(keyspace, partition, entries);
    const answers = await Promise.all(
      topology.peers.map((peer) => this.#ask(peer.id, callMethod.checkTombstones, payload)),
    );
    const nowMs = this.#parts.clock.monotonicMs();
    const ripe: Entry[] = [];
    entries.forEach((entry, index) => {
      const name = `${keyspace}:${entry.key.toString('latin1')}`;
      const agreed = answers.every((answer) => answer !== null && answer[index] === 1);
      const candidate = this.#candidates.get(name);
      if (!agreed || (candidate !== undefined && !candidate.header.equals(entry.header))) {
        this.#candidates.delete(name);
      } else if (candidate === undefined) {
        if (this.#candidates.size < candidateCountMax) {
          this.#candidates.set(name, { header: entry.header, seenMs: nowMs });
        }
      } else if (nowMs - candidate.seenMs >= this.#settings.graceMs) {
        this.#candidates.delete(name);
        ripe.push(entry);
      }
    });
    if (ripe.length === 0 || !this.#allUp(topology) || topology !== this.#parts.topology()) return;
    const removal = encodeEntries(keyspace, partition, ripe);
    const owners = topology.keyspaces.get(keyspace)!.replicas[partition];
    const others = owners.filter((owner) => owner.nodeId !== this.#parts.selfId);
    await Promise.all(others.map((owner) => this.#ask(owner.nodeId, callMethod.collectTombstones, removal)));
    await this.#remove(keyspace, partition, ripe);
  }

  #ask(peer: number, method: number, payload: Buffer): Promise<Buffer | null> {
    return new Promise((resolve) => {
      call(this.#parts.requests, peer, method, payload, (error, body) =>
        resolve(error === null ? body : null),
      );
    });
  }

  async #deadIn(keyspace: number, partition: number): Promise<Entry[]> {
    const request = { keyspace, partition, fromPosition: partitionStart(partition), countMax: pageCount };
    const { records } = await scanPage(this.#parts.engine, { ...request, deadOnly: true });
    const dead = records.filter(({ value }) => this.#isDead(value));
    return dead.map(({ key, value }) => ({ key, header: headerOf(value) }));
  }

  #isDead(record: Buffer): boolean {
    const { tombstone, expiresAtMs } = summarise(record);
    return tombstone || (expiresAtMs > 0 && expiresAtMs + expiredForMs < this.#parts.clock.nowMs());
  }

  /** One byte for each entry: 1 when nothing here speaks against collecting it. */
  async #check(keyspace: number, partition: number, entries: readonly Entry[]): Promise<Buffer> {
    const answer = Buffer.alloc(entries.length);
    const state = this.#parts.topology().keyspaces.get(keyspace);
    if (state === undefined || this.#parts.hints.pendingIn(partition) > 0) return answer;
    if (state.selfIndex[partition] < 0) return answer.fill(1);
    for (let index = 0; index < entries.length; index++) {
      const { key, header } = entries[index];
      const record = await this.#parts.records.get(addressOf(keyspace, key));
      if (record !== null && headerOf(record).equals(header) && this.#isDead(record)) answer[index] = 1;
    }
    return answer;
  }

  async #remove(keyspace: number, partition: number, entries: readonly Entry[]): Promise<void> {
    const { hints, records, writer } = this.#parts;
    if (hints.pendingIn(partition) > 0) return;
    const removals = entries.map(
      ({ key, header }) =>
        new Promise<void>((resolve, reject) => {
          const isExpected = (current: Buffer): boolean => {
            if (!headerOf(current).equals(header) || !this.#isDead(current)) return false;
            // Later events of this key must not repeat the dots that are forgotten here.
            const forgotten = counterOf(decodeContext(current), writer.actor);
            writer.counterMax = Math.max(writer.counterMax, forgotten);
            return true;
          };
          records.removeIf(addressOf(keyspace, key), isExpected, (error, removed) => {
            if (removed) this.collectedCount++;
            if (error === null) resolve();
            else reject(error);
          });
        }),
    );
    await Promise.all(removals);
  }
}

function headerOf(record: Buffer): Buffer {
  return record.subarray(0, headerLength(record));
}

/** u16 keyspace · u16 partition · u32 count · (u32 key length · key · u32 header length · header)* */
function encodeEntries(keyspace: number, partition: number, entries: readonly Entry[]): Buffer {
  const head = Buffer.allocUnsafe(8);
  head.writeUInt16BE(keyspace, 0);
  head.writeUInt16BE(partition, 2);
  head.writeUInt32BE(entries.length, 4);
  const parts: Buffer[] = [head];
  for (const { key, header } of entries) parts.push(sized(key.length), key, sized(header.length), header);
  return Buffer.concat(parts);
}

function sized(length: number): Buffer {
  const bytes = Buffer.allocUnsafe(4);
  bytes.writeUInt32BE(length, 0);
  return bytes;
}

function decodeEntries(payload: Buffer): { keyspace: number; partition: number; entries: Entry[] } {
  const entries: Entry[] = [];
  let offset = 8;
  const field = (): Buffer => {
    if (offset + 4 > payload.length) throw tooShort();
    const end = offset + 4 + payload.readUInt32BE(offset);
    if (end > payload.length) throw tooShort();
    const bytes = payload.subarray(offset + 4, end);
    offset = end;
    return bytes;
  };
  if (payload.length < 8) throw tooShort();
  const count = payload.readUInt32BE(4);
  for (let index = 0; index < count; index++) entries.push({ key: field(), header: field() });
  return { keyspace: payload.readUInt16BE(0), partition: payload.readUInt16BE(2), entries };
}

function tooShort(): CoterieError {
  return new CoterieError('bad-input', 'A question about deletions from another node ends too early.');
}
