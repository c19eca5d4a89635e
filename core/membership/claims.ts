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

/** Above this no incarnation is believed: a damaged one must not use up the range. */
export const incarnationMax = 2 ** 31;
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
