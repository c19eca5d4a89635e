/**
 * Lets commands that need much memory while they run (large values read, written, copied to the other replicas) run a few
 * at a time. What needs little passes at once and is not counted. First come, first served; one that is larger than all the
 * room runs alone. Nothing that waits here holds a place here, so they cannot wait for each other; whoever has waited for too
 * long is refused.
 *
 * Reading makes replies, which then wait to be read: while memory is short, large reads wait, and what is behind them and
 * writes goes ahead, for a write lets its own words go.
 */
import type { Cancellable, Clock, Timers } from '../../ports/clock.ts';
import type { MemoryBudget } from './memory-budget.ts';

interface LargeWorkComponents {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly budget: Pick<MemoryBudget, 'isPressed' | 'workIsDone'>;
}

export interface LargeWorkSettings {
  readonly bytesMax: number;
  readonly waitMsMax: number;
}

/** From here on a command counts as large. Below it, what many of them need together is bounded by their number. */
export const largeWorkBytesMin = 65_536;

interface Work {
  readonly bytes: number;
  /** It makes a large reply, and lets nothing go. */
  readonly isRead: boolean;
  /** Nobody waits for it any more. */
  isAbandoned(): boolean;
  /** Runs it. `leave` with the same bytes must follow. */
  start(): void;
  refuse(): void;
}

interface Waiting {
  readonly work: Work;
  readonly sinceMs: number;
}

/** Reads up to this size do not wait for the others to read their replies. */
const smallReadBytes = 1_048_576;

export class LargeWork {
  private readonly clock: Clock;
  private readonly timers: Timers;
  private readonly budget: LargeWorkComponents['budget'];
  private readonly settings: LargeWorkSettings;
  private readonly waiting: Waiting[] = [];
  private runningBytes = 0;
  private runningCount = 0;
  private timer: Cancellable | null = null;
  private starting = false;

  constructor(components: LargeWorkComponents, settings: LargeWorkSettings) {
    this.clock = components.clock;
    this.timers = components.timers;
    this.budget = components.budget;
    this.settings = settings;
  }

  get bytes(): number {
    return this.runningBytes;
  }

  get isBusy(): boolean {
    return this.runningCount > 0;
  }

  get waitingCount(): number {
    return this.waiting.length;
  }

  /** Starts the work when there is room, which may be at once, or refuses it. */
  enter(work: Work): void {
    if (this.waiting.length === 0 && this.hasRoom(work)) {
      this.begin(work);
      return;
    }
    this.waiting.push({ work, sinceMs: this.clock.monotonicMs() });
    // Behind reads that wait for memory, a write may go ahead.
    this.startWaiting();
    this.watch();
  }

  leave(bytes: number): void {
    this.runningBytes -= bytes;
    this.runningCount -= 1;
    this.startWaiting();
    if (this.runningCount === 0) this.budget.workIsDone();
  }

  /** Starts what there is room for now: something has changed. */
  startWaiting(): void {
    // One that ends within its start would otherwise start the next deeper in the stack.
    if (this.starting || this.waiting.length === 0) return;
    this.starting = true;
    try {
      for (let index = 0; index < this.waiting.length; ) {
        const { work } = this.waiting[index];
        if (work.isAbandoned()) {
          this.waiting.splice(index, 1);
          work.refuse();
        } else if (this.mustWaitForMemory(work)) index += 1;
        else if (this.hasRoom(work)) {
          this.waiting.splice(index, 1);
          this.begin(work);
        } else break;
      }
    } finally {
      this.starting = false;
    }
  }

  private mustWaitForMemory({ bytes, isRead }: Work): boolean {
    return isRead && bytes > smallReadBytes && this.budget.isPressed;
  }

  private hasRoom(work: Work): boolean {
    if (this.mustWaitForMemory(work)) return false;
    return this.runningCount === 0 || this.runningBytes + work.bytes <= this.settings.bytesMax;
  }

  private begin(work: Work): void {
    this.runningBytes += work.bytes;
    this.runningCount += 1;
    work.start();
  }

  private watch(): void {
    if (this.timer !== null || this.waiting.length === 0) return;
    const dueMs = this.waiting[0].sinceMs + this.settings.waitMsMax - this.clock.monotonicMs();
    this.timer = this.timers.after(Math.max(0, dueMs), () => {
      this.timer = null;
      const nowMs = this.clock.monotonicMs();
      while (this.waiting.length > 0 && nowMs - this.waiting[0].sinceMs >= this.settings.waitMsMax) {
        this.waiting.shift()!.work.refuse();
      }
      // Whoever came behind them may have room.
      this.startWaiting();
      this.watch();
    });
  }
}
