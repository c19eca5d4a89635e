/** A log that keeps its errors and warnings, for tests of what is logged. */
import type { Log } from '../../core/ports/log.ts';

export interface LoggedError {
  readonly message: string;
  readonly facts: Record<string, unknown>;
}

export class LogCapture implements Log {
  readonly errors: LoggedError[] = [];
  readonly warnings: LoggedError[] = [];

  info(): void {}
  warn(message: string, facts: Record<string, unknown> = {}): void {
    this.warnings.push({ message, facts });
  }
  error(message: string, facts: Record<string, unknown> = {}): void {
    this.errors.push({ message, facts });
  }
}
