/**
 * Claims waiting to ride on outgoing packets (SWIM 4.1). Those sent least often go first; each is dropped after a bounded
 * number of sends, and at once when a newer claim about the same member comes. Suspicions by different accusers stay
 * beside each other, because each is a confirmation (Lifeguard IV-B).
 */

import { claimBytes } from '../wire/membership/packet-codec.ts';
import type { Claim } from './claims.ts';

export class GossipQueue {
  /** By number of sends so far; within one, in the order of arrival. */
  readonly #tiers: Set<Claim>[] = [];
  readonly #byMember = new Map<number, Claim[]>();

  get isEmpty(): boolean {
    return this.#byMember.size === 0;
  }

  add(claim: Claim): void {
    const known = this.#byMember.get(claim.member) ?? [];
    const kept: Claim[] = [];
    for (const other of known) {
      const beside =
        claim.state === 'suspect' &&
        other.state === 'suspect' &&
        other.incarnation === claim.incarnation &&
        other.by !== claim.by;
      if (beside) kept.push(other);
      else for (const tier of this.#tiers) tier.delete(other);
    }
    kept.push(claim);
    this.#byMember.set(claim.member, kept);
    this.#tier(0).add(claim);
  }

  /** Claims that fit into `bytesMax`, each counted as sent once more. */
  take(bytesMax: number, sendCountMax: number): Claim[] {
    const taken: Claim[] = [];
    if (this.isEmpty) return taken;
    let left = bytesMax;
    const tierCount = this.#tiers.length;
    // From the most sent to the least would move a claim twice; so the moves wait until all are chosen.
    const moves: { claim: Claim; sends: number }[] = [];
    for (let sends = 0; sends < tierCount; sends++) {
      for (const claim of this.#tiers[sends]) {
        const size = claimBytes(claim);
        if (size > left) continue;
        left -= size;
        taken.push(claim);
        moves.push({ claim, sends });
      }
    }
    for (const { claim, sends } of moves) {
      this.#tiers[sends].delete(claim);
      if (sends + 1 < sendCountMax) this.#tier(sends + 1).add(claim);
      else this.#forget(claim);
    }
    return taken;
  }

  #tier(sends: number): Set<Claim> {
    while (this.#tiers.length <= sends) this.#tiers.push(new Set());
    return this.#tiers[sends];
  }

  #forget(claim: Claim): void {
    const left = this.#byMember.get(claim.member)?.filter((other) => other !== claim) ?? [];
    if (left.length === 0) this.#byMember.delete(claim.member);
    else this.#byMember.set(claim.member, left);
  }
}
