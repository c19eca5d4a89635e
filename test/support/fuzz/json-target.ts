/** A message that is JSON of one form (zod). */
import type { FuzzTarget } from './target.ts';

export const json = (value: unknown) => Buffer.from(JSON.stringify(value));

interface Schema<T> {
  safeParse(
    value: unknown,
  ):
    | { success: true; data: T }
    | { success: false; error: { issues: readonly { path: readonly PropertyKey[]; message: string }[] } };
}

/** A message of one form: a refusal is told by where it lies, so that each check of the form is a thing to reach. */
export function message<T>(
  name: string,
  schema: Schema<T>,
  values: readonly unknown[],
  use: (value: T) => void = () => {},
): FuzzTarget {
  return {
    ...{ name, seeds: values.map(json), words: ['[]', '{}', 'null', '"', ':'] },
    run(bytes) {
      let value: unknown;
      try {
        value = JSON.parse(bytes.toString());
      } catch {
        return 'no JSON';
      }
      const parsed = schema.safeParse(value);
      if (!parsed.success) {
        const [{ path, message: words }] = parsed.error.issues;
        return `refused ${path
          .filter((part) => typeof part === 'string')
          .join('.')
          .slice(0, 60)} ${words.replace(/[0-9]+|"[^"]*"/g, '').slice(0, 40)}`;
      }
      use(parsed.data);
      // What was taken once is taken again, also by the next computer that it is told to.
      if (!schema.safeParse(JSON.parse(JSON.stringify(parsed.data))).success)
        throw new Error('Told on, it would be refused.');
      return 'taken';
    },
  };
}
