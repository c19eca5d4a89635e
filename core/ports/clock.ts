/**
 * Time as a port, so that a simulation can own it. Wall time may jump; only `monotonicMs` measures durations.
 */
export interface Clock {
  /** Whole milliseconds since 1970-01-01 UTC. May go backwards when a person or a time server sets the clock. */
  nowMs(): number;
  /** Milliseconds since some fixed moment of this process; never goes backwards. Fractions allowed. */
  monotonicMs(): number;
}

export interface Cancellable {
  /** Does nothing once the action has run, or begun to. */
  cancel(): void;
}

export interface Timers {
  /**
   * Runs `action` once, not before `delayMs` of the monotonic time have passed and never while it is planned, however short
   * or long that is; `Infinity` waits until it is cancelled. Actions of one delay run in the order in which they were planned.
   */
  after(delayMs: number, action: () => void): Cancellable;
  /**
   * Runs `action` at the end of the present turn, after its promise reactions and the input that is already waiting: for
   * coalescing output. In the order asked for; what such an action asks for comes after all of them.
   */
  atTurnEnd(action: () => void): void;
}
