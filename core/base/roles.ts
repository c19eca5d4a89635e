/**
 * What a computer may do to the cluster: an owner everything, an operator what keeps it running, a viewer nothing but look. Which
 * method wants which role: core/contract/roles.ts; who has which: core/layout/roles.ts.
 */
export const computerRoles = ['owner', 'operator', 'viewer'] as const;
export type ComputerRole = (typeof computerRoles)[number];

/** Whether what wants `least` may be done with `role`. */
export function isAtLeast(role: ComputerRole, least: ComputerRole): boolean {
  return computerRoles.indexOf(role) <= computerRoles.indexOf(least);
}
