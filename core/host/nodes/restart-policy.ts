/**
 * When a node that ended is started again. A crash is tried again soon, and ever more slowly while it repeats. A start that
 * was refused for a cause that stays (a copied disk, a damaged file, a folder that cannot be used) is tried again rarely:
 * only a person can change it, and each attempt costs a process and the log a line. Pure.
 */
import type { ErrorCode } from '../../base/errors.ts';

const crashMinMs = 500;
const crashMaxMs = 30_000;
const refusedMinMs = 30_000;
const refusedMaxMs = 300_000;
/** After so many starts that failed in a row a person should look. */
const failuresUntilShown = 5;

const lastingCodes: ReadonlySet<string> = new Set<ErrorCode>([
  'bad-input',
  'conflict',
  'corrupt',
  'disk-failed',
  'unsupported',
]);

/** Whether a start that was refused with this code would be refused again at once. */
export function isLasting(code: string): boolean {
  return lastingCodes.has(code);
}

export interface Restart {
  readonly delayMs: number;
  /** The node counts as failed: it is tried again, but nobody waits for it. */
  readonly failed: boolean;
}

/** `failures` counts the starts in a row that came to nothing, this one included. */
export function restartAfter(failures: number, lasting: boolean): Restart {
  const [minMs, maxMs] = lasting ? [refusedMinMs, refusedMaxMs] : [crashMinMs, crashMaxMs];
  return {
    delayMs: Math.min(maxMs, minMs * 2 ** (failures - 1)),
    failed: lasting || failures > failuresUntilShown,
  };
}
