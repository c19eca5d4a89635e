/** SLOWLOG: the last commands of this node's clients that took longer than a bound, newest first. */

export interface SlowCommand {
  readonly id: number;
  /** Since 1970. */
  readonly atSeconds: number;
  readonly durationUs: number;
  readonly words: readonly Buffer[];
  readonly address: string;
  readonly clientName: string;
}

/** Each may keep some kilobytes. */
export const slowLogCountMax = 1_024;

export class SlowLog {
  /**
   * Microseconds; negative: none is noted. As in Redis to begin with, though what is measured is more: from the start of a command
   * to its answer, with the other nodes and their disks.
   */
  slowerThanUs = 10_000;
  private countMax = 128;
  private commands: SlowCommand[] = [];
  private nextId = 0;

  get lengthMax(): number {
    return this.countMax;
  }

  set lengthMax(count: number) {
    this.countMax = count;
    this.commands.length = Math.min(this.commands.length, count);
  }

  isSlow(durationUs: number): boolean {
    return this.slowerThanUs >= 0 && durationUs >= this.slowerThanUs && this.countMax > 0;
  }

  add(command: Omit<SlowCommand, 'id'>): void {
    this.commands.unshift({ ...command, id: this.nextId++ });
    this.lengthMax = this.countMax;
  }

  get length(): number {
    return this.commands.length;
  }

  newest(count: number): readonly SlowCommand[] {
    return this.commands.slice(0, count);
  }

  clear(): void {
    this.commands = [];
  }
}
