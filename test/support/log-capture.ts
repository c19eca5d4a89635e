/** A log that keeps its errors, for tests of what is logged. */
import type { Log } from '../../core/ports/log.ts';

export interface LoggedError {
  readonly message: string;
  readonly facts: Record<string, unknown>;
}

export class LogCapture implements Log {
  readonly errors: LoggedError[] = [];

  info(): void {}
  warn(): void {}
  error(message: string, facts: Record<string, unknown> = {}): void {
    this.errors.push({ message, facts });
  }
}
