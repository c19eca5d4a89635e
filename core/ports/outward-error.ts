/**
 * What a caller is told of a failure. An operating condition speaks for itself. Anything else is a mistake of ours: the log
 * gets it with its stack, the caller a plain sentence, because its own words would send people looking in the wrong place.
 */
import { CoterieError, toCoterieError } from '../base/errors.ts';
import type { Log } from './log.ts';

const ownMistake =
  'Coterie made a mistake of its own; nothing is wrong with the request. Try again, and report the lines in the log.';

/** The caller went away while it was still sending. */
function isCallerGone(cause: Error): boolean {
  return (cause as NodeJS.ErrnoException).code === 'ECONNRESET' || cause.name === 'AbortError';
}

/** `during` says in the log what was being done. */
export function outwardError(cause: unknown, log: Log, during: string): CoterieError {
  if (cause instanceof CoterieError) return cause;
  const error = cause instanceof Error ? cause : new Error(String(cause));
  // The operating system's own errors say what is the matter: a full disk, a file that may not be read.
  if ('syscall' in error && !isCallerGone(error)) return toCoterieError(error, 'unavailable');
  if (isCallerGone(error)) return new CoterieError('unavailable', 'The caller is gone.');
  log.error('A mistake of Coterie’s own.', { during, stack: error.stack ?? error.message });
  return new CoterieError('internal', ownMistake);
}
