/**
 * Invitations that are open at this computer: each good for one computer, for ten minutes or less, and for five tries. They are not kept on
 * a disk: whoever restarts a computer makes a new one.
 */
import { timingSafeEqual } from 'node:crypto';
import { CoterieError } from '../base/errors.ts';
import type { Clock } from '../ports/clock.ts';
import type { Random } from '../ports/random.ts';
import { invitationIdBytes, invitationSecretBytes, joinProof } from './join-code.ts';

const triesMax = 5;
const openMax = 64;
/** Of wrong codes from one address within a minute: whoever goes through all numbers must not use up other people's tries. */
const wrongMax = 30;
const wrongMs = 60_000;
const sourcesMax = 1_024;

interface OpenInvitation {
  readonly id: string;
  readonly secret: Buffer;
  readonly dataCenter: string;
  readonly expiresAtMs: number;
  /** On the monotonic clock: a clock that is set must not lengthen it. */
  readonly endsMs: number;
  triesLeft: number;
}

/** What of a request is proved, and over which channel. */
export interface Proved {
  readonly exporter: Buffer;
  readonly request: Buffer;
  readonly proof: Buffer;
}

/** Whether `proof` shows that the asker holds the secret. */
export function isProved(secret: Buffer, { exporter, request, proof }: Proved): boolean {
  const wanted = joinProof(secret, exporter, request);
  return proof.length === wanted.length && timingSafeEqual(proof, wanted);
}

export class Invitations {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #open = new Map<string, OpenInvitation>();
  /** By address. */
  readonly #wrong = new Map<string, { count: number; readonly untilMs: number }>();

  constructor(components: { clock: Clock; random: Random }) {
    this.#clock = components.clock;
    this.#random = components.random;
  }

  /** Throws `busy` while there are too many. */
  create(dataCenter: string, validMs: number): Pick<OpenInvitation, 'id' | 'secret' | 'expiresAtMs'> {
    this.#forgetOld();
    if (this.#open.size >= openMax) {
      throw new CoterieError('busy', `${openMax} invitations are open. Wait until one of them has expired.`);
    }
    let id = '';
    do id = Buffer.from(this.#random.bytes(invitationIdBytes)).toString('hex');
    while (this.#open.has(id));
    const invitation: OpenInvitation = {
      id,
      secret: Buffer.from(this.#random.bytes(invitationSecretBytes)),
      dataCenter,
      expiresAtMs: this.#clock.nowMs() + validMs,
      endsMs: this.#clock.monotonicMs() + validMs,
      triesLeft: triesMax,
    };
    this.#open.set(id, invitation);
    return invitation;
  }

  /**
   * Uses the invitation up. `from`: the address of who asks. Throws `unauthorized` where the code is wrong, `not-found` where it is not
   * open here, in words for the person who typed it, and `busy`.
   */
  take(id: string, proved: Proved, from: string): Pick<OpenInvitation, 'secret' | 'dataCenter'> {
    this.#forgetOld();
    if ((this.#wrong.get(from)?.count ?? 0) >= wrongMax) {
      throw new CoterieError('busy', 'Too many wrong codes came from there. Wait a minute, then try again.');
    }
    const invitation = this.#open.get(id);
    if (invitation === undefined) {
      this.#noteWrong(from);
      throw new CoterieError(
        'not-found',
        'This join code is not open here: it was used, has expired, or is of another computer. Make a new one.',
      );
    }
    if (!isProved(invitation.secret, proved)) {
      this.#noteWrong(from);
      invitation.triesLeft--;
      if (invitation.triesLeft === 0) this.#open.delete(id);
      throw new CoterieError('unauthorized', 'The join code is wrong. Compare it, or make a new one.');
    }
    this.#open.delete(id);
    return invitation;
  }

  /** Those that are open are good no more. */
  clear(): void {
    this.#open.clear();
  }

  #noteWrong(from: string): void {
    const known = this.#wrong.get(from);
    if (known !== undefined) known.count++;
    else if (this.#wrong.size < sourcesMax) {
      this.#wrong.set(from, { count: 1, untilMs: this.#clock.monotonicMs() + wrongMs });
    }
  }

  #forgetOld(): void {
    const nowMs = this.#clock.monotonicMs();
    for (const [from, { untilMs }] of this.#wrong) if (untilMs <= nowMs) this.#wrong.delete(from);
    for (const [id, { endsMs }] of this.#open) if (endsMs <= nowMs) this.#open.delete(id);
  }
}
