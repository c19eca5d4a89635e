/**
 * A log into which clients cannot write as much as they like: whoever is closed for nonsense and comes again, thousands of times a
 * second, would push out what others have to be told. Of each message there are so many lines a minute; the next one says how many
 * were left out.
 */
import type { Clock } from '../../ports/clock.ts';
import type { Log } from '../../ports/log.ts';

export const linesPerMinuteMax = 10;
const minuteMs = 60_000;
/** Messages are few and fixed. Should they ever not be, those beyond are kept to one pace together. */
const messagesMax = 100;
const others = '';

interface Pace {
  sinceMs: number;
  told: number;
  untold: number;
}

export class PacedLog implements Log {
  readonly #log: Log;
  readonly #clock: Clock;
  readonly #paces = new Map<string, Pace>();

  constructor(log: Log, clock: Clock) {
    this.#log = log;
    this.#clock = clock;
  }

  info(message: string, facts?: Record<string, unknown>): void {
    this.#tell('info', message, facts);
  }

  warn(message: string, facts?: Record<string, unknown>): void {
    this.#tell('warn', message, facts);
  }

  error(message: string, facts?: Record<string, unknown>): void {
    this.#tell('error', message, facts);
  }

  #tell(level: keyof Log, message: string, facts?: Record<string, unknown>): void {
    const pace = this.#paceOf(message);
    if (pace.told >= linesPerMinuteMax) {
      pace.untold += 1;
      return;
    }
    pace.told += 1;
    const { untold } = pace;
    pace.untold = 0;
    this.#log[level](message, untold === 0 ? facts : { ...facts, leftOutBefore: untold });
  }

  #paceOf(message: string): Pace {
    const nowMs = this.#clock.monotonicMs();
    const name = this.#paces.has(message) || this.#paces.size < messagesMax ? message : others;
    let pace = this.#paces.get(name);
    if (pace === undefined) {
      pace = { sinceMs: nowMs, told: 0, untold: 0 };
      this.#paces.set(name, pace);
    } else if (nowMs - pace.sinceMs >= minuteMs) {
      pace.sinceMs = nowMs;
      pace.told = 0;
    }
    return pace;
  }
}
