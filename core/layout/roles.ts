/**
 * Which computer has which role, and how that changes. A host may play several computers of a layout; they share its key, or have
 * none, and then it is the only host. It has one role: that of the most trusted of them. Pure.
 */
import { CoterieError } from '../base/errors.ts';
import { plainLine } from '../base/plain-text.ts';
import { type ComputerRole, computerRoles, isAtLeast } from '../base/roles.ts';
import { listOf } from '../base/words.ts';
import { admittedComputers } from './admission.ts';
import { type Layout, type LayoutComputer, nextLayout } from './layout.ts';

/** As the layout has it: a word of a later version is taken for the least. */
function writtenRole({ role }: LayoutComputer): ComputerRole {
  if (role === undefined) return 'owner';
  return role === 'operator' ? 'operator' : 'viewer';
}

/** Where nobody is an owner all are: a cluster is never without somebody who may act. */
export function roleIn({ computers }: Pick<Layout, 'computers'>, computer: LayoutComputer): ComputerRole {
  const hasOwner = computers.some((one) => writtenRole(one) === 'owner');
  return hasOwner ? writtenRole(computer) : 'owner';
}

/**
 * Of the computers for which `isIt` holds; null: none of them is let in any more. One that is leaving keeps the role that it had.
 * `live`: oldest first.
 */
export function roleAmong(
  live: readonly Layout[],
  isIt: (computer: LayoutComputer) => boolean,
): ComputerRole | null {
  const newest = live[live.length - 1];
  const roles = admittedComputers(live)
    .filter(isIt)
    .map((computer) => roleIn(newest, computer));
  return computerRoles.find((role) => roles.includes(role)) ?? null;
}

/** The host that plays a computer, with all that it plays. */
export function setRole(layout: Layout, digest: string, id: string, role: ComputerRole): Layout {
  const target = layout.computers.find((computer) => computer.id === id);
  // Where nobody was an owner all were: what they were then is what they are.
  const computers = layout.computers.map((computer) =>
    withRole(computer, computer.key === target?.key ? role : roleIn(layout, computer)),
  );
  mustKeepOwner(layout, computers);
  return nextLayout(layout, digest, { computers });
}

/** An owner has no word for it, so that the layout of a cluster without roles is what it was before there were any. */
export function withRole({ role: _, ...computer }: LayoutComputer, role: ComputerRole): LayoutComputer {
  return role === 'owner' ? computer : { ...computer, role };
}

/** Throws `conflict` where those that are to be left would be without an owner. */
export function mustKeepOwner(layout: Layout, left: readonly LayoutComputer[]): void {
  const isOwner = (computer: LayoutComputer) => isAtLeast(writtenRole(computer), 'owner');
  const owners = layout.computers.filter(isOwner);
  if (owners.length === 0 || left.some(isOwner)) return;
  const names = listOf(owners.map(({ name }) => plainLine(name)));
  const are = owners.length === 1 ? 'is the only owner' : 'are the only owners';
  throw new CoterieError(
    'conflict',
    `${names} ${are}: without one nobody could change the cluster. Make another computer an owner first: coterie computer role NAME owner`,
  );
}
