/** Which blocks of core/ an input ran, and about how often: counted by what build/instrument.mjs puts into the program. */

/** Empty in a program that was built without: nothing is new there but what a reader says. */
let counts = new Uint8Array(0);
/** The same, four blocks at once: nearly all are 0. */
let fours = new Uint32Array(0);

/** 1, 2, 3, 4 to 7, 8 to 15, 16 to 31, 32 to 127, more: a loop that ran a hundred times is another matter than one that ran twice. */
const steps = Uint8Array.from({ length: 256 }, (_, count) => {
  if (count < 4) return count === 0 ? 0 : 1 << (count - 1);
  return 1 << (count < 8 ? 3 : count < 16 ? 4 : count < 32 ? 5 : count < 128 ? 6 : 7);
});

export function resetCounts(): void {
  counts.fill(0);
}

function visitCounted(visit: (block: number, step: number) => void): void {
  for (let four = 0; four < fours.length; four++) {
    if (fours[four] === 0) continue;
    for (let block = 4 * four; block < 4 * four + 4; block++) {
      if (counts[block] !== 0) visit(block, steps[counts[block]]);
    }
  }
}

/** What all inputs of one target have reached; with `often`, how often a block ran counts as well. */
export class Reached {
  readonly #steps: Uint8Array;
  readonly #often: boolean;

  constructor({ often }: { often: boolean }) {
    this.#often = often;
    // Made by whichever module of core/ is run first.
    counts = (globalThis as { coterieBlockCounts?: Uint8Array<ArrayBuffer> }).coterieBlockCounts ?? counts;
    fours = new Uint32Array(counts.buffer);
    this.#steps = new Uint8Array(counts.length);
  }

  get blockCount(): number {
    return this.#steps.reduce((sum, one) => sum + (one === 0 ? 0 : 1), 0);
  }

  /** Adds what ran since the last reset; whether any of it is new. */
  add(): boolean {
    let isNew = false;
    visitCounted((block, counted) => {
      const step = this.#often ? counted : 1;
      if ((step & ~this.#steps[block]) === 0) return;
      this.#steps[block] |= step;
      isNew = true;
    });
    return isNew;
  }
}

/** A mark for exactly what ran since the last reset: FNV-1a. */
export function markOfRun(): number {
  let mark = 0x811c9dc5;
  visitCounted((block, step) => {
    mark = Math.imul(mark ^ block, 0x01000193);
    mark = Math.imul(mark ^ step, 0x01000193);
  });
  return mark >>> 0;
}
