/**
 * Who has a place when all are taken. Connections count up to a bound; the host's do not, once it has shown that it is the
 * host. A newcomer beyond the bound displaces whoever has been idle for longest: first one that has never run a command, then
 * any. Where nobody is idle the newcomer is on probation: heard only to find out whether it is the host, for a moment, and
 * displaced by later ones. So strangers that only sit there keep nobody out, and no number of clients keeps the host out.
 */

export interface Guest {
  /** How long it has asked nothing; 0 while something is under way. */
  idleMs(nowMs: number): number;
}

/** One that has never run a command is given this long to begin. */
const silentMsMin = 1_000;
/** One that has run commands is not closed for being idle before this. Pools of clients rest for about as long. */
const idleMsMin = 10_000;
/** On probation at once: two full queues of connections that the system has accepted for us in one go. */
export const probationCountMax = 1_024;
/** A search for idle ones looks at all: when it found none, the next newcomers need not ask again so soon. */
const searchEveryMs = 250;
/** Found in one search, for those who come next. */
const foundCountMax = 64;

export class Places<G extends Guest> {
  private readonly countMax: number;
  /** In the order in which they came: those that have run nothing, those that have, those on probation. */
  private readonly silent = new Set<G>();
  private readonly spoken = new Set<G>();
  private readonly probation = new Set<G>();
  private idle: G[] = [];
  private searchedMs = Number.NEGATIVE_INFINITY;

  constructor(countMax: number) {
    this.countMax = countMax;
  }

  /** Those that count. */
  get count(): number {
    return this.silent.size + this.spoken.size;
  }

  /** Whether there is a place, and who has to be closed to make it one. */
  askFor(nowMs: number): { isThere: boolean; displaced: G | null } {
    if (this.count < this.countMax) return { isThere: true, displaced: null };
    const displaced = this.longestIdle(nowMs);
    if (displaced === null) return { isThere: false, displaced: null };
    this.leave(displaced);
    return { isThere: true, displaced };
  }

  enter(guest: G): void {
    this.silent.add(guest);
  }

  /** Returns who has to be closed for it. */
  enterOnProbation(guest: G): G | null {
    this.probation.add(guest);
    if (this.probation.size <= probationCountMax) return null;
    const [first] = this.probation;
    this.probation.delete(first);
    return first;
  }

  spoke(guest: G): void {
    if (this.silent.delete(guest)) this.spoken.add(guest);
  }

  /** It is gone, or it is the host and takes no place. */
  leave(guest: G): void {
    this.silent.delete(guest);
    this.spoken.delete(guest);
    this.probation.delete(guest);
  }

  private longestIdle(nowMs: number): G | null {
    const [first] = this.silent;
    if (first !== undefined && first.idleMs(nowMs) >= silentMsMin) return first;
    for (let found = this.nextIdle(nowMs); found !== null; found = this.nextIdle(nowMs)) {
      // It may have left, or gone on, since the search.
      if (this.spoken.has(found) && found.idleMs(nowMs) >= idleMsMin) return found;
    }
    return null;
  }

  private nextIdle(nowMs: number): G | null {
    if (this.idle.length === 0 && nowMs - this.searchedMs >= searchEveryMs) {
      this.searchedMs = nowMs;
      this.idle = [...this.spoken]
        .map((guest) => ({ guest, idleMs: guest.idleMs(nowMs) }))
        .filter(({ idleMs }) => idleMs >= idleMsMin)
        .sort((a, b) => a.idleMs - b.idleMs)
        .slice(-foundCountMax)
        .map(({ guest }) => guest);
    }
    return this.idle.pop() ?? null;
  }
}
