/** What is fuzzed: one reader of bytes from the network, with what it may do to them. */
import { getHeapStatistics } from 'node:v8';
import { CoterieError, type ErrorCode } from '../../../core/base/errors.ts';

export interface FuzzTarget {
  /** A folder's name as well. */
  readonly name: string;
  /** Made by the real encoders: mutations begin here. */
  readonly seeds: readonly Buffer[];
  /** Words that mean something to it, beside those that mean something to all. */
  readonly words: readonly string[];
  /**
   * Reads it, and returns what came of that in a few words: different words are a reason to keep an input. Throws for whatever the reader
   * must not do.
   */
  run(input: Buffer): string | Promise<string>;
}

interface Reader<T> {
  readonly name: string;
  readonly seeds: readonly (Buffer | string)[];
  readonly words?: readonly string[];
  read(input: Buffer): T;
  /** Codes of the CoterieErrors with which it refuses. */
  readonly refusals?: readonly ErrorCode[];
  /** Throws where what was read is not what it has to be; what it returns tells results of different kinds apart. */
  holds?(value: Awaited<T>, input: Buffer): string | undefined;
}

/** A reader that takes bytes or refuses them with one of a few errors. */
export function reader<T>({ name, seeds, words = [], read, refusals = [], holds }: Reader<T>): FuzzTarget {
  const refused = (cause: unknown): string => {
    if (!(cause instanceof CoterieError) || !refusals.includes(cause.code)) throw cause;
    // What it quotes is the input's.
    const [words] = cause.message.split(/["']/, 1);
    return `${cause.code}: ${words.replace(/[0-9]+/g, '…').slice(0, 120)}`;
  };
  const taken = (value: Awaited<T>, input: Buffer): string => holds?.(value, input) ?? 'taken';
  return {
    ...{ name, words, seeds: seeds.map((seed) => Buffer.from(seed as string)) },
    run(input) {
      let value: T;
      try {
        value = read(input);
      } catch (cause) {
        return refused(cause);
      }
      if (value instanceof Promise) return value.then((settled) => taken(settled, input), refused);
      return taken(value as Awaited<T>, input);
    },
  };
}

/** The same bytes again: for what its encoder has one form of. */
export function sameAgain<T>(encode: (value: T) => Buffer): (value: T, input: Buffer) => undefined {
  return (value, input) => {
    if (!encode(value).equals(input))
      throw new Error('What was read is not what was sent: it has two forms.');
  };
}

/** The same value again: for what may come in several forms. */
export function sameValue<T>(
  encode: (value: T) => Buffer,
  read: (bytes: Buffer) => T,
): (value: T) => undefined {
  return (value) => {
    const again = JSON.stringify(read(encode(value)));
    if (again !== JSON.stringify(value))
      throw new Error('What was read is something else when it is sent on.');
  };
}

/** One input may take so long, and so much memory that is new: fixed, and for each of its bytes. */
const millisecondsMax = 1_000;
const memoryMax = { fixed: 48 * 1024 * 1024, each: 400 };

const memoryNow = (): number => {
  const { used_heap_size, external_memory, malloced_memory } = getHeapStatistics();
  return used_heap_size + external_memory + malloced_memory;
};

/** Runs one input. Throws for all that must not happen: the target's own findings, a changed input, too much time or memory. */
export async function runInput(target: FuzzTarget, input: Buffer): Promise<string> {
  const given = Buffer.from(input);
  const memoryBefore = memoryNow();
  const before = process.cpuUsage();
  const said = target.run(given);
  const outcome = typeof said === 'string' ? said : await said;
  // Of the processor, not by the clock: the machine may do other things.
  const { user, system } = process.cpuUsage(before);
  const tookMs = (user + system) / 1_000;
  const grown = memoryNow() - memoryBefore;
  if (!given.equals(input)) throw new Error('It changed the bytes that it read.');
  if (tookMs > millisecondsMax) throw new Error(`It took ${Math.round(tookMs)} ms.`);
  if (grown > memoryMax.fixed + memoryMax.each * input.length) {
    throw new Error(`It took ${Math.round(grown / 2 ** 20)} MiB for ${input.length} bytes.`);
  }
  return outcome;
}
