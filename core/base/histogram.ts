/**
 * Latencies in a fixed number of counters: each power of two of microseconds is cut into eight, so a percentile is
 * within 12.5 % of the truth (the idea of HdrHistogram, Gil Tene, at the smallest useful size).
 */
const subBuckets = 8;
const bucketCount = 27 * subBuckets;

export class Histogram {
  readonly #counts = new Float64Array(bucketCount);
  #count = 0;
  #sumMs = 0;

  get count(): number {
    return this.#count;
  }

  recordMs(durationMs: number): void {
    this.#sumMs += durationMs;
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
        return upperMs(index);
      }
    }
    return null;
  }

  get sumMs(): number {
    return this.#sumMs;
  }

  /** How many were at most as long as each of `boundsMs`, ascending; what lies in a bucket across a bound counts above it. */
  countsUpTo(boundsMs: readonly number[]): number[] {
    const counts: number[] = [];
    let index = 0;
    let count = 0;
    for (const boundMs of boundsMs) {
      while (index < bucketCount && upperMs(index) <= boundMs * (1 + 1e-9)) count += this.#counts[index++];
      counts.push(count);
    }
    return counts;
  }

  reset(): void {
    this.#counts.fill(0);
    this.#count = 0;
    this.#sumMs = 0;
  }
}

/** Upper bound of a bucket. */
function upperMs(index: number): number {
  const exponent = Math.floor(index / subBuckets);
  return (2 ** exponent * (1 + ((index % subBuckets) + 1) / subBuckets)) / 1000;
}
