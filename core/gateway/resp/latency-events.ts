/** LATENCY: when commands took longer than a bound that an operator has set, at most one sample for each second and kind. */

export interface LatencySample {
  /** Since 1970. */
  readonly atSeconds: number;
  readonly durationMs: number;
}

/** As Redis keeps. */
const samplesMax = 160;

export type LatencyEvent = 'command' | 'fast-command';

interface Noted {
  readonly samples: LatencySample[];
  /** Of all that were ever noted. */
  highestMs: number;
}

export class LatencyEvents {
  /** 0: nothing is noted. */
  thresholdMs = 0;
  private readonly noted = new Map<string, Noted>();

  note(event: LatencyEvent, atSeconds: number, durationMs: number): void {
    if (this.thresholdMs === 0 || durationMs < this.thresholdMs) return;
    const noted = this.noted.get(event) ?? { samples: [], highestMs: 0 };
    this.noted.set(event, noted);
    noted.highestMs = Math.max(noted.highestMs, durationMs);
    const { samples } = noted;
    const last = samples.at(-1);
    if (last !== undefined && last.atSeconds === atSeconds) {
      if (last.durationMs >= durationMs) return;
      samples.pop();
    }
    samples.push({ atSeconds, durationMs });
    if (samples.length > samplesMax) samples.shift();
  }

  get events(): readonly string[] {
    return [...this.noted.keys()];
  }

  of(event: string): readonly LatencySample[] {
    return this.noted.get(event)?.samples ?? [];
  }

  /** 0: none was noted. */
  highestMs(event: string): number {
    return this.noted.get(event)?.highestMs ?? 0;
  }

  /** False where there was none of the kind. */
  forget(event: string): boolean {
    return this.noted.delete(event);
  }
}
