/** What has become of another process of this computer. */
import { readFileSync } from 'node:fs';

/** `stopped`: it exists and does nothing, as after SIGSTOP or in a debugger; only Linux tells. */
export type ProcessState = 'running' | 'stopped' | 'gone';

export function processState(pid: number): ProcessState {
  try {
    process.kill(pid, 0);
  } catch (cause) {
    // Another account's process exists, too.
    if ((cause as NodeJS.ErrnoException).code !== 'EPERM') return 'gone';
  }
  try {
    // The name stands in parentheses, and may have some itself; the state follows (proc(5)).
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const state = stat.slice(stat.lastIndexOf(')') + 2, stat.lastIndexOf(')') + 3);
    if (state === 'Z' || state === 'X') return 'gone';
    return state === 'T' || state === 't' ? 'stopped' : 'running';
  } catch {
    return 'running';
  }
}
