/** What the command line ends with, the same with and without --json, so that a script can tell what to do. */
import type { ErrorCode } from '../base/errors.ts';

export const exitCodes = { done: 0, failed: 1, usage: 2, notFound: 3, unavailable: 4 } as const;

/** Of a command that the host, or this program, refused. */
export function exitCodeOf(code: ErrorCode): number {
  switch (code) {
    case 'bad-input':
      return exitCodes.usage;
    case 'not-found':
      return exitCodes.notFound;
    case 'unavailable':
    case 'not-ready':
    case 'moved':
    case 'busy':
    case 'quorum-not-met':
      return exitCodes.unavailable;
    default:
      return exitCodes.failed;
  }
}
