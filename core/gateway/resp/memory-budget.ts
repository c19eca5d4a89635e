/**
 * One budget of memory for everything that clients make a node hold: unfinished input, commands under way, replies gathered,
 * held back or unread. Each holder (a connection, or the commands of other nodes) has a share; the budget knows their
 * sum and who holds most. It counts, and says who has to give way; what giving way means is the holder's business.
 *
 * Two bounds. From `pressedBytes` on, holders of more than `smallShareBytes` read no more and start no more, all but one
 * leader, the one with the most unfinished input, so that commands come to their end one after the other instead of all
 * waiting for each other; and it only while nothing else is in work that will make room. Above `bytesMax`, or when pressure has lasted for `pressureTimeMsMax`, those that hold most give way
 * until there is room again. So whoever waits for room gets it within that time or is refused; nobody waits for ever.
 *
 * Setting a share is arithmetic and allocates nothing: it happens for every chunk and every flush.
 */
import type { Clock } from '../../ports/clock.ts';

export interface MemoryBudgetSettings {
  /** All shares together. */
  readonly bytesMax: number;
  /** How long the large holders may wait for room while none of them comes to an end, before the largest gives way. */
  readonly pressureTimeMsMax: number;
}

/** However much comes to its end meanwhile: so many times the time, and the largest gives way. */
const pressureTimesMax = 6;

/** From this part of the budget on, large holders take no more. */
const pressedFraction = 0.75;
/** When some have to give way, as many do as bring the sum below this: one at a time would mean a search for each chunk. */
const relievedFraction = 0.85;
/** A share up to this size is never held up: other clients go on as if nothing was. */
export const smallShareBytes = 1_048_576;

export interface MemoryHolder {
  /** It holds most and must let go of what it holds now: the share has shrunk or is closed when this returns. */
  giveWay(reason: 'budget' | 'pressure'): void;
  /** The pressure is over, or it is this one's turn to lead: take up again what was held up. */
  goOn(): void;
}

export class MemoryBudget {
  readonly bytesMax: number;
  private readonly pressedBytes: number;
  private readonly relievedBytes: number;
  private readonly pressureTimeMsMax: number;
  private readonly clock: Clock;
  private readonly shares = new Set<MemoryShare>();
  private held = 0;
  private leaving = 0;
  private pressedSinceMs = -1;
  private progressedMs = 0;
  /** Whether something is in work that will let memory go when it is done: then nobody need take more to come to an end. */
  isWorking: () => boolean = () => false;
  /** Told when the pressure is over. */
  onEased: () => void = () => {};
  private leader: MemoryShare | null = null;
  private relieving = false;
  /** The most that was held at once. */
  peakBytes = 0;
  /** How often a holder had to give way. */
  gaveWayCount = 0;

  constructor(clock: Clock, settings: MemoryBudgetSettings) {
    this.clock = clock;
    this.bytesMax = settings.bytesMax;
    this.pressedBytes = settings.bytesMax * pressedFraction;
    this.relievedBytes = settings.bytesMax * relievedFraction;
    this.pressureTimeMsMax = settings.pressureTimeMsMax;
  }

  /** Held now, by holders that are there and by work that outlives its holder for a moment. */
  get totalBytes(): number {
    return this.held + this.leaving;
  }

  get isPressed(): boolean {
    return this.pressedSinceMs >= 0;
  }

  open(holder: MemoryHolder): MemoryShare {
    const share = new MemoryShare(this, holder);
    this.shares.add(share);
    return share;
  }

  /** The holders with the most, largest first. */
  largest(countMax: number): MemoryShare[] {
    return [...this.shares].sort((a, b) => b.bytes - a.bytes).slice(0, countMax);
  }

  /** Whether a holder may take more in, or start more, now. */
  mayGrow(share: MemoryShare): boolean {
    if (this.pressedSinceMs < 0 || share.bytes <= smallShareBytes) return true;
    if (this.leader === null || this.leader.unfinishedBytes === 0) this.chooseLeader();
    return share === this.leader;
  }

  /** Called about once a second: pressure that lasts is ended by the largest giving way. */
  look(): void {
    if (this.pressedSinceMs < 0) return;
    const nowMs = this.clock.monotonicMs();
    const isStuck =
      nowMs - this.progressedMs >= this.pressureTimeMsMax ||
      nowMs - this.pressedSinceMs >= this.pressureTimeMsMax * pressureTimesMax;
    if (!isStuck) return;
    const [first] = this.largest(1);
    if (first === undefined || first.bytes <= smallShareBytes) return;
    this.letGo(first, 'pressure');
  }

  /** For shares only. */
  changed(share: MemoryShare, difference: number): void {
    this.held += difference;
    if (difference <= -smallShareBytes && this.isPressed) this.progressedMs = this.clock.monotonicMs();
    this.settle();
    // Its command is whole: the next one's turn.
    if (share === this.leader && share.unfinishedBytes === 0) this.chooseLeader();
  }

  /** For shares only. */
  closed(share: MemoryShare, leavingBytes: number): void {
    this.shares.delete(share);
    const hasLed = this.leader === share;
    if (hasLed) this.leader = null;
    this.held -= share.bytes;
    this.leaving += leavingBytes;
    this.settle();
    if (hasLed && this.isPressed) this.chooseLeader();
  }

  /** For shares only: work of a closed one has ended. */
  left(bytes: number): void {
    this.leaving -= bytes;
    this.settle();
  }

  private settle(): void {
    const total = this.held + this.leaving;
    if (total > this.peakBytes) this.peakBytes = total;
    if (total <= this.pressedBytes) {
      if (this.pressedSinceMs >= 0) this.eased();
      return;
    }
    if (this.pressedSinceMs < 0) {
      this.pressedSinceMs = this.clock.monotonicMs();
      this.progressedMs = this.pressedSinceMs;
    }
    // What is leaving cannot leave sooner because somebody else goes, too.
    if (this.held > this.bytesMax && !this.relieving) this.relieve();
  }

  private eased(): void {
    this.pressedSinceMs = -1;
    this.leader = null;
    for (const share of [...this.shares]) if (share.isHeldUp) share.goOn();
    this.onEased();
  }

  private relieve(): void {
    this.relieving = true;
    try {
      for (const share of this.largest(this.shares.size)) {
        if (this.held <= this.relievedBytes) break;
        this.letGo(share, 'budget');
      }
    } finally {
      this.relieving = false;
    }
  }

  private letGo(share: MemoryShare, reason: 'budget' | 'pressure'): void {
    this.gaveWayCount += 1;
    share.giveWay(reason);
  }

  /** What was in work is done: if that was not enough, somebody has to lead. */
  workIsDone(): void {
    if (this.isPressed && this.leader === null) this.chooseLeader();
  }

  private chooseLeader(): void {
    this.leader = null;
    if (this.isWorking()) return;
    let leader: MemoryShare | null = null;
    for (const share of this.shares) {
      if (share.unfinishedBytes > (leader?.unfinishedBytes ?? 0)) leader = share;
    }
    this.leader = leader;
    if (leader?.isHeldUp) leader.goOn();
  }
}

export class MemoryShare {
  /** What the holder holds now. */
  bytes = 0;
  /** The part of it that is a command of which the rest has not come yet. */
  unfinishedBytes = 0;
  /** It wanted to take more and was told not to. */
  isHeldUp = false;
  private isClosed = false;
  private readonly budget: MemoryBudget;
  private readonly holder: MemoryHolder;

  constructor(budget: MemoryBudget, holder: MemoryHolder) {
    this.budget = budget;
    this.holder = holder;
  }

  /** Says anew what is held, all in all. The holder may have to give way within the call. */
  set(bytes: number, unfinishedBytes: number): void {
    if (this.isClosed) return;
    const difference = bytes - this.bytes;
    const isWhole = unfinishedBytes === 0 && this.unfinishedBytes > 0;
    this.bytes = bytes;
    this.unfinishedBytes = unfinishedBytes;
    if (difference !== 0 || isWhole) this.budget.changed(this, difference);
  }

  /** More, or less, of what is held. */
  add(difference: number): void {
    if (this.isClosed) this.budget.left(-difference);
    else {
      this.bytes += difference;
      this.budget.changed(this, difference);
    }
  }

  mayGrow(): boolean {
    const may = this.budget.mayGrow(this);
    if (!may) this.isHeldUp = true;
    return may;
  }

  giveWay(reason: 'budget' | 'pressure'): void {
    this.holder.giveWay(reason);
  }

  goOn(): void {
    this.isHeldUp = false;
    this.holder.goOn();
  }

  /** The holder is gone; `leavingBytes` of what it held is still in work and leaves by `add` with a negative number. */
  close(leavingBytes = 0): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.budget.closed(this, leavingBytes);
    this.bytes = 0;
    this.unfinishedBytes = 0;
  }
}
