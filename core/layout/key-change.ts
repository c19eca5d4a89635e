/**
 * How a computer comes to go by another key of its own: the layout names the new one beside the present one, then everybody has
 * heard of that, then the computer shows the new one, then the layout names it alone. At each moment every computer takes the key that is
 * shown. What to do next follows from the layout and from what the disk holds, so that a start after any interruption goes on. Pure.
 */
import { isKeyOf } from './admission.ts';
import { type Layout, type LayoutComputer, nextLayout } from './layout.ts';

/** Fingerprints, as the layout has them, of the keys on the disk; `next`: made and not gone by yet. */
export interface HeldOwnKeys {
  readonly present: string;
  readonly next: string | null;
}

/**
 * rest: nothing is under way. announce: nobody has been told of the new key yet, or another change won over that. hear: not every
 * computer is known to have heard of it. go-by: the new key is shown from now on. move: connections of before go over to it. settle:
 * the one before is to be let in no more. withdraw: the new key is lost, and the present one stays. stranger: no key on the
 * disk is one by which the others know this computer.
 */
export type KeyStep = 'rest' | 'announce' | 'hear' | 'go-by' | 'move' | 'settle' | 'withdraw' | 'stranger';

/** `own`: the computers of the layout that this host plays. A host that is in no layout any more rests. */
export function keyStep(
  { computers }: Pick<Layout, 'computers'>,
  own: ReadonlySet<string>,
  { present, next }: HeldOwnKeys,
  { isHeard, isMoved }: { isHeard: boolean; isMoved: boolean },
): KeyStep {
  const entries = computers.filter(({ id, key }) => own.has(id) && key !== undefined);
  if (entries.length === 0) return 'rest';
  if (!entries.every((entry) => isKeyOf(entry, present))) {
    // A disk of a moment before, put back: what it was about to go by is what the others know.
    return next !== null && entries.every((entry) => isKeyOf(entry, next)) ? 'go-by' : 'stranger';
  }
  if (next !== null) {
    if (entries.some(({ nextKey }) => nextKey !== next)) return 'announce';
    return isHeard ? 'go-by' : 'hear';
  }
  if (entries.some(({ nextKey }) => nextKey === present)) return isMoved ? 'settle' : 'move';
  return entries.some(({ nextKey }) => nextKey !== undefined) ? 'withdraw' : 'rest';
}

/** `nextKey`: absent: it is about to go by no other. */
export function nameKeys(
  layout: Layout,
  digest: string,
  own: ReadonlySet<string>,
  keys: { readonly key: string; readonly nextKey?: string },
): Layout {
  const computers = layout.computers.map((computer) =>
    own.has(computer.id) && computer.key !== undefined ? withKeys(computer, keys) : computer,
  );
  return nextLayout(layout, digest, { computers });
}

export function withKeys(
  { key: _, nextKey: __, ...computer }: LayoutComputer,
  { key, nextKey }: Pick<LayoutComputer, 'key' | 'nextKey'>,
): LayoutComputer {
  return {
    ...computer,
    ...(key === undefined ? {} : { key }),
    ...(nextKey === undefined ? {} : { nextKey }),
  };
}
