/**
 * The list of members with what this node holds of each, and the rules by which claims change it (SWIM 4.2, Lifeguard
 * IV-B). A failed member stays on the list: only people remove nodes.
 */
import { agreedCountMax, type Claim, type MemberState, supersedes } from './claims.ts';
import type { MembershipEvent } from './events.ts';
import type { MembershipSettings } from './settings.ts';
import { Suspicion, suspicionBounds } from './suspicion.ts';

export interface Member {
  readonly id: number;
  readonly state: MemberState;
  readonly incarnation: number;
  readonly sinceMs: number;
  readonly suspectedBy: number | null;
  readonly confirmedBy: readonly number[];
}

interface Entry {
  readonly id: number;
  state: MemberState;
  incarnation: number;
  sinceMs: number;
  suspicion: Suspicion | null;
  suspectedBy: number | null;
  confirmedBy: readonly number[];
  /** Who declared the death, for telling it on. */
  declaredBy: number;
}

export interface MembersParts {
  readonly selfId: number;
  readonly settings: MembershipSettings;
  readonly spread: (claim: Claim) => void;
  readonly emit: (event: MembershipEvent) => void;
}

export class Members {
  readonly #parts: MembersParts;
  readonly #entries = new Map<number, Entry>();
  readonly #suspects = new Set<Entry>();
  #aliveCount = 0;
  #deadCount = 0;
  /** For choosing at random; its order means nothing. */
  ids: number[] = [];

  constructor(parts: MembersParts) {
    this.#parts = parts;
  }

  /** Newcomers count as alive until probing says otherwise. */
  set(ids: readonly number[], nowMs: number): void {
    const wanted = new Set(ids);
    wanted.delete(this.#parts.selfId);
    for (const [id, entry] of this.#entries) {
      if (wanted.has(id)) continue;
      this.#entries.delete(id);
      this.#suspects.delete(entry);
    }
    for (const id of wanted) {
      if (this.#entries.has(id)) continue;
      this.#entries.set(id, {
        id,
        state: 'alive',
        incarnation: 0,
        sinceMs: nowMs,
        suspicion: null,
        suspectedBy: null,
        confirmedBy: [],
        declaredBy: id,
      });
    }
    this.ids = [...wanted];
    const states = [...this.#entries.values()].map(({ state }) => state);
    this.#aliveCount = states.filter((state) => state === 'alive').length;
    this.#deadCount = states.filter((state) => state === 'dead').length;
  }

  get(id: number): Member | undefined {
    return this.#entries.get(id);
  }

  all(): ReadonlyMap<number, Member> {
    return this.#entries;
  }

  /** All nodes of the layout, this one included, in whatever state. */
  get count(): number {
    return this.#entries.size + 1;
  }

  get hasDead(): boolean {
    return this.#deadCount > 0;
  }

  /** Whether gossip should go there: not to those who left, to the dead for a while. */
  isReachable(id: number, nowMs: number): boolean {
    const entry = this.#entries.get(id);
    if (entry === undefined || entry.state === 'left') return false;
    return entry.state !== 'dead' || nowMs - entry.sinceMs < this.#parts.settings.gossipToDeadMs;
  }

  /** What this node holds of a member, as a claim to pass on. */
  claimOf(id: number): Claim | null {
    const entry = this.#entries.get(id);
    if (entry === undefined) return null;
    const { state, incarnation } = entry;
    const agreed = state === 'dead' && entry.suspectedBy !== null ? agreedOf(entry) : [];
    const by =
      state === 'suspect' ? (entry.suspectedBy ?? id) : state === 'dead' ? entry.declaredBy : entry.id;
    return { state, member: id, incarnation, by, agreed };
  }

  nextDueMs(notBeforeMs: number): number {
    let due = Number.POSITIVE_INFINITY;
    for (const { suspicion } of this.#suspects) due = Math.min(due, suspicion!.deadlineMs);
    return Math.max(due, notBeforeMs);
  }

  /** Declares dead whose suspicion has run out. */
  tick(nowMs: number): void {
    for (const entry of [...this.#suspects]) {
      if (nowMs < entry.suspicion!.deadlineMs) continue;
      const { id, incarnation } = entry;
      const by = this.#parts.selfId;
      this.take({ state: 'dead', member: id, incarnation, by, agreed: agreedOf(entry) }, nowMs, null);
    }
  }

  /** Time in which this process stood still does not count against anybody. */
  postpone(durationMs: number): void {
    for (const { suspicion } of this.#suspects) suspicion!.postpone(durationMs);
  }

  /** Applies a claim about another member. `silentMs`: what this node itself saw of a suspect. */
  take(claim: Claim, nowMs: number, silentMs: number | null): void {
    const entry = this.#entries.get(claim.member);
    if (entry === undefined) return;
    // Only a node itself says that it leaves.
    if (claim.state === 'left' && claim.by !== claim.member) return;
    if (claim.state === 'suspect' && entry.state === 'suspect' && claim.incarnation === entry.incarnation) {
      this.#confirm(entry, claim, silentMs);
      return;
    }
    if (!supersedes(claim, entry)) return;
    const before = entry.state;
    const sameIncarnation = claim.incarnation === entry.incarnation;
    entry.state = claim.state;
    entry.incarnation = claim.incarnation;
    if (before !== claim.state) entry.sinceMs = nowMs;
    this.#suspects.delete(entry);
    entry.suspicion = null;
    this.#aliveCount += Number(claim.state === 'alive') - Number(before === 'alive');
    this.#deadCount += Number(claim.state === 'dead') - Number(before === 'dead');
    this.#become(entry, before, sameIncarnation, claim, { nowMs, silentMs });
    this.#parts.spread(claim);
  }

  #become(
    entry: Entry,
    before: MemberState,
    sameIncarnation: boolean,
    claim: Claim,
    { nowMs, silentMs }: { nowMs: number; silentMs: number | null },
  ): void {
    const { emit } = this.#parts;
    const { id: member, incarnation } = entry;
    switch (claim.state) {
      case 'alive':
        entry.suspectedBy = null;
        entry.confirmedBy = [];
        if (before !== 'alive') emit({ kind: 'returned', member, incarnation, before });
        break;
      case 'suspect':
        entry.suspicion = this.#newSuspicion(claim.by, nowMs);
        entry.suspectedBy = claim.by;
        entry.confirmedBy = entry.suspicion.confirmedBy;
        this.#suspects.add(entry);
        emit({ kind: 'suspected', member, incarnation, by: claim.by, silentMs });
        break;
      case 'dead': {
        const known = before === 'suspect' && sameIncarnation ? agreedOf(entry) : [];
        const [suspectedBy = claim.by, ...confirmedBy] = claim.agreed.length > 0 ? claim.agreed : known;
        entry.suspectedBy = suspectedBy;
        entry.confirmedBy = confirmedBy;
        entry.declaredBy = claim.by;
        emit({ kind: 'died', member, incarnation, suspectedBy, confirmedBy, broadcastBy: claim.by });
        break;
      }
      case 'left':
        entry.suspectedBy = null;
        entry.confirmedBy = [];
        emit({ kind: 'left', member, incarnation });
        break;
    }
  }

  #confirm(entry: Entry, claim: Claim, silentMs: number | null): void {
    if (!entry.suspicion!.confirm(claim.by)) return;
    const { id: member, incarnation } = entry;
    this.#parts.emit({ kind: 'confirmed', member, incarnation, by: claim.by, silentMs });
    if (entry.suspicion!.worthSpreading) this.#parts.spread(claim);
  }

  #newSuspicion(by: number, nowMs: number): Suspicion {
    const bounds = suspicionBounds(this.#parts.settings, {
      memberCount: this.count,
      // Who is up, without this node and, already no longer counted, the suspect.
      otherCount: this.#aliveCount,
    });
    return new Suspicion(by, bounds, nowMs);
  }
}

function agreedOf(entry: Entry): number[] {
  if (entry.suspectedBy === null) return [];
  return [entry.suspectedBy, ...entry.confirmedBy].slice(0, agreedCountMax);
}
