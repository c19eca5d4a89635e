/**
 * Messages between gateways, over the links that replicas use. What one node tells in one turn goes as one call to each other node;
 * so much may be unanswered there, and what is beyond is dropped for it: a flood of messages must not fill the links of the data.
 *
 * Payload of a call: (u32 length · message)…, big-endian.
 */
import { CoterieError } from '../base/errors.ts';
import type { Timers } from '../ports/clock.ts';
import type { Messages } from '../ports/messages.ts';
import type { PeerNetwork } from '../ports/peer-network.ts';
import { calls } from '../wire/peer/calls.ts';
import { call } from './calls.ts';
import type { PeerService } from './replica/peer-service.ts';
import type { Requests } from './requests.ts';
import type { Topology } from './topology.ts';

/** Unanswered at one node. */
const inFlightBytesMax = 8 * 1_024 * 1_024;
/** A turn with more tells it in several calls. */
const callBytesMax = 1_024 * 1_024;
const lengthBytes = 4;
const nothing = Buffer.alloc(0);

interface Parts {
  readonly selfId: number;
  readonly network: PeerNetwork;
  readonly requests: Requests;
  readonly timers: Timers;
  readonly topology: () => Topology;
}

export class MessageRelay implements Messages {
  readonly #parts: Parts;
  readonly #inFlight = new Map<number, number>();
  #gathered: Buffer[] = [];
  #gatheredBytes = 0;
  #messageCount = 0;
  #handler: (message: Buffer) => void = () => {};
  droppedCount = 0;

  constructor(parts: Parts, service: PeerService) {
    this.#parts = parts;
    service.onCall(calls.messages, (_, payload, reply) => {
      const messages = parse(payload);
      reply(null, nothing);
      for (const message of messages) this.#handler(message);
    });
  }

  onTold(handler: (message: Buffer) => void): void {
    this.#handler = handler;
  }

  tellOthers(message: Buffer): void {
    const bytes = lengthBytes + message.length;
    if (this.#gatheredBytes > 0 && this.#gatheredBytes + bytes > callBytesMax) this.#send();
    if (this.#gatheredBytes === 0) this.#parts.timers.atTurnEnd(() => this.#send());
    const head = Buffer.allocUnsafe(lengthBytes);
    head.writeUInt32BE(message.length, 0);
    this.#gathered.push(head, message);
    this.#gatheredBytes += bytes;
    this.#messageCount++;
  }

  #send(): void {
    if (this.#gatheredBytes === 0) return;
    const { selfId, network, requests, topology } = this.#parts;
    const payload = Buffer.concat(this.#gathered, this.#gatheredBytes);
    const messageCount = this.#messageCount;
    this.#gathered = [];
    this.#gatheredBytes = 0;
    this.#messageCount = 0;
    for (const peer of topology().nodes.keys()) {
      if (peer === selfId || !network.isUp(peer)) continue;
      const before = this.#inFlight.get(peer) ?? 0;
      // One alone may be as large as a value.
      if (before > 0 && before + payload.length > inFlightBytesMax) {
        this.droppedCount += messageCount;
        continue;
      }
      this.#inFlight.set(peer, before + payload.length);
      call(requests, peer, calls.messages, payload, () => {
        const left = (this.#inFlight.get(peer) ?? 0) - payload.length;
        if (left > 0) this.#inFlight.set(peer, left);
        else this.#inFlight.delete(peer);
      });
    }
  }
}

function parse(payload: Buffer): Buffer[] {
  const messages: Buffer[] = [];
  for (let at = 0; at < payload.length; ) {
    const end = payload.length - at < lengthBytes ? Infinity : at + lengthBytes + payload.readUInt32BE(at);
    if (end > payload.length)
      throw new CoterieError('bad-input', 'Messages from another node end too early.');
    messages.push(payload.subarray(at + lengthBytes, end));
    at = end;
  }
  return messages;
}
