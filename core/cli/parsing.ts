/** What people type as options and arguments, checked before a host sees it: errors name the flag, and give an example. */
import { InvalidArgumentError } from 'commander';
import type { ZodType } from 'zod';

/** Whole seconds from `least` on. */
export function wholeSeconds(least: number): (text: string) => number {
  return (text) => {
    const seconds = Number(text);
    if (/^\d+$/.test(text) && Number.isSafeInteger(seconds) && seconds >= least) return seconds;
    throw new InvalidArgumentError(
      `It wants whole seconds${least > 0 ? ` from ${least} on` : ''}, such as 30.`,
    );
  };
}

/** As a schema of the contract has it. */
export function as<T>(schema: ZodType<T>): (text: string) => T {
  return (text) => {
    const parsed = schema.safeParse(text);
    if (parsed.success) return parsed.data;
    throw new InvalidArgumentError(parsed.error.issues[0].message);
  };
}

/** For an option that is given once for each origin: as browsers send it, or `*`. */
export function addOrigin(text: string, before: readonly string[] = []): readonly string[] {
  if (text === '*' || (/^https?:/i.test(text) && URL.canParse(text) && new URL(text).origin === text)) {
    return [...before, text];
  }
  throw new InvalidArgumentError(
    'It wants scheme, host and port as a browser sends them, in lower case and without a path, such as http://localhost:3000, or * for all.',
  );
}

/** `3`, or `office=3,warehouse=2`. */
export function parseFactors(text: string): number | Record<string, number> {
  if (/^[0-9]+$/.test(text)) return Number(text);
  const factors = new Map<string, number>();
  for (const part of text.split(',')) {
    const match = /^([^=]+)=([0-9]+)$/.exec(part.trim());
    if (match === null) {
      throw new InvalidArgumentError('Give one number, or one per data center: office=3,warehouse=2.');
    }
    const [, dataCenter, factor] = match;
    if (factors.has(dataCenter)) throw new InvalidArgumentError(`${dataCenter} is named twice.`);
    factors.set(dataCenter, Number(factor));
  }
  return Object.fromEntries(factors);
}
