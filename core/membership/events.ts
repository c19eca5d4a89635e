/** What a membership machine is told, and what it answers: inputs, effects and the news that people may see. */

import type { Packet } from '../wire/membership/packet-codec.ts';
import type { Claim, MemberState } from './claims.ts';

/** One change of what this node holds of another. Ids are node ids. */
export type MembershipEvent =
  | {
      readonly kind: 'suspected' | 'confirmed';
      readonly member: number;
      readonly incarnation: number;
      readonly by: number;
      /** How long this node waited for an answer; null when it was told by others. */
      readonly silentMs: number | null;
    }
  | {
      readonly kind: 'died';
      readonly member: number;
      readonly incarnation: number;
      readonly suspectedBy: number;
      readonly confirmedBy: readonly number[];
      /** The node whose suspicion ran out and that told the others. */
      readonly broadcastBy: number;
    }
  | {
      readonly kind: 'returned';
      readonly member: number;
      readonly incarnation: number;
      readonly before: MemberState;
    }
  | { readonly kind: 'left'; readonly member: number; readonly incarnation: number };

export type Input =
  | { readonly type: 'start' }
  /** All nodes of the layout; this one may be among them. */
  | { readonly type: 'peers'; readonly ids: readonly number[] }
  | { readonly type: 'tick' }
  | { readonly type: 'packet'; readonly packet: Packet }
  /** The target answered over the stream what it was asked there. */
  | { readonly type: 'streamAnswer'; readonly sequence: number }
  /** What another node holds, from an exchange. */
  | { readonly type: 'states'; readonly from: number; readonly claims: readonly Claim[] }
  /** This process noticed that it stood still: for how long by the clock of these steps, and by the wall clock, which
   *  alone counts the sleep of the whole computer. */
  | { readonly type: 'paused'; readonly durationMs: number; readonly wallMs: number }
  | { readonly type: 'persisted'; readonly incarnation: number }
  | { readonly type: 'leave' };

export type Effect =
  | { readonly type: 'send'; readonly to: number; readonly packet: Packet }
  | { readonly type: 'askByStream'; readonly to: number; readonly sequence: number }
  /** Make this durable, then answer `persisted`: no incarnation above it is announced before. */
  | { readonly type: 'persist'; readonly incarnation: number }
  /** Exchange states with this node, both ways. */
  | { readonly type: 'exchange'; readonly with: number }
  | { readonly type: 'event'; readonly event: MembershipEvent };
