/**
 * How two processes of one cluster show each other that both hold its secret, before either says anything else: a
 * challenge and a response both ways, each proof made for this one meeting. What is sent is of no use to anybody who
 * listens, repeats it later, sends it back, or passes it on to another port.
 */

/** One meeting as both sides must understand it. Where they differ, no proof of the other side holds. */
export interface Meeting {
  /** Who calls and who is called: names that cannot be taken for each other, such as a kind and a number. */
  readonly caller: string;
  readonly listener: string;
  /** The listener's port, as the caller dialled it: nobody else can stand in between and listen there too. */
  readonly port: number;
  /** `nonceBytes` each, drawn anew for each meeting. */
  readonly callerNonce: Buffer;
  readonly listenerNonce: Buffer;
}

export type MeetingSide = 'caller' | 'listener';

export interface MutualProof {
  nonce(): Buffer;
  /** `proofBytes` that show to the other side that this one holds the secret. */
  of(side: MeetingSide, meeting: Meeting): Buffer;
  /** Whether `given` is the proof of that side. False for anything else, whatever its length. */
  holds(side: MeetingSide, meeting: Meeting, given: Buffer): boolean;
}

export const nonceBytes = 32;
export const proofBytes = 32;
