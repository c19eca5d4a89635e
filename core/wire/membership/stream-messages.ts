/**
 * What membership says over the stream between two nodes, as one request and one answer: the full exchange of states
 * (push/pull), a probe for when datagrams may be blocked, and a packet that datagrams would not carry. One byte says
 * which; the stream's own greeting has already settled the cluster.
 */
import type { Claim } from '../../membership/claims.ts';
import { decodeStates, encodeStates } from './packet-codec.ts';

export type StreamMessage =
  | { readonly type: 'states'; readonly claims: readonly Claim[] }
  | { readonly type: 'probe' }
  /** To a probe and to a packet. */
  | { readonly type: 'received' }
  | { readonly type: 'packet'; readonly bytes: Buffer };

const codes = { states: 1, probe: 2, received: 3, packet: 4 } as const;
/** A hundred thousand nodes with room to spare. */
const streamBytesMax = 4 * 1024 * 1024;

export function encodeStream(message: StreamMessage): Buffer {
  const code = Buffer.from([codes[message.type]]);
  switch (message.type) {
    case 'states':
      return Buffer.concat([code, encodeStates(message.claims)]);
    case 'packet':
      return Buffer.concat([code, message.bytes]);
    default:
      return code;
  }
}

export function decodeStream(bytes: Buffer): StreamMessage | { readonly ignored: string } {
  if (bytes.length === 0 || bytes.length > streamBytesMax) return { ignored: 'a length that cannot be' };
  const body = bytes.subarray(1);
  switch (bytes[0]) {
    case codes.states: {
      const states = decodeStates(body);
      return 'ignored' in states ? states : { type: 'states', claims: states.claims };
    }
    case codes.probe:
      return { type: 'probe' };
    case codes.received:
      return { type: 'received' };
    case codes.packet:
      return { type: 'packet', bytes: body };
    default:
      return { ignored: 'an unknown message' };
  }
}
