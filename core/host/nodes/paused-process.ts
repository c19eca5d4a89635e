/**
 * A process that stands still, by SIGSTOP. It cannot notice that its host is gone, and would stand still, with its folder
 * locked, for ever. So a shell of three lines waits beside it, with its input held open by this process: however this
 * process ends, kill -9 included, the input ends with it, and the shell lets the stopped one go on, which then finds itself
 * without a host and ends in order.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { CoterieError } from '../../base/errors.ts';

const goOnWhenInputEnds = `trap '' TERM INT HUP; read -r _; kill -CONT "$0"`;

export class PausedProcess {
  readonly #pid: number;
  readonly #guard: ChildProcess;

  private constructor(pid: number, guard: ChildProcess) {
    this.#pid = pid;
    this.#guard = guard;
  }

  /** Throws `unsupported` on Windows, `conflict` when the process has just ended. */
  static pause(pid: number | null): PausedProcess {
    if (process.platform === 'win32' || pid === null) {
      throw new CoterieError('unsupported', 'Windows cannot pause a process. Stop the node instead.');
    }
    const guard = spawn('/bin/sh', ['-c', goOnWhenInputEnds, String(pid)], {
      stdio: ['pipe', 'ignore', 'ignore'],
      detached: true,
    });
    // Without a shell the process is paused all the same; only the death of its host is then a matter for a person.
    guard.on('error', () => {});
    guard.stdin?.on('error', () => {});
    guard.unref();
    const paused = new PausedProcess(pid, guard);
    try {
      process.kill(pid, 'SIGSTOP');
    } catch {
      paused.forget();
      throw new CoterieError('conflict', 'The process has just ended.');
    }
    return paused;
  }

  /** Lets it go on; one that has ended meanwhile is about to say so. */
  resume(): void {
    try {
      process.kill(this.#pid, 'SIGCONT');
    } catch {
      // Ended.
    }
    this.forget();
  }

  /** It has ended, or goes on already: nobody needs to wait any more. */
  forget(): void {
    this.#guard.kill('SIGKILL');
  }
}
