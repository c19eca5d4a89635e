/**
 * Sloppy quorum: while a replica cannot be reached, the next healthy node of its data center further along the walk stands
 * in for it ("Dynamo", section 4.6). It keeps the write as a durable hint before it counts, answers reads with it, and
 * delivers it when the replica is back. Both sides of the two calls are here.
 */
import { CoterieError, toCoterieError } from '../../base/errors.ts';
import { addressOf, type KeyAddress, partitionOf } from '../../base/token.ts';
import type { Log } from '../../ports/log.ts';
import type { PeerNetwork } from '../../ports/peer-network.ts';
import { summarise } from '../../versions/record-codec.ts';
import { calls } from '../../wire/peer/calls.ts';
import { call } from '../calls.ts';
import type { PeerService } from '../replica/peer-service.ts';
import type { Requests } from '../requests.ts';
import type { KeyspaceState, Topology } from '../topology.ts';
import type { HintStore } from './hint-store.ts';

const nothing = Buffer.alloc(0);
/** u48 target · u16 keyspace · u32 key length · key · record */
const payloadHead = 12;

function encode(target: number, { keyspace, key }: KeyAddress, record: Buffer): Buffer {
  const bytes = Buffer.allocUnsafe(payloadHead + key.length + record.length);
  bytes.writeUIntBE(target, 0, 6);
  bytes.writeUInt16BE(keyspace, 6);
  bytes.writeUInt32BE(key.length, 8);
  key.copy(bytes, payloadHead);
  record.copy(bytes, payloadHead + key.length);
  return bytes;
}

function parse(payload: Buffer): { target: number; address: KeyAddress; record: Buffer } {
  const keyEnd = payload.length < payloadHead ? Infinity : payloadHead + payload.readUInt32BE(8);
  if (keyEnd > payload.length)
    throw new CoterieError('bad-input', 'A hint from another node ends too early.');
  return {
    target: payload.readUIntBE(0, 6),
    address: addressOf(payload.readUInt16BE(6), payload.subarray(payloadHead, keyEnd)),
    record: payload.subarray(keyEnd),
  };
}

/** One operation's choice of fallbacks: each node at most once. */
export class Fallbacks {
  readonly #requests: Requests;
  readonly #network: PeerNetwork;
  readonly #log: Log;
  readonly #keyspace: KeyspaceState;
  readonly #address: KeyAddress;
  readonly #used = new Set<number>();

  constructor(
    components: { requests: Requests; network: PeerNetwork; log: Log },
    keyspace: KeyspaceState,
    address: KeyAddress,
  ) {
    this.#requests = components.requests;
    this.#network = components.network;
    this.#log = components.log;
    this.#keyspace = keyspace;
    this.#address = address;
  }

  /** The next healthy one for a replica of `dataCenter`, or null. Strict keyspaces have none. */
  take(dataCenter: string): number | null {
    if (!this.#keyspace.settings.sloppy) return null;
    for (const node of this.#keyspace.fallbacks(partitionOf(this.#address.tokenHigh), dataCenter)) {
      if (this.#used.has(node) || !this.#network.isUp(node)) continue;
      this.#used.add(node);
      return node;
    }
    return null;
  }

  /** `done` without error: `fallback` keeps the record durably for `target`. */
  keep(fallback: number, target: number, record: Buffer, done: (error: CoterieError | null) => void): void {
    const payload = encode(target, this.#address, record);
    call(this.#requests, fallback, calls.keepHint, payload, (error) => done(error));
  }

  read(
    fallback: number,
    target: number,
    done: (error: CoterieError | null, record: Buffer | null) => void,
  ): void {
    const payload = encode(target, this.#address, nothing);
    call(this.#requests, fallback, calls.readHint, payload, (error, body) => {
      if (error !== null || body === null || body.length === 0) {
        done(error, null);
        return;
      }
      try {
        summarise(body);
      } catch (cause) {
        const malformed = toCoterieError(cause, 'corrupt');
        this.#log.warn('A record that another node keeps as a stand-in is malformed and does not count.', {
          from: fallback.toString(16),
          cause: malformed.message,
        });
        done(malformed, null);
        return;
      }
      done(null, body);
    });
  }
}

/** The fallback's side. */
export function serveFallbacks(service: PeerService, hints: HintStore, topology: () => Topology): void {
  service.onCall(calls.keepHint, (_, payload, reply) => {
    const { target, address, record } = parse(payload);
    summarise(record);
    const keyspace = topology().keyspaces.get(address.keyspace);
    if (keyspace === undefined) {
      reply(new CoterieError('not-found', 'The keyspace is not there any more.'), null);
      return;
    }
    const newestOnly = keyspace.settings.conflicts === 'last-write-wins';
    hints.keep(target, address, record, newestOnly, (error) => reply(error, nothing));
  });
  service.onCall(calls.readHint, (_, payload, reply) => {
    const { target, address } = parse(payload);
    hints.kept(target, address, (error, record) => reply(error, record ?? nothing));
  });
}
