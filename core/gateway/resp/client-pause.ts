/**
 * CLIENT PAUSE: for a while, commands of this node's clients that touch data wait, or only those that write. Other nodes go on, and so
 * do their clients, whose commands may come here. What is no data goes on as well, unlike in Redis, where a paused server cannot
 * be asked anything: CLIENT UNPAUSE must get through, and PING, or the node would seem dead. The host is never paused.
 */
import type { Cancellable, Timers } from '../../ports/clock.ts';
import type { Command } from './command.ts';

/** Whoever pauses and then is gone has stopped the others for so long: about as long as clients wait for an answer. */
export const pauseMsMax = 60_000;

export type PauseMode = 'all' | 'write';

export class ClientPause {
  private readonly timers: Timers;
  private mode: PauseMode | null = null;
  private timer: Cancellable | null = null;
  /** Those that wait may go on. */
  onEnd: () => void = () => {};

  constructor(timers: Timers) {
    this.timers = timers;
  }

  begin(mode: PauseMode, durationMs: number): void {
    this.end();
    if (durationMs === 0) return;
    this.mode = mode;
    this.timer = this.timers.after(durationMs, () => this.end());
  }

  end(): void {
    this.timer?.cancel();
    this.timer = null;
    if (this.mode === null) return;
    this.mode = null;
    this.onEnd();
  }

  holds({ flags, need }: Command): boolean {
    if (this.mode === null) return false;
    return flags.includes('write') || (this.mode === 'all' && need.keyspaces !== 'none');
  }
}
