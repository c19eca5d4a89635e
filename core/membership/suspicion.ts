/**
 * A suspicion and how long it lasts. It begins long and shrinks with each independent confirmation, because one
 * accuser may itself be slow while several are unlikely to be (Lifeguard IV-B, LHA-Suspicion):
 *
 *   timeout = max(min, max - (max - min) · log(c + 1) / log(k + 1))
 *
 * with c confirmations had, k wanted, min = multiplier · max(1, log10 n) · period, max = min · maxMultiplier.
 */
import { agreedCountMax } from './claims.ts';
import type { MembershipSettings } from './settings.ts';

export interface SuspicionBounds {
  readonly minMs: number;
  readonly maxMs: number;
  /** Confirmations after which the timeout is the shortest. 0: it is the shortest from the start. */
  readonly confirmationsWanted: number;
}

export function suspicionBounds(
  settings: MembershipSettings,
  { memberCount, otherCount }: { memberCount: number; otherCount: number },
): SuspicionBounds {
  const { suspicionMultiplier, probeIntervalMs, suspicionMaxMultiplier, lifeguard } = settings;
  const minMs = suspicionMultiplier * Math.max(1, Math.log10(memberCount)) * probeIntervalMs;
  const wanted = suspicionMultiplier - 2;
  // Waiting for confirmations that nobody can give would only be slow.
  if (!lifeguard || otherCount < wanted) return { minMs, maxMs: minMs, confirmationsWanted: 0 };
  return { minMs, maxMs: minMs * suspicionMaxMultiplier, confirmationsWanted: wanted };
}

export function suspicionTimeoutMs(bounds: SuspicionBounds, confirmationCount: number): number {
  const { minMs, maxMs, confirmationsWanted } = bounds;
  if (confirmationsWanted < 1) return minMs;
  const share = Math.log(confirmationCount + 1) / Math.log(confirmationsWanted + 1);
  return Math.max(minMs, maxMs - (maxMs - minMs) * share);
}

export class Suspicion {
  readonly by: number;
  readonly confirmedBy: number[] = [];
  readonly #bounds: SuspicionBounds;
  /** Later by as long as this process stood still: in that time it could not hear a refutation. */
  #startedMs: number;

  constructor(by: number, bounds: SuspicionBounds, nowMs: number) {
    this.by = by;
    this.#bounds = bounds;
    this.#startedMs = nowMs;
  }

  get deadlineMs(): number {
    return this.#startedMs + suspicionTimeoutMs(this.#bounds, this.confirmedBy.length);
  }

  /** Whether this is a new voice. */
  confirm(by: number): boolean {
    if (by === this.by || this.confirmedBy.includes(by)) return false;
    if (this.confirmedBy.length >= agreedCountMax - 1) return false;
    this.confirmedBy.push(by);
    return true;
  }

  /** Whether the latest confirmation still tells others something that shortens their wait (or that people want to see). */
  get worthSpreading(): boolean {
    return this.confirmedBy.length <= Math.max(1, this.#bounds.confirmationsWanted);
  }

  postpone(durationMs: number): void {
    this.#startedMs += durationMs;
  }
}
