/**
 * What the nodes of this computer report of membership, as people should read it: each fact once, though every node
 * reports it, and one state per node, though each has its own view. Pure: it keeps what it has said, nothing else.
 */

import { listOf } from '../../base/words.ts';
import type { MembershipView } from '../../contract/node-views.ts';
import type { ActivityEntry } from '../../contract/views.ts';
import { supersedes } from '../../membership/claims.ts';
import type { Member } from '../../membership/members.ts';
import type { TimedEvent } from '../../node/membership-driver.ts';

export interface News {
  /** The node it is about. */
  readonly subject: string;
  readonly message: string;
  readonly severity: ActivityEntry['severity'];
}

/** Facts of one incarnation of one node that have been told. */
interface Told {
  readonly incarnation: number;
  readonly facts: Set<string>;
}

export class MembershipNews {
  readonly #nameOf: (id: number) => string;
  /** Nodes of this computer: what they do they report themselves, with more detail than hearsay has. */
  readonly #isHere: (id: number) => boolean;
  readonly #told = new Map<number, Told>();

  constructor(nameOf: (id: number) => string, isHere: (id: number) => boolean) {
    this.#nameOf = nameOf;
    this.#isHere = isHere;
  }

  /** The news in what `observer` reports; empty when all of it is known. */
  of(observer: number, events: readonly TimedEvent[]): News[] {
    return events.flatMap((event) => this.#one(observer, event) ?? []);
  }

  #one(observer: number, event: TimedEvent): News | null {
    const { kind } = event;
    const isAccusation = kind === 'suspected' || kind === 'confirmed';
    if (isAccusation && event.by !== observer && this.#isHere(event.by)) return null;
    const known = this.#told.get(event.member);
    if (known !== undefined && known.incarnation > event.incarnation) return null;
    const facts = known?.incarnation === event.incarnation ? known.facts : new Set<string>();
    this.#told.set(event.member, { incarnation: event.incarnation, facts });
    const isSettled = facts.has('died') || facts.has('left');
    const fact = isAccusation ? `accused by ${event.by}` : kind;
    if (facts.has(fact) || (isAccusation && isSettled)) return null;
    const isFirstAccusation = isAccusation && ![...facts].some((other) => other.startsWith('accused'));
    facts.add(fact);
    return this.#words(event, isFirstAccusation);
  }

  #words(event: TimedEvent, isFirstAccusation: boolean): News {
    const subject = this.#nameOf(event.member);
    switch (event.kind) {
      case 'suspected':
      case 'confirmed': {
        const by = this.#nameOf(event.by);
        const silence =
          event.silentMs === null ? 'no answer' : `no answer for ${Math.round(event.silentMs)} ms`;
        const message = isFirstAccusation
          ? `${by} suspects ${subject}: ${silence}.`
          : `${by} confirmed it: ${subject} gave it ${silence} either.`;
        return { subject, message, severity: 'warning' };
      }
      case 'died': {
        const names = [event.suspectedBy, ...event.confirmedBy].map(this.#nameOf);
        const who = names.length === 1 ? `${names[0]} had no answer from it` : `${listOf(names)} agree`;
        return { subject, message: `${subject} is dead: ${who}; all were told.`, severity: 'error' };
      }
      case 'returned': {
        const message = event.before === 'left' ? `${subject} is back.` : `${subject} answered again.`;
        return { subject, message, severity: 'info' };
      }
      case 'left':
        return { subject, message: `${subject} has left: it was stopped in order.`, severity: 'info' };
    }
  }
}

/**
 * What is held of a node, put together from all who run here: the claim that wins by the protocol's own order, which the
 * others will hold as well in a moment. Null when nobody here has a view.
 */
export function membershipViewOf(
  id: number,
  views: readonly (readonly Member[])[],
  nameOf: (id: number) => string,
): MembershipView | null {
  let best: Member | null = null;
  for (const members of views) {
    const held = members.find((member) => member.id === id);
    if (held !== undefined && (best === null || supersedes(held, best))) best = held;
  }
  if (best === null) return null;
  return {
    state: best.state,
    sinceMs: best.sinceMs,
    suspectedBy: best.suspectedBy === null ? [] : [nameOf(best.suspectedBy)],
    confirmedBy: best.confirmedBy.map(nameOf),
  };
}
