/**
 * Whether a packet of one sender was made for this receiver just now, or was recorded and comes again. Each carries the sender's run,
 * drawn at its start, and a number that rises with each packet to this receiver. Of a run that is known each number is taken once;
 * a packet that comes late is still taken while it is among the last 64 (as in IPsec: RFC 4303, section 3.4.3). Another run counts
 * from the moment at which its sender has answered a question that was asked now.
 */

export interface PacketStamp {
  /** 32 bits. */
  readonly run: number;
  /** Rises from 1; 32 bits. */
  readonly number: number;
}

const width = 64;

export class ReplayWindow {
  #run: number;
  #highest: number;
  /** Bit n: `#highest - n` was taken. */
  #taken = 1n;

  /** From the packet that answered. */
  constructor({ run, number }: PacketStamp) {
    this.#run = run;
    this.#highest = number;
  }

  /** False: it was taken before, may have been, or is of a run that is not known. */
  take({ run, number }: PacketStamp): boolean {
    if (run !== this.#run) return false;
    const ahead = number - this.#highest;
    if (ahead > 0) {
      this.#taken = ahead >= width ? 1n : ((this.#taken << BigInt(ahead)) | 1n) & mask;
      this.#highest = number;
      return true;
    }
    if (-ahead >= width) return false;
    const bit = 1n << BigInt(-ahead);
    if ((this.#taken & bit) !== 0n) return false;
    this.#taken |= bit;
    return true;
  }
}

const mask = (1n << BigInt(width)) - 1n;
