/**
 * Latencies in a fixed number of counters: each power of two of microseconds is cut into eight, so a percentile is
 * within 12.5 % of the truth (the idea of HdrHistogram, Gil Tene, at the smallest useful size).
 */
const subBuckets = 8;
const bucketCount = 27 * subBuckets;

export class Histogram {
  readonly #counts = new Float64Array(bucketCount);
  #count = 0;

  get count(): number {
    return this.#count;
  }

  recordMs(durationMs: number): void {
    const micros = Math.max(1, durationMs * 1000);
    const exponent = Math.min(26, 31 - Math.clz32(micros));
    const within = Math.min(subBuckets - 1, Math.floor((micros / 2 ** exponent - 1) * subBuckets));
    this.#counts[exponent * subBuckets + within]++;
    this.#count++;
  }

  /** Upper bound of the bucket that holds the wanted share; null when nothing was recorded. */
  percentileMs(share: number): number | null {
    if (this.#count === 0) return null;
    let left = Math.ceil(this.#count * share);
    for (let index = 0; index < bucketCount; index++) {
      left -= this.#counts[index];
      if (left <= 0) {
        const exponent = Math.floor(index / subBuckets);
        return (2 ** exponent * (1 + ((index % subBuckets) + 1) / subBuckets)) / 1000;
      }
    }
    return null;
  }

  reset(): void {
    this.#counts.fill(0);
    this.#count = 0;
  }
}
