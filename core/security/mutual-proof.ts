/**
 * Mutual proof by HMAC-SHA-256 over the meeting (SKID3: Handbook of Applied Cryptography, 10.4.2; ISO/IEC 9798-4). Each
 * side's proof covers both nonces, both names, the port and which side it is.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { type Meeting, type MeetingSide, type MutualProof, nonceBytes } from '../ports/mutual-proof.ts';
import type { Random } from '../ports/random.ts';
import type { Secrets } from './secrets.ts';

/** `purpose` keeps meetings of different kinds apart: a proof for one is none for another. */
export function mutualProofOf(secrets: Secrets, purpose: string, random: Random): MutualProof {
  const proofOf = (key: Buffer, side: MeetingSide, meeting: Meeting): Buffer => {
    const { caller, listener, port, callerNonce, listenerNonce } = meeting;
    const mac = createHmac('sha256', key);
    // Names vary in length: their lengths stand before them, so that no two meetings are the same bytes.
    for (const name of [side, caller, listener]) {
      const bytes = Buffer.from(name);
      mac.update(Buffer.from([bytes.length >>> 8, bytes.length & 0xff])).update(bytes);
    }
    mac
      .update(Buffer.from([port >>> 8, port & 0xff]))
      .update(callerNonce)
      .update(listenerNonce);
    return mac.digest();
  };
  return {
    nonce: () => Buffer.from(random.bytes(nonceBytes)),
    of: (side, meeting) => proofOf(secrets.for(purpose).use, side, meeting),
    holds(side, meeting, given) {
      // A nonce of another length would move the border between the two.
      const { callerNonce, listenerNonce } = meeting;
      if (callerNonce.length !== nonceBytes || listenerNonce.length !== nonceBytes) return false;
      return secrets.for(purpose).accepted.some((key) => {
        const wanted = proofOf(key, side, meeting);
        return given.length === wanted.length && timingSafeEqual(given, wanted);
      });
    },
  };
}
