/** LATENCY: when commands took longer than a bound that an operator has set, at most one sample for each second and kind. */

export interface LatencySample {
  /** Since 1970. */
  readonly atSeconds: number;
  readonly durationMs: number;
}

/** As Redis keeps. */
const samplesMax = 160;

export type LatencyEvent = 'command' | 'fast-command';

export class LatencyEvents {
  /** 0: nothing is noted. */
  thresholdMs = 0;
  private readonly samples = new Map<string, LatencySample[]>();

  note(event: LatencyEvent, atSeconds: number, durationMs: number): void {
    if (this.thresholdMs === 0 || durationMs < this.thresholdMs) return;
    const samples = this.samples.get(event) ?? [];
    this.samples.set(event, samples);
    const last = samples.at(-1);
    if (last !== undefined && last.atSeconds === atSeconds) {
      if (last.durationMs >= durationMs) return;
      samples.pop();
    }
    samples.push({ atSeconds, durationMs });
    if (samples.length > samplesMax) samples.shift();
  }

  get events(): readonly string[] {
    return [...this.samples.keys()];
  }

  of(event: string): readonly LatencySample[] {
    return this.samples.get(event) ?? [];
  }

  /** False where there was none of the kind. */
  forget(event: string): boolean {
    return this.samples.delete(event);
  }
}
