/**
 * The longest common subsequence of two strings, as LCS tells it. Pure. The table of lengths for all pairs of beginnings is what it
 * costs, in memory and time; the caller bounds the product first.
 */

/** 4 bytes and a few nanoseconds each: 16 MiB, and some 20 ms in which nothing else runs. */
const cellCountMax = 4_194_304;

export function isTooMuchToCompare(left: Buffer, right: Buffer): boolean {
  return (left.length + 1) * (right.length + 1) > cellCountMax;
}

/** A run of bytes that are the same in both; both ends inclusive. */
export interface CommonRun {
  readonly left: readonly [number, number];
  readonly right: readonly [number, number];
  readonly length: number;
}

export interface CommonSubsequence {
  readonly bytes: Buffer;
  /** From the last to the first, as Redis finds them. */
  readonly runs: readonly CommonRun[];
}

/** Cell [i, j], at i × (right.length + 1) + j: the length for the first i bytes of the left and the first j of the right string. */
function lengthsTable(left: Buffer, right: Buffer): Uint32Array {
  const width = right.length + 1;
  const table = new Uint32Array((left.length + 1) * width);
  for (let i = 1; i <= left.length; i++) {
    const byte = left[i - 1];
    for (let j = 1, at = i * width + 1; j < width; j++, at++) {
      table[at] =
        byte === right[j - 1] ? table[at - width - 1] + 1 : Math.max(table[at - width], table[at - 1]);
    }
  }
  return table;
}

/** Where several are the longest, the one that Redis's walk from the end comes upon: up only where that is strictly longer. */
export function commonSubsequence(left: Buffer, right: Buffer): CommonSubsequence {
  const width = right.length + 1;
  const table = lengthsTable(left, right);
  const bytes = Buffer.alloc(table[table.length - 1]);
  const runs: CommonRun[] = [];
  let unfilled = bytes.length;
  /** Bytes of the run that ends, towards the beginning, at i and j. */
  let runLength = 0;
  let i = left.length;
  let j = right.length;
  const endRun = (): void => {
    if (runLength === 0) return;
    runs.push({ left: [i, i + runLength - 1], right: [j, j + runLength - 1], length: runLength });
    runLength = 0;
  };
  while (i > 0 && j > 0) {
    if (left[i - 1] === right[j - 1]) {
      unfilled -= 1;
      bytes[unfilled] = left[i - 1];
      runLength += 1;
      i -= 1;
      j -= 1;
      continue;
    }
    endRun();
    if (table[(i - 1) * width + j] > table[i * width + j - 1]) i -= 1;
    else j -= 1;
  }
  endRun();
  return { bytes, runs };
}
