/** How the other nodes see one, in a sentence that says who found it out. Pure. */
import type { MembershipView } from '../../../core/contract/node-views.ts';
import { formatDuration, listWords } from '../components/format.ts';

export interface MembershipNote {
  readonly tone: 'warn' | 'bad';
  readonly words: string;
}

/** Null for a node that the others have answers from, and where nobody has reported. */
export function membershipNote(membership: MembershipView | null, nowMs: number): MembershipNote | null {
  if (membership === null) return null;
  const { state, sinceMs, suspectedBy, confirmedBy } = membership;
  if (state === 'suspect') {
    const by = suspectedBy.length === 0 ? 'Suspected' : `Suspected by ${listWords(suspectedBy)}`;
    const also = confirmedBy.length === 0 ? '' : `, confirmed by ${listWords(confirmedBy)}`;
    return { tone: 'warn', words: `${by} for ${formatDuration(nowMs - sinceMs)}${also}` };
  }
  if (state !== 'dead') return null;
  const names = [...new Set([...suspectedBy, ...confirmedBy])];
  const who = names.length === 0 ? 'no node has an answer from it' : `${listWords(names)} had no answer`;
  return { tone: 'bad', words: `Dead: ${who}` };
}
