/**
 * Runs one program in the foreground of this one: its end is this one's end, signals are handed on, and it ends when this
 * one does. npm, when it is told to end, ends the shell in between and not what that has started, so a parent that is gone
 * counts as a signal; the program itself sees through its channel when this process is gone.
 */
import { spawn } from 'node:child_process';

const lookEveryMs = 500;
const parentAtStart = process.ppid;
/** Outside npm a parent that ends is ordinary: `coterie serve &` in a terminal that is closed. */
const isUnderNpm = process.env.npm_lifecycle_event !== undefined;

const isParentGone = () => isUnderNpm && process.ppid !== parentAtStart;

/** `channel`: the program is Node and ends when its channel does. */
export function runChild(program, words, { cwd = process.cwd(), channel = true } = {}) {
  // Ended while this process was building.
  if (isParentGone()) process.exit(1);
  const stdio = ['inherit', 'inherit', 'inherit', ...(channel ? ['ipc'] : [])];
  const child = spawn(program, words, { cwd, stdio });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  const watch = setInterval(() => {
    if (!isParentGone()) return;
    clearInterval(watch);
    child.kill('SIGTERM');
  }, lookEveryMs);
  child.on('error', (error) => {
    process.stderr.write(`${program} cannot be started: ${error.message}\n`);
    process.exit(1);
  });
  child.on('exit', (code, signal) => process.exit(signal === null ? (code ?? 1) : 1));
}
