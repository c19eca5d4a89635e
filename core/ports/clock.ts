/**
 * Time as a port, so that a simulation can own it. Wall time may jump; only `monotonicMs` measures durations.
 */
export interface Clock {
  /** Milliseconds since 1970-01-01 UTC. May go backwards when a person or a time server sets the clock. */
  nowMs(): number;
  /** Milliseconds since some fixed moment of this process; never goes backwards. Fractions allowed. */
  monotonicMs(): number;
}

export interface Cancellable {
  cancel(): void;
}

export interface Timers {
  /** Runs `action` once, not before `delayMs` have passed. */
  after(delayMs: number, action: () => void): Cancellable;
  /** Runs `action` at the end of the present turn, after the input that is already waiting: for coalescing output. */
  atTurnEnd(action: () => void): void;
}
