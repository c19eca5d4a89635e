/**
 * Fuzzes one target: an input that runs something new is made as short as it can be, kept, and changed further. Ends with a small set of
 * inputs that reach all that was reached, and with the first input that the target must not have done so with.
 */
import type { SeededRandom } from '../seeded-random.ts';
import { markOfRun, Reached, resetCounts } from './block-counts.ts';
import { type Material, mutated, wordsOf } from './mutations.ts';
import { type FuzzTarget, runInput } from './target.ts';

/** Longer inputs are made shorter first. Long enough for whatever the seeds have. */
const bytesMax = 4_096;
/** Different outcomes that are a reason to keep an input. */
const outcomesMax = 300;
/** Inputs to go on from. */
const keptMax = 2_000;
/** Runs that making one input shorter may take. */
const shortenRunsMax = 200;

export interface Fuzzed {
  readonly runs: number;
  readonly blocks: number;
  /** Those to keep first come first. */
  readonly kept: readonly Buffer[];
  readonly crash: { readonly input: Buffer; readonly cause: Error } | null;
}

export class Fuzzer {
  readonly #target: FuzzTarget;
  readonly #random: SeededRandom;
  readonly #material: Material;
  readonly #kept: Buffer[] = [];
  #reached = new Reached({ often: true });
  #outcomes = new Set<string>();
  #runs = 0;

  constructor(target: FuzzTarget, random: SeededRandom) {
    this.#target = target;
    this.#random = random;
    const longest = Math.max(...target.seeds.map((seed) => seed.length));
    this.#material = {
      ...{ words: wordsOf(target.words), others: this.#kept },
      bytesMax: Math.max(bytesMax, 2 * longest),
    };
  }

  /** Begins with what is given, then goes on until `isOver`. */
  async run(given: readonly Buffer[], isOver: (runs: number) => boolean): Promise<Fuzzed> {
    try {
      for (const input of [...this.#target.seeds, ...given]) {
        await this.#look(input);
        this.#kept.push(input);
      }
      while (!isOver(this.#runs)) await this.#step();
    } catch (cause) {
      if (!(cause instanceof Crash)) throw cause;
      const { input, found } = cause;
      return this.#result([], { input: await this.#shortCrash(input, found), cause: found });
    }
    return this.#result(await this.#smallest(), null);
  }

  #result(kept: readonly Buffer[], crash: Fuzzed['crash']): Fuzzed {
    return { runs: this.#runs, blocks: this.#reached.blockCount, kept, crash };
  }

  async #step(): Promise<void> {
    // The newest ones led furthest, and are tried more often.
    const count = this.#kept.length;
    const from = this.#random.chance(0.3)
      ? count - 1 - this.#random.below(Math.min(count, 10))
      : this.#random.below(count);
    const input = mutated(this.#kept[from], this.#random, this.#material);
    if (!(await this.#look(input)) || this.#kept.length >= keptMax) return;
    this.#kept.push(await this.#shortened(input));
  }

  /** Whether it reached something new. */
  async #look(input: Buffer): Promise<boolean> {
    const outcome = await this.#outcomeOf(input);
    const isNew = this.#outcomes.size < outcomesMax && !this.#outcomes.has(outcome);
    if (isNew) this.#outcomes.add(outcome);
    return this.#reached.add() || isNew;
  }

  async #outcomeOf(input: Buffer): Promise<string> {
    this.#runs++;
    resetCounts();
    try {
      return await runInput(this.#target, input);
    } catch (cause) {
      throw new Crash(input, cause instanceof Error ? cause : new Error(String(cause)));
    }
  }

  /** The shortest that was found which does the very same. */
  async #shortened(input: Buffer): Promise<Buffer> {
    const wanted = `${await this.#outcomeOf(input)} ${markOfRun()}`;
    return this.#cutDown(
      input,
      async (shorter) => `${await this.#outcomeOf(shorter)} ${markOfRun()}` === wanted,
    );
  }

  #shortCrash(input: Buffer, { message }: Error): Promise<Buffer> {
    // Numbers in it may change with the length.
    const plain = (text: string) => text.replace(/[0-9]+/g, '');
    return this.#cutDown(input, async (shorter) => {
      try {
        await this.#outcomeOf(shorter);
        return false;
      } catch (cause) {
        return cause instanceof Crash && plain(cause.found.message) === plain(message);
      }
    });
  }

  /** Takes out pieces, of half its length first, as long as it stays `same`. */
  async #cutDown(input: Buffer, same: (shorter: Buffer) => Promise<boolean>): Promise<Buffer> {
    let best = input;
    let runs = 0;
    for (
      let size = Math.ceil(input.length / 2);
      size >= 1 && runs < shortenRunsMax;
      size = Math.floor(size / 2)
    ) {
      for (let at = 0; at < best.length && runs < shortenRunsMax; ) {
        const shorter = Buffer.concat([best.subarray(0, at), best.subarray(at + size)]);
        runs++;
        if (await same(shorter)) best = shorter;
        else at += size;
      }
    }
    return best;
  }

  /**
   * Of all that was kept, without the seeds: first those that reach a block which no shorter one reaches, then those that run one oftener
   * or come to another outcome. Where not all are kept on disk, these are the ones to miss.
   */
  async #smallest(): Promise<Buffer[]> {
    const { seeds } = this.#target;
    const byLength = this.#kept.slice(seeds.length).sort((one, other) => one.length - other.length);
    const found = new Set<Buffer>();
    for (const often of [false, true]) {
      this.#reached = new Reached({ often });
      this.#outcomes = new Set();
      for (const input of [...seeds, ...found]) await this.#look(input);
      for (const input of byLength) {
        if (await this.#reaches(input, often)) found.add(input);
      }
    }
    return [...found];
  }

  async #reaches(input: Buffer, outcomesCount: boolean): Promise<boolean> {
    if (outcomesCount) return this.#look(input);
    await this.#outcomeOf(input);
    return this.#reached.add();
  }
}

class Crash extends Error {
  readonly input: Buffer;
  readonly found: Error;

  constructor(input: Buffer, found: Error) {
    super(found.message);
    this.input = input;
    this.found = found;
  }
}
