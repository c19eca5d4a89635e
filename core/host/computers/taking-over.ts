/**
 * When a computer that is no owner may make itself one: the owners are gone for good, and nobody else can say so. Pure. It guards against
 * haste and mistakes; whoever pulls the cable of a computer and waits can take over, too, and every computer then tells of it.
 */
import type { ComputerRole } from '../../base/roles.ts';
import { listOf } from '../../base/words.ts';

/**
 * Longer than an owner is away that restarts, is updated or carried to another room; short enough that a cluster whose owner died is not
 * without one for a working day.
 */
export const ownersSilentMs = 3_600_000;

const minuteMs = 60_000;

/**
 * Null: it may. `silentMs`: for how long this computer has not heard of that owner, on a clock that nobody sets; of one that it never heard
 * of, since it began to listen, so that a computer that was just started does not take its own deafness for the end of the owners.
 */
export function whyNotTake(
  role: ComputerRole,
  owners: readonly { readonly name: string; readonly silentMs: number }[],
): string | null {
  if (role === 'owner') return 'This computer is an owner already.';
  const present = owners.filter(({ silentMs }) => silentMs < ownersSilentMs);
  if (present.length === 0) return null;
  const waitMs = ownersSilentMs - Math.min(...present.map(({ silentMs }) => silentMs));
  const minutes = Math.ceil(waitMs / minuteMs);
  const names = listOf(present.map(({ name }) => name));
  const who = present.length === 1 ? `${names} is an owner, and` : `${names} are owners, and one of them`;
  return `${who} was there within the last hour, or this computer has not listened for so long. Ask there: coterie computer role NAME owner. If it is gone for good, try again in ${minutes} ${minutes === 1 ? 'minute' : 'minutes'} without stopping this computer.`;
}
