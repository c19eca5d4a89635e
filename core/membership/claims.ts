/**
 * What nodes tell each other about a member, and which of two claims holds. The order is total: a higher incarnation
 * wins; within one incarnation alive < suspect < dead < left (SWIM 4.2, with `left` added on top). So all who have heard
 * the same claims, in whatever order, hold the same state. Only the member itself raises its incarnation.
 */
export type MemberState = 'alive' | 'suspect' | 'dead' | 'left';

export interface Claim {
  readonly state: MemberState;
  readonly member: number;
  readonly incarnation: number;
  /** Who makes the claim: the suspecting node, the one that declared the death, the member itself for alive and left. */
  readonly by: number;
  /** For `dead`: who suspected first, then who confirmed it by probing. Empty otherwise. */
  readonly agreed: readonly number[];
}

/** What fits the packet. A node reaches it in no lifetime: it adds 16 at a start, and one at each refutation. */
export const incarnationMax = 2 ** 32 - 1;
/** An honest step from what is known, however long a node was away. */
const stepMax = 2 ** 20;
/** A node that has forgotten its own number believes others up to here; above it there is as much room again to refute. */
const recoveryMax = 2 ** 31;

/**
 * Whether a claim by `from` may change what is `known` of another member: a number that was damaged on its way must not use
 * up the range. The member itself is believed, because it alone raises it.
 */
export function isCredible(claim: Claim, known: number, from: number): boolean {
  return claim.incarnation <= known + stepMax || from === claim.member;
}

/** The same for a claim about oneself, whose own number is `current`. */
export function isCredibleOfSelf(claim: Claim, current: number): boolean {
  return claim.incarnation <= Math.max(recoveryMax, current + stepMax);
}
export const agreedCountMax = 8;

const rank = { alive: 0, suspect: 1, dead: 2, left: 3 } as const;

export interface Standing {
  readonly state: MemberState;
  readonly incarnation: number;
}

export function supersedes(claim: Standing, known: Standing): boolean {
  if (claim.incarnation !== known.incarnation) return claim.incarnation > known.incarnation;
  return rank[claim.state] > rank[known.state];
}
