/**
 * The replica's side: answers what other nodes ask of this one. It judges nothing about quorums; it merges, reads and
 * says how it went. Calls by method are for rarer things (forwarded commands, walks), registered by their owners.
 */
import { CoterieError } from '../../base/errors.ts';
import { addressOf, partitionOf } from '../../base/token.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Log } from '../../ports/log.ts';
import { outwardError } from '../../ports/outward-error.ts';
import type { PeerNetwork } from '../../ports/peer-network.ts';
import type { HybridClock } from '../../versions/hybrid-clock.ts';
import { headerLength, summarise } from '../../versions/record-codec.ts';
import { type Call, calls, encodeAnswer } from '../../wire/peer/calls.ts';
import {
  encodeEmpty,
  encodeStatus,
  frameType,
  layoutVersionOf,
  parseCall,
  parseKeyed,
  requestIdOf,
  status,
  typeOf,
} from '../../wire/peer/frames.ts';
import { statusOf } from '../../wire/peer/replica-status.ts';
import type { Counters } from '../parts.ts';
import type { Requests } from '../requests.ts';
import { isFromBefore, type Topology } from '../topology.ts';
import type { LocalRecords } from './local-records.ts';
import type { ReadEligibility } from './read-eligibility.ts';
import { startingError } from './starting.ts';

export type CallHandler = (
  from: number,
  payload: Buffer,
  reply: (error: CoterieError | null, body: Buffer | null) => void,
  /** Of the layout that the other node goes by; 0: it says none. */
  layoutVersion: number,
) => void;

const nothing = Buffer.alloc(0);

export class PeerService {
  readonly #records: LocalRecords;
  readonly #network: PeerNetwork;
  readonly #requests: Requests;
  readonly #clock: Clock;
  readonly #hybridClock: HybridClock;
  readonly #counters: Counters;
  readonly #log: Log;
  readonly #eligibility: ReadEligibility;
  readonly #calls = new Map<number, { call: Call; handler: CallHandler }>();
  #topology: Topology;

  constructor(
    components: {
      records: LocalRecords;
      network: PeerNetwork;
      requests: Requests;
      clock: Clock;
      hybridClock: HybridClock;
      counters: Counters;
      eligibility: ReadEligibility;
      log: Log;
    },
    topology: Topology,
  ) {
    this.#records = components.records;
    this.#network = components.network;
    this.#requests = components.requests;
    this.#clock = components.clock;
    this.#hybridClock = components.hybridClock;
    this.#counters = components.counters;
    this.#eligibility = components.eligibility;
    this.#log = components.log;
    this.#topology = topology;
    this.#network.onFrame((from, frame) => {
      try {
        this.#onFrame(from, frame);
      } catch (error) {
        this.#notUnderstood(from, 'A frame from another node was not understood and is ignored.', error);
      }
    });
  }

  /** Returns what the other node may be told. */
  #notUnderstood(from: number, message: string, cause: unknown): CoterieError {
    const error = outwardError(cause, this.#log, 'a frame from another node');
    if (error.code !== 'internal') {
      this.#log.warn(message, { from: from.toString(16), cause: error.message });
    }
    return error;
  }

  setTopology(topology: Topology): void {
    this.#topology = topology;
  }

  onCall(call: Call, handler: CallHandler): void {
    this.#calls.set(call.method, { call, handler });
  }

  #onFrame(from: number, frame: Buffer): void {
    const requestId = requestIdOf(frame);
    switch (typeOf(frame)) {
      case frameType.replicaAck:
      case frameType.replicaSame:
      case frameType.replicaRecord:
      case frameType.callReply:
        this.#requests.onReply(requestId, from, frame);
        return;
      case frameType.replicaPut:
        this.#onPut(from, requestId, frame);
        return;
      case frameType.replicaGet:
        this.#onGet(from, requestId, frame);
        return;
      case frameType.call:
        this.#onCall(from, requestId, frame);
        return;
      default:
        throw new CoterieError('bad-input', `Frame type ${typeOf(frame)} is unknown.`);
    }
  }

  #onPut(from: number, requestId: number, frame: Buffer): void {
    const { keyspace, key, rest } = parseKeyed(frame);
    const state = this.#topology.keyspaces.get(keyspace);
    const answer = (code: number) => {
      if (requestId !== 0) {
        this.#network.send(from, encodeStatus(frameType.replicaAck, requestId, code, null));
      }
    };
    if (state === undefined) {
      answer(status.unknownKeyspace);
      return;
    }
    const address = addressOf(keyspace, key);
    // The sender has an older layout, or a newer one: an acknowledgement from here would count for a replica that is none.
    if (
      isFromBefore(this.#topology, layoutVersionOf(frame)) ||
      !state.takes(partitionOf(address.tokenHigh))
    ) {
      answer(status.noReplica);
      return;
    }
    this.#counters.replicaPuts++;
    let newestTimestamp: number;
    try {
      newestTimestamp = summarise(rest).newestTimestamp;
    } catch (cause) {
      this.#notUnderstood(from, 'A record from another node is malformed and was not taken.', cause);
      answer(status.failed);
      return;
    }
    this.#hybridClock.observe(newestTimestamp, this.#clock.nowMs());
    const { conflicts, durability } = state.settings;
    this.#records.merge(address, rest, { durability, newestOnly: conflicts === 'last-write-wins' }, (error) =>
      answer(error === null ? status.ok : statusOf(error)),
    );
  }

  #onGet(from: number, requestId: number, frame: Buffer): void {
    const { keyspace, key, rest } = parseKeyed(frame);
    this.#counters.replicaGets++;
    const address = addressOf(keyspace, key);
    const refuse = (code: number) =>
      this.#network.send(from, encodeStatus(frameType.replicaRecord, requestId, code, null));
    const state = this.#topology.keyspaces.get(keyspace);
    const partition = partitionOf(address.tokenHigh);
    if (state === undefined) return void refuse(status.unknownKeyspace);
    if (isFromBefore(this.#topology, layoutVersionOf(frame)) || state.selfIndex[partition] < 0)
      return void refuse(status.noReplica);
    if (!this.#eligibility.speaksFor(keyspace, partition)) return void refuse(status.rebuilding);
    this.#records.read(address, (error, record) => {
      let reply: Buffer;
      if (error !== null) reply = encodeStatus(frameType.replicaRecord, requestId, statusOf(error), null);
      else if (record === null) {
        reply =
          rest.length === 0
            ? encodeEmpty(frameType.replicaSame, requestId)
            : encodeStatus(frameType.replicaRecord, requestId, status.ok, nothing);
      } else {
        const length = headerLength(record);
        const same = length === rest.length && record.compare(rest, 0, length, 0, length) === 0;
        reply = same
          ? encodeEmpty(frameType.replicaSame, requestId)
          : encodeStatus(frameType.replicaRecord, requestId, status.ok, record);
      }
      this.#network.send(from, reply);
    });
  }

  #onCall(from: number, requestId: number, frame: Buffer): void {
    const { method, payload } = parseCall(frame);
    const reply = (error: CoterieError | null, body: Buffer | null) => {
      this.#network.send(from, encodeAnswer(requestId, error, body));
    };
    const served = this.#calls.get(method);
    if (served === undefined) {
      // Who serves it comes in the moments after the start; what is not in the list at all is from a newer version.
      const isKnown = Object.values(calls).some((call) => call.method === method);
      reply(
        isKnown
          ? startingError()
          : new CoterieError('unsupported', 'The other node runs an older version. Update it.'),
        null,
      );
      return;
    }
    try {
      if (payload.length > served.call.questionBytesMax) {
        throw new CoterieError('bad-input', `A question of ${payload.length} bytes cannot be meant.`);
      }
      served.handler(from, payload, reply, layoutVersionOf(frame));
    } catch (error) {
      reply(this.#notUnderstood(from, 'A request from another node was not understood.', error), null);
    }
  }
}
